"""Aggregation and alpha beside their peers, on the same answers.

Each row of the table is one piece of work done by us and by a peer in turn, and the medians of the pairs. Frames hold
text unless a row says otherwise, and turning text into codes counts on both sides. Where both iterate, both run the
same number of rounds; the last column says how far the results agree. Run it as::

    python benchmarks/aggregation.py --sizes 10000 100000 1000000 --pairs 3 --json aggregation.json

``--coding`` times the ways to turn a column into codes instead. A peer that is not installed is named.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aggregation_peers as peers
import numpy as np
import polars as pl

from consilience import kernels, synthetic
from consilience.aggregate import dawid_skene, glad, mace, majority, one_coin_dawid_skene
from consilience.agreement import krippendorff_alpha
from consilience.frames import coded

LABELS = 4
EACH = 5
EXPERTS = 100
ROUNDS = 50


@dataclass(frozen=True)
class Answers:
    """The same answers in the forms that the sides take."""

    text: pl.DataFrame
    integers: pl.DataFrame
    pandas: Any


def answers(n: int, seed: int = 0) -> Answers:
    """Return n answers by 100 experts of unlike skill, five a task, rows shuffled."""
    made = synthetic.answers(n, experts=EXPERTS, labels=LABELS, each=EACH, seed=seed)
    # crowd-kit's MACE 1.4.2 takes experts and labels in order of appearance for those in order of their names (its
    # results are wrong otherwise): here the two orders are one.
    integers = pl.DataFrame(
        {
            "task": made["task"],
            "expert": coded(made["expert"]).codes,
            "label": coded(made["label"]).codes,
        }
    )
    text = integers.select(
        pl.format("task-{}", "task").alias("task"),
        pl.format("expert-{}", pl.col("expert") + 1000).alias("expert"),
        pl.format("label-{}", "label").alias("label"),
    )
    pandas = text.rename({"expert": "worker"}).to_pandas() if find_spec("pandas") else None
    return Answers(text, integers, pandas)


@dataclass(frozen=True)
class Case:
    """A piece of work: what we do, what the peer does, and how far the results agree."""

    work: str
    peer: str
    goal: float
    ours: Callable[[Answers], Any]
    theirs: Callable[[Answers], Any]
    agree: Callable[[Any, Any], str]
    needs: str = ""
    most: int = 10**9


def codes_of(data: Answers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(data.integers[name].cast(pl.Int32).to_numpy() for name in ("task", "expert", "label"))


def arranged(data: Answers) -> kernels.Layout:
    task, expert, label = codes_of(data)
    return kernels.layout(task, expert, label, int(task.max()) + 1, EXPERTS, LABELS)


def alpha_of_codes(data: Answers) -> float:
    """Return nominal alpha from the counts of the kernel alone."""
    task, _, label = codes_of(data)
    found = kernels.multisets(task, label, int(task.max()) + 1, LABELS)
    answers = np.add.reduceat(found.times, found.start[:-1])
    pairs = answers**2 - np.add.reduceat(found.times.astype(np.int64) ** 2, found.start[:-1])
    times = found.times * np.repeat(found.repeats, np.diff(found.start))
    totals = np.bincount(found.value, times, LABELS)
    n = totals.sum()
    return 1 - (n - 1) * (found.repeats * pairs / (answers - 1)).sum() / (n**2 - (totals**2).sum())


CASES = [
    Case(
        f"Dawid-Skene, {ROUNDS} rounds",
        "crowd-kit",
        100,
        lambda d: dawid_skene(d.text, max_iterations=ROUNDS, tolerance=-1),
        lambda d: peers.crowdkit_dawid_skene(d.pandas, ROUNDS),
        peers.posteriors_agree,
        "crowdkit",
    ),
    Case(
        f"Dawid-Skene, {ROUNDS} rounds",
        "numpy",
        10,
        lambda d: dawid_skene(d.text, max_iterations=ROUNDS, tolerance=-1).log_likelihood,
        lambda d: peers.numpy_dawid_skene(*(coded(d.text[c]).codes for c in d.text.columns), ROUNDS),
        peers.numbers_agree,
    ),
    Case(
        f"Dawid-Skene on codes, {ROUNDS} rounds",
        "numpy",
        10,
        lambda d: kernels.dawid_skene(arranged(d), max_iterations=ROUNDS, tolerance=-1).log_likelihood,
        lambda d: peers.numpy_dawid_skene(*codes_of(d), ROUNDS),
        peers.numbers_agree,
    ),
    Case(
        f"one-coin Dawid-Skene, {ROUNDS} rounds",
        "crowd-kit",
        100,
        lambda d: one_coin_dawid_skene(d.text, max_iterations=ROUNDS, tolerance=-1),
        lambda d: peers.crowdkit_one_coin(d.pandas, ROUNDS),
        peers.posteriors_agree,
        "crowdkit",
    ),
    Case(
        "GLAD, each to its own end",
        "crowd-kit",
        50,
        lambda d: glad(d.text),
        lambda d: peers.crowdkit_glad(d.pandas),
        peers.answers_agree,
        "crowdkit",
        100_000,
    ),
    Case(
        "MACE (vb), 50 rounds, one start",
        "crowd-kit",
        50,
        lambda d: mace(d.text, max_iterations=50, tolerance=-1),
        lambda d: peers.crowdkit_mace(d.pandas, 50),
        peers.posteriors_agree,
        "crowdkit",
    ),
    Case(
        "majority, text",
        "Polars",
        30,
        lambda d: majority(d.text, strict=False).answers,
        lambda d: peers.polars_majority(d.text),
        peers.majorities_agree,
    ),
    Case(
        "majority, integers",
        "Polars",
        30,
        lambda d: majority(d.integers, strict=False).answers,
        lambda d: peers.polars_majority(d.integers),
        peers.majorities_agree,
    ),
    Case(
        "majority, codes",
        "Polars",
        30,
        lambda d: kernels.majority(*codes_of(d)[::2], d.integers["task"].max() + 1, LABELS),
        lambda d: peers.polars_majority(d.integers),
        lambda ours, theirs: f"{int(ours.tied.sum())} and {int((theirs['leaders'] > 1).sum())} ties",
    ),
    *(
        Case(
            f"alpha, {level}, integers",
            "krippendorff",
            25,
            lambda d, level=level: krippendorff_alpha(d.integers, level, draws=0).value,
            lambda d, level=level: peers.krippendorff(d.integers, level),
            peers.numbers_agree,
            "krippendorff",
        )
        for level in ("nominal", "interval")
    ),
    Case(
        "alpha, nominal, codes, its matrix given",
        "krippendorff",
        25,
        alpha_of_codes,
        lambda d: peers.krippendorff_of(d.integers),
        peers.numbers_agree,
        "krippendorff",
    ),
    Case(
        "alpha, nominal, its matrix given",
        "krippendorff",
        25,
        lambda d: krippendorff_alpha(d.integers, draws=0).value,
        lambda d: peers.krippendorff_of(d.integers),
        peers.numbers_agree,
        "krippendorff",
    ),
]


def measured(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return CPU seconds, wall seconds and the result."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return time.process_time() - cpu, time.perf_counter() - wall, result


def peak(index: int, side: str, n: int) -> float | None:
    """Return the megabytes that one side needs beyond its input, in a process of its own; None but on Linux."""
    command = [sys.executable, __file__, "--child", str(index), side, str(n)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 and done.stdout.strip() else None


def child(index: int, side: str, n: int) -> None:
    """Do one side's work and print by how much memory rose."""
    status = Path("/proc/self/status")
    if not status.exists():
        return
    data, case = answers(n), CASES[index]
    work = case.ours if side == "ours" else case.theirs
    work(answers(1000))  # imports and first calls are not the work
    before = _kilobytes(status, "VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    work(data)
    print((_kilobytes(status, "VmHWM") - before) / 1024)


def _kilobytes(status: Path, field: str) -> int:
    line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith(field))
    return int(line.split()[1])


def compare(index: int, data: Answers, pairs: int, *, memory: bool) -> dict[str, Any]:
    """Run both sides in turn and return medians."""
    case, n = CASES[index], len(data.text)
    case.ours(data)
    sides: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
    said = ""
    for _ in range(pairs):
        cpu, wall, ours = measured(lambda: case.ours(data))
        sides["ours"].append((cpu, wall))
        cpu, wall, theirs = measured(lambda: case.theirs(data))
        sides["theirs"].append((cpu, wall))
        said = case.agree(ours, theirs)
    row: dict[str, Any] = {"work": case.work, "peer": case.peer, "n": n, "goal": case.goal, "agreement": said}
    for side, times in sides.items():
        row[f"{side}_cpu"] = statistics.median(cpu for cpu, _ in times)
        row[f"{side}_wall"] = statistics.median(wall for _, wall in times)
        row[f"{side}_peak_mb"] = peak(index, side, n) if memory else None
    row["times_cpu"] = statistics.median(
        theirs[0] / ours[0] for ours, theirs in zip(sides["ours"], sides["theirs"], strict=True)
    )
    row["times_wall"] = statistics.median(
        theirs[1] / ours[1] for ours, theirs in zip(sides["ours"], sides["theirs"], strict=True)
    )
    return row


def shown(row: dict[str, Any]) -> str:
    if "missing" in row:
        return f"{row['work']:<38} {row['n']:>9,} {row['peer']:<13} {row['missing']}"
    memory = "/".join(
        "-" if row[f"{side}_peak_mb"] is None else f"{row[f'{side}_peak_mb']:.0f}"
        for side in ("ours", "theirs")
    )
    return (
        f"{row['work']:<38} {row['n']:>9,} {row['peer']:<13} {row['ours_cpu'] * 1e3:>9.1f} "
        f"{row['theirs_cpu'] * 1e3:>10.1f} {row['times_cpu']:>7.1f}x {row['times_wall']:>7.1f}x "
        f"{row['goal']:>5.0f}x {memory:>11}  {row['agreement']}"
    )


def coding(n: int) -> None:
    """Print what the ways to turn a column into codes cost."""
    data = answers(n)
    for kind, frame in (("text", data.text), ("integers", data.integers)):
        for name in frame.columns:
            column = frame[name]
            ways: dict[str, Callable[[], Any]] = {
                "ours": lambda column=column: coded(column),
                "rank('dense')": lambda column=column: column.rank("dense"),
                "group_by in order": lambda column=column, name=name: (
                    column.to_frame().group_by(name, maintain_order=True).agg(pl.len())
                ),
                "np.unique": lambda column=column: np.unique(column.to_numpy(), return_inverse=True),
            }
            if kind == "text":
                names = column.unique()
                ways["Categorical"] = lambda column=column: column.cast(pl.Categorical).to_physical()
                ways["Enum, names known"] = lambda column=column, names=names: column.cast(
                    pl.Enum(names)
                ).to_physical()
                ways["Arrow dictionary"] = lambda column=column: column.to_arrow().dictionary_encode()
                del ways["np.unique"]
            for way, work in ways.items():
                times = [measured(work)[0] for _ in range(3)]
                print(f"{kind:<9} {name:<7} {way:<18} {statistics.median(times) * 1e3:>8.1f} ms CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--pairs", type=int, default=3, help="runs of each side, in turn")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument(
        "--no-memory", action="store_true", help="leave out peak memory, which costs a run each"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--coding", action="store_true", help="time the ways to turn a column into codes")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # the peers warn of what their dependencies will change
    if chosen.child:
        child(int(chosen.child[0]), chosen.child[1], int(chosen.child[2]))
        return
    if chosen.coding:
        coding(max(chosen.sizes))
        return
    print(f"{'work':<38} {'answers':>9} {'peer':<13} {'ours ms':>9} {'peer ms':>10} {'CPU':>8} {'wall':>8} "
          f"{'goal':>6} {'peak MB':>11}  agreement")  # fmt: skip
    rows: list[dict[str, Any]] = []
    for n in chosen.sizes:
        data = answers(n)
        for index, case in enumerate(CASES):
            if chosen.only not in case.work or n > case.most:
                continue
            named = {"work": case.work, "peer": case.peer, "n": n}
            if case.needs and not find_spec(case.needs):
                rows.append(named | {"missing": f"not installed: pip install {case.peer}"})
            else:
                rows.append(compare(index, data, chosen.pairs, memory=not chosen.no_memory))
            print(shown(rows[-1]), flush=True)
    if chosen.json:
        versions = {"backend": kernels.backend, "python": sys.version.split()[0], "polars": pl.__version__}
        chosen.json.write_text(
            json.dumps({"versions": versions, "rows": rows}, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
