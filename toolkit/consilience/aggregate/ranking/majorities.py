"""Rankings from majorities between pairs of items: Copeland and Schulze."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from consilience.aggregate.ranking.ballots import read_rankings
from consilience.aggregate.ranking.pairs import condorcet_winners, pairs
from consilience.aggregate.ranking.result import ConsensusRanking, Unranked, ranked, require_unranked
from consilience.errors import InvalidInput
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]


def copeland(frame: Frame, *, unranked: Unranked = "last") -> ConsensusRanking:
    """Rank items by how many others a majority puts below them.

    Parameters
    ----------
    frame, unranked
        As in `borda`.

    Returns
    -------
    ConsensusRanking
        ``score`` is the number of items beaten plus half of those drawn with; a pair that nobody compared is a draw.
        ``tasks`` has the column ``condorcet``, the item that beats each other one; it is ranked first where it
        exists. Independent of the order of experts and items.

    Raises
    ------
    InvalidFrame, InvalidInput
        As in `borda`; or the items of a task make too many pairs.

    Notes
    -----
    A. H. Copeland, *A reasonable social welfare function*, seminar notes, University of Michigan, 1951.

    Examples
    --------
    >>> frame = {
    ...     "task": [1] * 3,
    ...     "expert": list("abc"),
    ...     "ranking": [["x", "y", "z"], ["x", "z", "y"], ["y", "z", "x"]],
    ... }
    >>> copeland(frame).rankings.select("item", "rank", "score").rows()
    [('x', 1, 2.0), ('y', 2, 1.0), ('z', 3, 0.0)]
    """
    import numpy as np

    require_unranked(unranked)
    given = read_rankings(frame)
    groups = list(pairs(given, unranked))
    score = np.zeros(len(given.items))
    for group in groups:
        beats = group.majority()
        size = group.slots.shape[1]
        score[group.slots] = (beats.sum(axis=2) - beats.sum(axis=1) + size - 1) / 2
    tasks = {"condorcet": condorcet_winners(given, groups)}
    return ranked(given, score, f"Copeland, unranked {unranked}", tasks=tasks)


def schulze(
    frame: Frame, *, strength: Literal["winning", "margin"] = "winning", unranked: Unranked = "last"
) -> ConsensusRanking:
    """Rank items by the strongest chains of majorities between them.

    Parameters
    ----------
    frame, unranked
        As in `borda`.
    strength
        Of a majority: ``winning``, the experts on its side, as its author advises; ``margin``, these minus the experts
        on the other side. They differ only where experts tie items or leave them out.

    Returns
    -------
    ConsensusRanking
        ``score`` is the number of other items that do not come before this one. An item comes before another when its
        strongest chain to it is stronger than the one back; the relation has no cycles, but can leave pairs open, and
        the ranks are by the items that come before: those with rank 1 are all of the method's potential winners.
        ``tasks`` has the column ``condorcet``. Independent of the order of experts and items.

    Raises
    ------
    InvalidFrame, InvalidInput
        As in `copeland`.

    Notes
    -----
    M. Schulze, *Social Choice and Welfare* 36 (2011), 267-303. Time grows with the cube of the items of a task.

    Examples
    --------
    >>> frame = {
    ...     "task": [1] * 3,
    ...     "expert": list("abc"),
    ...     "ranking": [["x", "y", "z"], ["x", "z", "y"], ["y", "z", "x"]],
    ... }
    >>> schulze(frame).rankings.select("item", "rank").rows()
    [('x', 1), ('y', 2), ('z', 3)]
    """
    import numpy as np

    require_unranked(unranked)
    if strength not in ("winning", "margin"):
        raise InvalidInput(f"strength is 'winning' or 'margin', {strength!r} came.")
    given = read_rankings(frame)
    groups = list(pairs(given, unranked))
    score = np.zeros(len(given.items))
    for group in groups:
        back = group.above.swapaxes(1, 2)
        side = group.above - back if strength == "margin" else group.above
        path = _widest(np.where(group.above > back, side, 0.0))
        before = (path > path.swapaxes(1, 2)).sum(axis=1)
        score[group.slots] = group.slots.shape[1] - 1 - before
    tasks = {"condorcet": condorcet_winners(given, groups)}
    return ranked(given, score, f"Schulze ({strength}), unranked {unranked}", tasks=tasks)


def _widest(path: Array) -> Array:
    """Return the strength of the strongest chain between each two items: its weakest link."""
    import numpy as np

    for k in range(path.shape[1]):
        np.maximum(path, np.minimum(path[:, :, k, None], path[:, None, k, :]), out=path)
    return path
