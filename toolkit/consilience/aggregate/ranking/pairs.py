"""How many experts put one item above another, for every pair of every task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.aggregate.ranking.ballots import Rankings
from consilience.aggregate.ranking.result import Unranked
from consilience.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.int64]]

_MOST_CELLS = 1 << 26
_PAIRS_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The tasks with one number of items.

    Parameters
    ----------
    tasks
        Their codes.
    slots
        Shape ``(n_tasks, n_items)``: the slots of their items.
    above, tied
        Shape ``(n_tasks, n_items, n_items)``: experts who put the row's item above the column's, and who tied the
        two; 0 on the diagonal.
    """

    tasks: Places
    slots: Places
    above: Array
    tied: Array

    def majority(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return whether more experts put the row's item above the column's than below it."""
        more: np.ndarray[Any, np.dtype[np.bool_]] = self.above > self.above.swapaxes(1, 2)
        return more


def pairs(given: Rankings, unranked: Unranked) -> Iterator[Pairs]:
    """Yield the tasks by their number of items.

    Raises
    ------
    InvalidInput
        The items of a task make more pairs than fit into memory.
    """
    import numpy as np

    n = given.n_items
    cells = int((n * n).sum())
    if cells > _MOST_CELLS:
        raise InvalidInput(
            f"Pairs of items are compared, {cells:,} of them came (at most {_MOST_CELLS:,}; the largest task has "
            f"{int(n.max()):,} items): use borda or rrf, or split the frame by task."
        )
    base = np.concatenate([[0], np.cumsum(n * n)])
    above, tied, both = _listed(given, base)
    for size in np.unique(n[n > 0]):
        tasks = np.flatnonzero(n == size)
        slots = given.first[tasks][:, None] + np.arange(size)
        where = base[tasks][:, None] + np.arange(size * size)
        shape = (tasks.size, size, size)
        here = [each[where].reshape(shape) for each in (above, tied, both)]
        if unranked == "last":
            _place_last(given, tasks, slots, *here)
        yield Pairs(tasks, slots, here[0], here[1])


def _listed(given: Rankings, base: Places) -> tuple[Array, Array, Array]:
    """Count, cell by cell, who put the row above the column, tied them, or ranked both."""
    import numpy as np

    above, tied, both = np.zeros((3, int(base[-1])))
    n, local = given.n_items, given.slot - given.first[given.task_of[given.ballot]]
    lengths = given.lengths
    for length in np.unique(lengths[lengths > 1]):
        ballots = np.flatnonzero(lengths == length)
        step = max(1, _PAIRS_AT_ONCE // int(length * length))
        for low in range(0, ballots.size, step):
            part = ballots[low : low + step]
            rows = given.start[part][:, None] + np.arange(length)
            task = given.task_of[part]
            item, place = local[rows], given.place[rows]
            cell = (base[task][:, None] + item * n[task][:, None])[:, :, None] + item[:, None, :]
            same = place[:, :, None] == place[:, None, :]
            off = ~np.eye(int(length), dtype=np.bool_)
            _count(above, cell[place[:, :, None] < place[:, None, :]])
            _count(tied, cell[same & off])
            _count(both, cell[np.broadcast_to(off, same.shape)])
    return above, tied, both


def _count(into: Array, cells: Places) -> None:
    import numpy as np

    if not cells.size:
        return
    low = int(cells.min())
    found = np.bincount(cells - low)
    into[low : low + found.size] += found


def _place_last(
    given: Rankings, tasks: Places, slots: Places, above: Array, tied: Array, both: Array
) -> None:
    """Add what it means to be left out: below every ranked item of the ballot, tied with its other left-out ones."""
    import numpy as np

    ranked = np.bincount(given.slot, minlength=len(given.items)).astype(np.float64)[slots]
    ballots = given.answered[tasks].astype(np.float64)[:, None, None]
    off = ~np.eye(slots.shape[1], dtype=np.bool_)
    above += (ranked[:, :, None] - both) * off
    tied += (ballots - ranked[:, :, None] - ranked[:, None, :] + both) * off


def condorcet_winners(given: Rankings, groups: list[Pairs]) -> pl.Series:
    """Return for each task the item that a majority puts above each other one, null where there is none."""
    import numpy as np

    winner = np.full(len(given.tasks), len(given.items), dtype=np.int64)
    for group in groups:
        wins = group.majority().sum(axis=2) == group.slots.shape[1] - 1
        won = wins.any(axis=1)
        winner[group.tasks[won]] = group.slots[won, wins[won].argmax(axis=1)]
    return given.items.extend_constant(None, 1).gather(winner)
