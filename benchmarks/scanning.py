"""Literals found in texts: Consilience beside its peers, on the same work.

    python benchmarks/scanning.py [--megabytes 100] [--rounds 7] [--json PATH]

The text is made of words that a chain of letters learned from the licence's English; its words follow Zipf's law.
Ours and a peer take turns, and the table shows medians of wall and CPU time, and of the ratio of each pair. Peers
that are too slow for the whole text get a part of it, named in the table, and so do we in these pairs.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from consilience.kernels import backend
from consilience.patterns import PatternSet

SEED = 20261124
ENGLISH = (Path(__file__).parent.parent / "LICENSE").read_text(encoding="utf-8")
VOCABULARY = 40_000


def words(n: int, random: np.random.Generator) -> list[str]:
    """Make distinct words of a chain of letters of the third order."""
    follows: dict[str, list[str]] = defaultdict(list)
    for word in re.findall("[a-z]+", ENGLISH.lower()):
        padded = f"  {word} "
        for at in range(len(padded) - 2):
            follows[padded[at : at + 2]].append(padded[at + 2])
    made: dict[str, None] = {}
    while len(made) < n:
        word = "  "
        while len(word) < 18 and not word.endswith(" ", 2):
            choices = follows[word[-2:]]
            word += choices[random.integers(len(choices))]
        made.setdefault(word.strip())
    return list(made)


@dataclass(frozen=True)
class Data:
    """Texts, the same as one string of bytes, and literals to find."""

    texts: pl.Series
    joined: bytes
    literals: list[str]

    def part(self, size: int) -> Data:
        """Return about so many bytes of it."""
        rows = max(1, len(self.texts) * size // len(self.joined))
        if rows >= len(self.texts):
            return self
        texts = pl.Series(self.texts.head(rows).to_list())
        return Data(texts, "\n".join(texts).encode(), self.literals)


def make(size: int, n_literals: int) -> Data:
    """Make texts of 20 to 300 words, and literals of 4 bytes and more out of the rarer words and their pairs."""
    random = np.random.default_rng(SEED)
    vocabulary = sorted(words(VOCABULARY, random), key=len)
    # Frequent words are short: a word's rank is its place by length, with noise.
    vocabulary = [
        vocabulary[at] for at in np.argsort(np.arange(VOCABULARY) + random.normal(0, 4000, VOCABULARY))
    ]
    weights = 1 / (np.arange(VOCABULARY) + 2.7)
    stream = random.choice(VOCABULARY, size // 6, p=weights / weights.sum())
    text = " ".join(np.array(vocabulary, dtype=object)[stream].tolist())
    lengths = random.integers(120, 1800, size // 500)
    limits = np.cumsum(lengths)
    texts = [
        text[end - length : end].capitalize()
        for end, length in zip(limits, lengths, strict=True)
        if end < size
    ]
    texts[::50] = [row + "; naïve café, 東京" for row in texts[::50]]
    rare = [word for word in vocabulary[1500:] if len(word) >= 4]
    chosen = random.choice(len(rare), n_literals, replace=False)
    literals = [rare[at] if at % 5 else f"{rare[at]} {vocabulary[at % 40]}" for at in chosen]
    return Data(pl.Series(texts), "\n".join(texts).encode(), list(dict.fromkeys(literals)))


def peak() -> int:
    """Return the most resident memory since the last reset, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024


def reset_peak() -> int:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


@dataclass(frozen=True)
class Cost:
    """What one call costs: seconds of wall and CPU, bytes beyond what was held before."""

    wall: float
    cpu: float
    memory: int


def cost(call: Callable[[], object]) -> Cost:
    held = reset_peak()
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu, peak() - held)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    literals: int
    peer: str
    work: str
    megabytes: float
    wall: float
    peer_wall: float
    cpu: float
    peer_cpu: float
    memory: int
    peer_memory: int
    times: float
    times_cpu: float
    goal: float | None

    def line(self) -> str:
        goal = "" if self.goal is None else f">= {self.goal:g}"
        return (
            f"{self.literals:>6} {self.peer:<16} {self.work:<44} {self.megabytes:>6.1f} "
            f"{self.megabytes / 1e3 / self.wall:>6.2f} {self.megabytes / 1e3 / self.peer_wall:>8.4f} "
            f"{self.cpu * 1e3:>8.1f} {self.peer_cpu * 1e3:>9.1f} "
            f"{self.memory / 1e6:>6.0f} {self.peer_memory / 1e6:>6.0f} "
            f"{self.times:>8.2f} {self.times_cpu:>8.2f} {goal:>7}"
        )


HEADER = (
    f"{'lits':>6} {'peer':<16} {'work':<44} {'MB':>6} {'GB/s':>6} {'its GB/s':>8} {'CPU ms':>8} {'its CPU':>9} "
    f"{'MB mem':>6} {'its':>6} {'times':>8} {'CPU':>8} {'goal':>7}"
)


@dataclass(frozen=True)
class Pair:
    """Our work and a peer's on the same data; `check` says that the results are equal."""

    peer: str
    work: str
    ours: Callable[[], object]
    theirs: Callable[[], object]
    check: Callable[[], bool]
    data: Data
    goal: float | None = None

    def row(self, rounds: int) -> Row:
        """Take turns, and compare each pair: what disturbs the machine disturbs both."""
        if not self.check():
            raise SystemExit(f"{self.peer}, {self.work}: the matches differ")
        turns = [(cost(self.ours), cost(self.theirs)) for _ in range(rounds)]
        mine, its = ([turn[side] for turn in turns] for side in (0, 1))

        def median(costs: list[Cost], name: str) -> float:
            return statistics.median(getattr(one, name) for one in costs)

        return Row(
            len(self.data.literals), self.peer, self.work, len(self.data.joined) / 1e6,
            median(mine, "wall"), median(its, "wall"), median(mine, "cpu"), median(its, "cpu"),
            int(median(mine, "memory")), int(median(its, "memory")),
            statistics.median(theirs.wall / ours.wall for ours, theirs in turns),
            statistics.median(theirs.cpu / ours.cpu for ours, theirs in turns), self.goal,
        )  # fmt: skip


def polars_pairs(data: Data, ours: PatternSet) -> list[Pair]:
    texts, literals = data.texts, data.literals

    def same_places() -> bool:
        theirs = texts.str.find_many(literals, overlapping=True).explode().drop_nulls()
        return sorted(theirs.to_list()) == sorted(ours.scan(texts)["start"].to_list())

    def same_strings() -> bool:
        theirs = texts.str.extract_many(literals, overlapping=True).explode().drop_nulls()
        mine = ours.scan(texts)["pattern"].cast(pl.String)
        return mine.value_counts(sort=True).sort("pattern").rows() == (
            theirs.rename("pattern").value_counts().sort("pattern").rows()
        )

    def same_rows() -> bool:
        return ours.contains(texts).equals(texts.str.contains_any(literals))

    def scan() -> object:
        return ours.scan(texts)

    return [
        Pair("polars", "scan / find_many, starts only", scan,
             lambda: texts.str.find_many(literals, overlapping=True), same_places, data, 2),
        Pair("polars", "scan / extract_many, strings only", scan,
             lambda: texts.str.extract_many(literals, overlapping=True), same_strings, data, 2),
        Pair("polars", "contains / contains_any", lambda: ours.contains(texts),
             lambda: texts.str.contains_any(literals), same_rows, data, 2),
    ]  # fmt: skip


def hyperscan_pairs(data: Data, ours: PatternSet) -> list[Pair]:
    hyperscan = importlib.import_module("hyperscan")
    database = hyperscan.Database()
    database.compile(
        expressions=[re.escape(literal).encode() for literal in data.literals],
        ids=list(range(len(data.literals))),
    )
    counted: list[int] = []

    def count() -> object:
        counted.clear()
        return database.scan(data.joined, match_event_handler=lambda *match: counted.append(match[0]))

    def same_number() -> bool:
        count()
        return len(counted) == len(ours.scan([data.joined.decode()]))

    def scan() -> object:
        return ours.scan(data.texts)

    return [
        Pair("hyperscan", "scan rows to a frame / one block, no callback", scan,
             lambda: database.scan(data.joined, match_event_handler=None), same_number, data, 0.8),
        Pair("hyperscan", "scan rows to a frame / one block, list.append", scan, count, same_number, data),
    ]  # fmt: skip


def automaton_pairs(data: Data, ours: PatternSet, name: str) -> list[Pair]:
    rows = data.texts.to_list()
    if name == "ahocorasick_rs":
        rust = importlib.import_module(name).AhoCorasick(data.literals)

        def find() -> list[tuple[int, int, int]]:
            return [
                (row, start, pattern)
                for row, text in enumerate(rows)
                for pattern, start, _ in rust.find_matches_as_indexes(text, overlapping=True)
            ]
    else:
        automaton = importlib.import_module("ahocorasick").Automaton()
        for number, literal in enumerate(data.literals):
            automaton.add_word(literal, (number, len(literal) - 1))
        automaton.make_automaton()

        def find() -> list[tuple[int, int, int]]:
            return [
                (row, end - less, number)
                for row, text in enumerate(rows)
                for end, (number, less) in automaton.iter(text)
            ]

    def same() -> bool:
        # Their offsets are characters, ours bytes: the places are alike where all of a text is ASCII.
        ascii_rows = {row for row, text in enumerate(rows) if text.isascii()}
        frame = ours.scan(data.texts)
        mine = zip(frame["text"], frame["start"], frame["pattern"].to_physical(), strict=True)
        return sorted(match for match in mine if match[0] in ascii_rows) == sorted(
            match for match in find() if match[0] in ascii_rows
        )

    return [Pair(name, "scan / Python loop over rows", lambda: ours.scan(data.texts), find, same, data)]


def re_pairs(data: Data, ours: PatternSet) -> list[Pair]:
    # As much as re works off in a few seconds.
    whole, part = data.part(1_000_000_000 // len(data.literals)), data.part(500_000_000 // len(data.literals))
    longest = PatternSet(data.literals, overlapping=False, threads=1)
    ordered = sorted(data.literals, key=len, reverse=True)
    alternation = re.compile("|".join(map(re.escape, ordered)).encode())
    single = [re.compile(f"(?={re.escape(literal)})".encode()) for literal in data.literals]
    wholes, parts = pl.Series([whole.joined.decode()]), pl.Series([part.joined.decode()])

    def all_at_once() -> list[tuple[int, int]]:
        return [match.span() for match in alternation.finditer(whole.joined)]

    def one_by_one() -> list[int]:
        return [match.start() for regex in single for match in regex.finditer(part.joined)]

    return [
        Pair("re", "leftmost-longest / alternation, finditer", lambda: longest.scan(wholes), all_at_once,
             lambda: longest.scan(wholes).select("start", "end").rows() == all_at_once(), whole, 100),
        Pair("re", "scan / finditer of each literal", lambda: ours.scan(parts), one_by_one,
             lambda: sorted(ours.scan(parts)["start"]) == sorted(one_by_one()), part, 100),
    ]  # fmt: skip


def regex_pairs(data: Data) -> list[Pair]:
    """Compare the two ways to regexes, on up to fifty that begin with no literal."""
    wanted = list(
        dict.fromkeys(rf"\b[a-z]+{literal[-4:]}\b" for literal in data.literals if literal[-4:].isalpha())
    )[:50]
    behind, alone = (
        PatternSet(regexes=wanted, threads=1, regex_engine=engine) for engine in ("hyperscan", "polars")
    )
    return [
        Pair("polars", f"{len(wanted)} regexes behind Hyperscan / without", lambda: behind.scan(data.texts),
             lambda: alone.scan(data.texts), lambda: behind.scan(data.texts).equals(alone.scan(data.texts)), data),
    ]  # fmt: skip


def pairs(data: Data, absent: set[str]) -> list[Pair]:
    ours = PatternSet(data.literals, threads=1)
    found = polars_pairs(data, ours)
    with importable("hyperscan", absent):
        found += hyperscan_pairs(data, ours)
    part = data.part(20_000_000)
    for name, module in (("ahocorasick_rs", "ahocorasick_rs"), ("pyahocorasick", "ahocorasick")):
        with importable(module, absent, name):
            found += automaton_pairs(part, ours, name)
    return found + re_pairs(data, ours) + (regex_pairs(part) if not absent & {"hyperscan"} else [])


@contextlib.contextmanager
def importable(module: str, absent: set[str], name: str = ""):
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        absent.add(name or module)


def limits(data: Data, rounds: int) -> dict[str, float]:
    """Return GB/s of work that bounds ours: reading for one byte, copying, and our scan with two threads."""
    calls: dict[str, Callable[[], object]] = {
        "memchr of a byte that is not there": lambda: data.joined.find(b"\0"),
        "copy": lambda: bytearray(data.joined),
    }
    for n in (1, 2):
        own = PatternSet(data.literals, threads=n)
        calls[f"scan, {n} threads"] = lambda own=own: own.scan(data.texts)
    folded = PatternSet(data.literals, ignore_case=True, threads=1)
    calls["scan, ignore_case, 1 thread"] = lambda: folded.scan(data.texts)
    shuffled = data.texts.sample(fraction=1, shuffle=True, seed=SEED)
    one = PatternSet(data.literals, threads=1)
    calls["scan, rows in random order of memory, 1 thread"] = lambda: one.scan(shuffled)
    size = len(data.joined) / 1e9
    return {
        name: size / statistics.median(cost(call).wall for _ in range(rounds)) for name, call in calls.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    absent: set[str] = set()
    report: list[Row] = []
    print(
        f"kernels: {backend}; GB/s and memory are medians of {options.rounds} turns; "
        "times, CPU: its wall and CPU time / ours\n"
    )
    print(HEADER)
    rates: dict[int, dict[str, float]] = {}
    for n in (50, 1000):
        data = make(options.megabytes * 1_000_000, n)
        for pair in pairs(data, absent):
            report.append(pair.row(options.rounds if len(data.joined) == len(pair.data.joined) else 3))
            print(report[-1].line(), flush=True)
        rates[n] = limits(data, options.rounds)
    print()
    for n, own in rates.items():
        for name, rate in own.items():
            print(f"{n:>6} literals: {name:<48} {rate:>7.2f} GB/s")
    print(f"\nabsent peers: {', '.join(sorted(absent)) or 'none'}")
    if options.json:
        figures = {"rows": [asdict(row) for row in report], "GB/s": rates, "absent": sorted(absent)}
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
