"""Rankings from the places of items: Borda and reciprocal rank fusion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.aggregate.ranking.ballots import Rankings, read_rankings
from consilience.aggregate.ranking.result import ConsensusRanking, Unranked, ranked, require_unranked
from consilience.errors import InvalidInput
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]


def borda(frame: Frame, *, unranked: Unranked = "last") -> ConsensusRanking:
    """Rank items by how many others the experts put below them.

    Parameters
    ----------
    frame
        A row a ranking with ``task``, ``expert``, ``ranking`` (a list, best first; a list of lists for ties; null for
        an expert who was asked and gave no answer), or a row an item with ``task``, ``expert``, ``item``, ``rank``.
    unranked
        ``last``: an item that others ranked on the task and this expert did not is below all ranked ones, tied with
        its like; right for the best few of a list that all have seen. ``ignored``: it was not compared; right where
        experts saw different items.

    Returns
    -------
    ConsensusRanking
        ``score`` is the sum over experts of the items below plus half of the tied ones; under ``ignored`` it is the
        share of comparisons won, ties counting half, and null for an item that was compared with none. Independent of
        the order of experts and items.

    Raises
    ------
    InvalidFrame
        A column is missing, an expert ranked a task twice, or an item twice in one ranking.
    InvalidInput
        ``unranked`` is neither of the two.

    Notes
    -----
    J.-C. de Borda, *Mémoire sur les élections au scrutin*, 1781. It can pass over an item that a majority puts first
    (see `copeland`, `schulze`), and changes when a copy of an item is entered.

    Examples
    --------
    >>> frame = {"task": [1, 1, 1], "expert": list("abc"), "ranking": [["x", "y", "z"], ["x", "z"], ["y"]]}
    >>> borda(frame).rankings.select("item", "rank", "score").rows()
    [('x', 1, 4.5), ('y', 2, 3.0), ('z', 3, 1.5)]
    """
    require_unranked(unranked)
    given = read_rankings(frame)
    score = _points(given) if unranked == "last" else _shares(given)
    return ranked(given, score, f"Borda, unranked {unranked}")


def _points(given: Rankings) -> Array:
    """Return points where the unranked items of a ballot share what is left."""
    import numpy as np

    of_ballot = given.n_items[given.task_of]
    left = (of_ballot - given.lengths - 1) / 2  # what each unranked item gets
    for_all = np.bincount(given.task_of, left, minlength=len(given.tasks))
    gain = of_ballot[given.ballot] - given.mean_places() - left[given.ballot]
    points: Array = for_all[given.task_of_slot] + given.per_slot(gain)
    return points


def _shares(given: Rankings) -> Array:
    import numpy as np

    length = given.lengths[given.ballot].astype(np.float64)
    won, compared = given.per_slot(length - given.mean_places()), given.per_slot(length - 1.0)
    shares: Array = np.divide(won, compared, out=np.full(won.size, np.nan), where=compared > 0)
    return shares


def rrf(frame: Frame, *, k: float = 60.0) -> ConsensusRanking:
    """Rank items by the sum of 1 / (k + place), as search engines fuse their results.

    Parameters
    ----------
    frame
        As in `borda`. An item that an expert did not rank gets nothing from that expert.
    k
        How much the first places count less than their inverse: with 60, the value of the source, first and second
        place differ by 1.6 %.

    Returns
    -------
    ConsensusRanking
        ``score`` is the sum. Ties share the mean of their places. Independent of the order of experts and items.

    Raises
    ------
    InvalidFrame
        As in `borda`.
    InvalidInput
        ``k`` is negative.

    Notes
    -----
    G. V. Cormack, C. L. A. Clarke and S. Büttcher, *SIGIR* (2009), 758-759.

    Examples
    --------
    >>> frame = {"task": [1, 1], "expert": list("ab"), "ranking": [["x", "y"], ["y"]]}
    >>> rrf(frame).rankings.select("item", "score").row(0) == ("y", 1 / 61 + 1 / 62)
    True
    """
    if not 0 <= k < float("inf"):
        raise InvalidInput(f"k is 0 or more, {k} came: 60 is usual.")
    given = read_rankings(frame)
    return ranked(given, given.per_slot(1 / (k + given.mean_places())), f"reciprocal rank fusion (k={k:g})")
