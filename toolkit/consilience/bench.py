"""What the kernels do on this machine, in half a minute; peers are for the benchmarks of the repository."""

from __future__ import annotations

import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Figure", "facts", "figures"]

THRESHOLD = 0.7
MOST_SMALLER = 100
SMALLER = 20  # times, where the readable forms of the kernels serve


@dataclass(frozen=True, slots=True)
class Figure:
    """What one piece of work costs; times are medians of all rounds.

    Parameters
    ----------
    work, size
        What was done, and to how much.
    cpu, wall
        Seconds.
    memory
        Bytes that the first run takes beyond what was held before; None where the system does not say.
    beside, times
        A dependency that did the same in turn, and its CPU time divided by ours (median of the pairs); empty and None
        where nothing that is always installed does the same.
    check
        What was checked of the result.
    """

    work: str
    size: str
    cpu: float
    wall: float
    memory: int | None
    beside: str = ""
    times: float | None = None
    check: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Work:
    name: str
    size: str
    ours: Callable[[], object]
    beside: str = ""
    theirs: Callable[[], object] | None = None
    check: Callable[[], str] | None = None


def facts() -> dict[str, str]:
    """Say which kernels are in use, and on what."""
    import polars as pl

    from consilience import __version__, kernels

    return {
        "kernels": kernels.backend,
        "consilience": __version__,
        "python": platform.python_version(),
        "polars": pl.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def figures(rounds: int = 3, smaller: int = 1) -> Iterator[Figure]:
    """Measure one piece of work after another.

    Parameters
    ----------
    rounds
        Runs of each; a dependency that does the same takes turns with us.
    smaller
        Divides the sizes, for a slow machine. Where the readable forms of the kernels serve, they are a twentieth
        beforehand.

    Raises
    ------
    InvalidInput
        Fewer than one round, or sizes divided by less than one or more than 100.
    """
    from consilience import kernels

    if rounds < 1:
        raise InvalidInput(f"rounds must be at least 1, got {rounds}")
    if not 1 <= smaller <= MOST_SMALLER:
        raise InvalidInput(f"smaller must lie between 1 and {MOST_SMALLER}, got {smaller}")
    for work in _works(smaller if kernels.backend == "cython" else smaller * SMALLER):
        yield _measured(work, rounds)


def _measured(work: _Work, rounds: int) -> Figure:
    # The first run tells the memory, which later ones find ready; its time, with imports, is not the work's.
    memory = _cost(work.ours)[2]
    turns = [(_cost(work.ours), _cost(work.theirs) if work.theirs else None) for _ in range(rounds)]
    cpu, wall, _ = zip(*(own for own, _ in turns), strict=True)
    ratios = [its[0] / own[0] for own, its in turns if its and own[0]]
    return Figure(
        work.name,
        work.size,
        statistics.median(cpu),
        statistics.median(wall),
        memory,
        work.beside,
        statistics.median(ratios) if ratios else None,
        work.check() if work.check else "",
    )


def _cost(call: Callable[[], object]) -> tuple[float, float, int | None]:
    """Return seconds of CPU and wall, and bytes."""
    held = _peak(reset=True)
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    now = _peak(reset=False)
    return cpu, wall, None if held is None or now is None else max(0, now - held)


def _peak(*, reset: bool) -> int | None:
    """Return the most resident memory since the last reset; None but on Linux."""
    if sys.platform != "linux":
        return None
    if reset:
        with suppress(OSError):  # in some containers the peak cannot begin anew, and is that of the process
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 if found else None


def _works(share: int) -> Iterator[_Work]:
    yield from _texts(20_000 // share, 2_000 // share)
    yield from _answers(100_000 // share // 5 * 5)
    yield from _literals(10_000_000 // share)


def _texts(n: int, few: int) -> Iterator[_Work]:
    from consilience.dedup import near_duplicates, similarity
    from consilience.synthetic import texts

    rows = texts(n)
    yield _Work(
        f"near-duplicates, threshold {THRESHOLD}",
        f"{n:,} texts",
        partial(near_duplicates, rows, THRESHOLD),
        check=partial(_recall, rows.head(few)),
    )
    yield _Work("similarity of all pairs", f"{few:,} texts", partial(similarity, rows.head(few)))


def _recall(rows: pl.Series) -> str:
    """Compare the clusters with those of all pairs."""
    import numpy as np

    from consilience import kernels
    from consilience.dedup import near_duplicates, similarity

    found = near_duplicates(rows, THRESHOLD).labels
    left, right = np.nonzero(np.triu(similarity(rows) >= THRESHOLD, 1))
    truth = kernels.union_find(left.astype(np.int32), right.astype(np.int32), len(rows))
    ours, theirs = (np.equal.outer(labels, labels) for labels in (found, truth))
    np.fill_diagonal(ours, val=False)
    np.fill_diagonal(theirs, val=False)
    both = (ours & theirs).sum()
    return f"recall {both / max(theirs.sum(), 1):.4f}, precision {both / max(ours.sum(), 1):.4f} on {len(rows):,}"


def _answers(n: int) -> Iterator[_Work]:
    import polars as pl

    from consilience.aggregate import dawid_skene, majority
    from consilience.agreement import krippendorff_alpha
    from consilience.synthetic import answers

    frame = answers(n).select(
        pl.format(f"{name}-{{}}", name).alias(name) for name in ("task", "expert", "label")
    )
    size = f"{n:,} answers"
    yield _Work(
        "majority",
        size,
        partial(majority, frame, strict=False),
        "Polars",
        partial(_majority_by_grouping, frame),
    )
    yield _Work("Krippendorff's alpha", size, partial(krippendorff_alpha, frame, draws=0))
    rounds = partial(dawid_skene, frame, max_iterations=50, tolerance=-1)
    yield _Work("Dawid-Skene, 50 rounds", size, rounds)


def _majority_by_grouping(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    counts = frame.lazy().group_by("task", "label").agg(pl.len().alias("votes"))
    best = pl.col("votes").max()
    leader = pl.col("label").filter(pl.col("votes") == best).min().alias("leader")
    return counts.group_by("task").agg(leader, (pl.col("votes") == best).sum().alias("leaders")).collect()


def _literals(size: int) -> Iterator[_Work]:

    from consilience.patterns import PatternSet
    from consilience.synthetic import texts

    rows = texts(size // 75)
    words = rows.head(20_000).str.split(" ").explode().str.strip_chars(",").unique().sort()
    words = words.filter(words.str.len_bytes() > 4)
    megabytes = f"{sum(rows.str.len_bytes()) / 1e6:.1f} MB"
    for n in (50, 1000):
        literals = sorted(words.sample(min(n, len(words)), seed=n).to_list())
        yield _Work(
            f"{len(literals):,} literals",
            megabytes,
            partial(PatternSet(literals, threads=1).scan, rows),
            "Polars",
            partial(rows.str.find_many, literals, overlapping=True),
        )
