"""What models that give each item a strength have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.aggregate.ranking.ballots import Rankings
from consilience.aggregate.ranking.pairs import Pairs
from consilience.aggregate.ranking.result import ConsensusRanking, ranked
from consilience.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Truths = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """How strengths are fitted.

    Parameters
    ----------
    regularisation
        Wins, and as many losses, of each item against one of strength 1 that is made up.
    max_iterations, tolerance
        A task is done when no logarithm of a strength moves by more than the tolerance in a round.
    """

    regularisation: float
    max_iterations: int
    tolerance: float

    def __post_init__(self) -> None:
        if not 0 <= self.regularisation < float("inf"):
            raise InvalidInput(f"regularisation is 0 or more, {self.regularisation} came.")
        if self.max_iterations < 1:
            raise InvalidInput(f"max_iterations is 1 or more, {self.max_iterations} came.")
        if not self.tolerance > 0:
            raise InvalidInput(f"tolerance is positive, {self.tolerance} came.")


def joined(edges: Truths) -> Truths:
    """Return for each task whether every item is, over some chain, put above each other one.

    Without it no finite strengths are the likeliest: L. R. Ford, *American Mathematical Monthly* 64 (1957), 28-33.
    """
    import numpy as np

    size = edges.shape[1]
    reach = (edges | np.eye(size, dtype=np.bool_)).astype(np.float32)
    for _ in range(max(1, (size - 1).bit_length())):
        reach = (reach @ reach > 0).astype(np.float32)
    every: Truths = np.asarray((reach > 0).all(axis=(1, 2)))
    return every


def scale_step(beats: Array, slope: Array, size: Array | int) -> Array:
    """Return the factor that brings the strengths of each task to the scale of the made-up item of strength 1.

    The rankings say nothing of the scale, so that item alone decides it: on average each item beats it half of the
    time. One step of Newton's method a round; without it the scale takes most of the rounds.

    Parameters
    ----------
    beats, slope
        Sums over the items of p / (p + 1), and of p / (p + 1)^2.
    size
        Number of items.
    """
    import numpy as np

    step: Array = np.exp(np.clip((size / 2 - beats) / slope, -1, 1))
    return step


def separated_tasks(given: Rankings, groups: list[Pairs], edges: list[Truths], fitting: Fitting) -> Truths:
    """Return which tasks have no finite strengths; with regularisation all have."""
    import numpy as np

    separated = np.zeros(len(given.tasks), dtype=np.bool_)
    if not fitting.regularisation:
        for group, put_above in zip(groups, edges, strict=True):
            separated[group.tasks] = ~joined(put_above)
    return separated


def consensus(
    given: Rankings, strength: Array, separated: Truths, unsettled: int, method: str
) -> ConsensusRanking:
    """Return the ranking by strengths, one a slot; those of separated tasks are not looked at."""
    import numpy as np
    import polars as pl

    task = given.task_of_slot
    n_tasks = len(given.tasks)
    known = ~separated[task]
    strength = np.where(known, strength, 1.0)
    log = np.log(strength)
    with np.errstate(invalid="ignore", divide="ignore"):
        log -= (np.bincount(task, log, minlength=n_tasks) / given.n_items)[task]
    share = strength / np.bincount(task, strength, minlength=n_tasks)[task]
    return ranked(
        given,
        np.where(known, log, np.nan),
        method,
        note=_note(separated, unsettled),
        columns={"share": np.where(known, share, np.nan)},
        tasks={"separated": pl.Series(separated)},
    )


def _note(separated: Truths, unsettled: int) -> str:
    said = []
    if separated.any():
        said.append(
            f"{int(separated.sum()):,} of {separated.size:,} tasks are separated: some of their items are never put "
            "below the others, so no finite strengths fit and they have no ranks; regularisation=0.1 gives them some"
        )
    if unsettled:
        said.append(f"{unsettled:,} tasks had NOT settled: raise max_iterations")
    return "; ".join(said)
