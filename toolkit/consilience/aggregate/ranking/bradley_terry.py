"""Strengths from comparisons of two: Bradley and Terry's model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.aggregate.ranking.ballots import read_rankings
from consilience.aggregate.ranking.pairs import Pairs, pairs
from consilience.aggregate.ranking.result import ConsensusRanking, Unranked, require_unranked
from consilience.aggregate.ranking.strength import Fitting, consensus, scale_step, separated_tasks
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.int64]]


def bradley_terry(
    frame: Frame,
    *,
    regularisation: float = 0.0,
    unranked: Unranked = "ignored",
    max_iterations: int = 10_000,
    tolerance: float = 1e-8,
) -> ConsensusRanking:
    """Rank items by strengths such that one is put above another with probability p_i / (p_i + p_j).

    Parameters
    ----------
    frame
        As in `borda`; a comparison of two is a ranking of two. A longer ranking counts as all of its pairs, which are
        not independent: then `plackett_luce` is the model, and this one a fast likeness of it. A tie counts half a
        win for each side.
    regularisation
        So many wins, and as many losses, of each item against one of strength 1 that is made up. 0 is maximum
        likelihood, which has no finite answer for a *separated* task, in which some items are never put below the
        others: its ranks and scores are null, and ``note`` says so. 0.1 gives every task finite strengths, drawn
        a little together.
    unranked
        As in `borda`; by default, items that an expert did not rank were not compared.
    max_iterations, tolerance
        A task is done when no logarithm of a strength moves by more than the tolerance in a round.

    Returns
    -------
    ConsensusRanking
        ``score`` is the logarithm of the strength, with the mean 0 over the task; ``share`` the strength divided by
        the sum over the task. ``tasks`` has the column ``separated``. There are no intervals: they would need
        comparisons that are independent, which those of one expert are not. Independent of the order of experts and
        items.

    Raises
    ------
    InvalidFrame
        As in `borda`.
    InvalidInput
        An option is out of its range, or the items of a task make too many pairs.

    Notes
    -----
    R. A. Bradley and M. E. Terry, *Biometrika* 39 (1952), 324-345, fitted by the algorithm of D. R. Hunter, *Annals of
    Statistics* 32 (2004), 384-406.

    Examples
    --------
    >>> import polars as pl
    >>> frame = {"task": [1] * 4, "expert": list("abcd"), "ranking": [["x", "y"]] * 3 + [["y", "x"]]}
    >>> bradley_terry(frame).rankings.select("item", pl.col("share").round(4)).rows()
    [('x', 0.75), ('y', 0.25)]
    """
    import numpy as np

    fitting = Fitting(regularisation=regularisation, max_iterations=max_iterations, tolerance=tolerance)
    require_unranked(unranked)
    given = read_rankings(frame)
    groups = list(pairs(given, unranked))
    edges = [(group.above + group.tied) > 0 for group in groups]
    separated = separated_tasks(given, groups, edges, fitting)
    strength = np.ones(len(given.items))
    unsettled = 0
    for group in groups:
        on = ~separated[group.tasks]
        strength[group.slots[on]], left = _fit(group, on.nonzero()[0], fitting)
        unsettled += left
    name = f"Bradley-Terry, unranked {unranked}"
    return consensus(given, strength, separated, unsettled, name)


def _fit(group: Pairs, tasks: Places, fitting: Fitting) -> tuple[Array, int]:
    """Return the strengths of some tasks of a group (n_tasks, n_items), and how many tasks have not settled."""
    import numpy as np

    wins = (group.above + group.tied / 2)[tasks]
    met = wins + wins.swapaxes(1, 2)
    won = wins.sum(axis=2) + fitting.regularisation
    strength = np.ones(won.shape)
    left = np.arange(tasks.size)
    for _ in range(fitting.max_iterations):
        if not left.size:
            break
        old = strength[left]
        new = _round(old, met[left] if left.size < tasks.size else met, won[left], fitting.regularisation)
        strength[left] = new
        left = left[(np.abs(np.log(new / old)) > fitting.tolerance).any(axis=1)]
    return strength, left.size


def _round(strength: Array, met: Array, won: Array, regularisation: float) -> Array:
    import numpy as np

    expected = (met / (strength[:, :, None] + strength[:, None, :])).sum(axis=2)
    if regularisation:
        expected += 2 * regularisation / (strength + 1)
    new: Array = np.divide(won, expected, out=np.ones_like(won), where=expected > 0)
    if not regularisation:
        new /= new.mean(axis=1, keepdims=True)  # the scale is free
        return new
    beats = new / (new + 1)
    new *= scale_step(beats.sum(axis=1), (beats * (1 - beats)).sum(axis=1), new.shape[1])[:, None]
    return new
