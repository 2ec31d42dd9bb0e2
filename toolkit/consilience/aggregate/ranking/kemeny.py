"""The ranking that contradicts the experts least: Kemeny's, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.aggregate.ranking.ballots import Rankings, read_rankings
from consilience.aggregate.ranking.pairs import condorcet_winners, pairs
from consilience.aggregate.ranking.result import ConsensusRanking, Unranked, ranked, require_unranked
from consilience.errors import InvalidInput
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Truths = np.ndarray[Any, np.dtype[np.bool_]]

_MOST_ITEMS = 10
_CELLS_AT_ONCE = 1 << 22


def kemeny(frame: Frame, *, unranked: Unranked = "last") -> ConsensusRanking:
    """Rank items in the order that reverses the fewest of the experts' pairs.

    Parameters
    ----------
    frame, unranked
        As in `borda`. A task may have up to 10 items: the search is exact, over all subsets of them.

    Returns
    -------
    ConsensusRanking
        Where several orders are equally good, an item comes before another only if it does in *all* of them, and
        ``score`` is the number of other items that do not come before: a cycle without a best order is a tie of all.
        ``tasks`` has the columns ``distance`` (pairs of the experts that the order reverses; pairs that an expert
        tied count nothing), ``orders`` (how many orders are that good) and ``condorcet``. Independent of the order of
        experts and items.

    Raises
    ------
    InvalidFrame
        As in `borda`.
    InvalidInput
        A task has more than 10 items, or ``unranked`` is neither of the two.

    Notes
    -----
    J. G. Kemeny, *Daedalus* 88 (1959), 577-591; H. P. Young and A. Levenglick, *SIAM Journal on Applied Mathematics*
    35 (1978), 285-300. Orders are without ties; a tied best order is seen by ``orders`` above 1.

    Examples
    --------
    >>> frame = {
    ...     "task": [1] * 3,
    ...     "expert": list("abc"),
    ...     "ranking": [["x", "y", "z"], ["x", "z", "y"], ["y", "z", "x"]],
    ... }
    >>> found = kemeny(frame)
    >>> found.rankings["item"].to_list(), found.tasks["distance"].item()
    (['x', 'y', 'z'], 3)
    """
    import numpy as np
    import polars as pl

    require_unranked(unranked)
    given = read_rankings(frame)
    _refuse_large(given)
    groups = list(pairs(given, unranked))
    score = np.zeros(len(given.items))
    distance, orders = np.zeros((2, len(given.tasks)), dtype=np.int64)
    for group in groups:
        size = group.slots.shape[1]
        step = max(1, _CELLS_AT_ONCE // (size << size))
        for low in range(0, group.tasks.size, step):
            part = slice(low, low + step)
            before, least, count = _best_orders(group.above[part])
            score[group.slots[part]] = size - 1 - before.sum(axis=1)
            distance[group.tasks[part]], orders[group.tasks[part]] = least, count
    tasks = {
        "distance": pl.Series(distance),
        "orders": pl.Series(orders),
        "condorcet": condorcet_winners(given, groups),
    }
    return ranked(given, score, f"Kemeny, unranked {unranked}", tasks=tasks)


def _refuse_large(given: Rankings) -> None:
    n = given.n_items
    if n.size and n.max() > _MOST_ITEMS:
        task = given.tasks[int(n.argmax())]
        raise InvalidInput(
            f"kemeny is exact for up to {_MOST_ITEMS} items, task {task!r} has {int(n.max())}: use schulze, which "
            "puts the same item first wherever one beats all others, or keep the items that borda ranks first."
        )


def _best_orders(above: Array) -> tuple[Truths, Array, Array]:
    """Return, for each task, who comes before whom in all best orders, their distance and their number.

    A subset is what an order puts first; its bits are items. ``ahead[s]`` is the least distance with which the items
    of ``s`` can stand in front, ``behind[s]`` what the rest adds at least.
    """
    import numpy as np

    n_tasks, size, _ = above.shape
    whole = (1 << size) - 1
    # price[s, i]: pairs reversed when i stands right after the items of s
    price = np.zeros((whole + 1, size, n_tasks))
    for subset in range(1, whole + 1):
        low = (subset & -subset).bit_length() - 1
        price[subset] = price[subset & (subset - 1)] + above[:, :, low].T
    ahead, behind = np.zeros((2, whole + 1, n_tasks))
    members = [np.flatnonzero((subset >> np.arange(size)) & 1) for subset in range(whole + 1)]
    for subset in range(1, whole + 1):
        last = members[subset]
        ahead[subset] = (ahead[subset ^ (1 << last)] + price[subset ^ (1 << last), last]).min(axis=0)
    for subset in range(whole - 1, -1, -1):
        following = members[whole ^ subset]
        behind[subset] = (behind[subset | (1 << following)] + price[subset, following]).min(axis=0)
    before, count = _common(price, ahead, behind, members)
    return before, ahead[whole], count


def _common(
    price: Array, ahead: Array, behind: Array, members: list[np.ndarray[Any, np.dtype[np.int64]]]
) -> tuple[Truths, Array]:
    """Walk all best orders at once: return who is never overtaken in them, and how many there are."""
    import numpy as np

    whole, size, n_tasks = price.shape[0] - 1, price.shape[1], price.shape[2]
    count = np.zeros((whole + 1, n_tasks))
    count[0] = 1
    sometimes = np.zeros((size, size, n_tasks), dtype=np.bool_)
    for subset in range(whole):
        rest = members[whole ^ subset]
        best = ahead[subset] + price[subset, rest] + behind[subset | (1 << rest)] == ahead[whole]
        for item, on in zip(rest, best, strict=True):
            if on.any():
                count[subset | (1 << int(item))] += np.where(on, count[subset], 0)
                sometimes[item, rest[rest != item]] |= on
    before: Truths = (sometimes & ~sometimes.swapaxes(0, 1)).transpose(2, 0, 1)
    return before, count[whole]
