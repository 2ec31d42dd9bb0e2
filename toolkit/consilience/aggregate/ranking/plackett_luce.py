"""Strengths from rankings: Plackett and Luce's model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from consilience.aggregate.ranking.ballots import Rankings, read_rankings
from consilience.aggregate.ranking.pairs import pairs
from consilience.aggregate.ranking.result import ConsensusRanking, Unranked, require_unranked
from consilience.aggregate.ranking.strength import Fitting, consensus, scale_step, separated_tasks
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.int64]]
    Truths = np.ndarray[Any, np.dtype[np.bool_]]


def plackett_luce(
    frame: Frame,
    *,
    regularisation: float = 0.0,
    unranked: Unranked = "ignored",
    max_iterations: int = 10_000,
    tolerance: float = 1e-8,
) -> ConsensusRanking:
    """Rank items by strengths such that each next item is chosen with its share of the strengths that are left.

    Parameters
    ----------
    frame
        As in `borda`. Items that are tied were each chosen from what was left before them (Breslow's way with ties);
        a tie for the last place says nothing of its members.
    regularisation, max_iterations, tolerance
        As in `bradley_terry`.
    unranked
        ``ignored``: the expert chose among the items that the ranking holds. ``last``: among all of the task, and
        stopped early.

    Returns
    -------
    ConsensusRanking
        As in `bradley_terry`; ``share`` is the probability that the item is put first among all of the task.

    Raises
    ------
    InvalidFrame, InvalidInput
        As in `bradley_terry`.

    Notes
    -----
    R. D. Luce, *Individual Choice Behavior*, 1959; R. L. Plackett, *Applied Statistics* 24 (1975), 193-202; fitted by
    the algorithm of D. R. Hunter, *Annals of Statistics* 32 (2004), 384-406, section 5. On rankings of two it is
    Bradley and Terry's model. Ties: N. E. Breslow, in the discussion of D. R. Cox, *JRSS B* 34 (1972), 216-217, whose
    partial likelihood is the same one.

    Examples
    --------
    >>> frame = {
    ...     "task": [1] * 3,
    ...     "expert": list("abc"),
    ...     "ranking": [["x", "y", "z"], ["y", "x", "z"], ["z", "x", "y"]],
    ... }
    >>> plackett_luce(frame).rankings["item"].to_list()
    ['x', 'y', 'z']
    """
    import numpy as np

    fitting = Fitting(regularisation=regularisation, max_iterations=max_iterations, tolerance=tolerance)
    require_unranked(unranked)
    given = read_rankings(frame)
    separated = _separated(given, unranked, fitting)
    blocks = _blocks(given, unranked)
    strength, unsettled = _fit(given, blocks, separated, fitting)
    return consensus(
        given,
        np.maximum(strength, np.finfo(np.float64).tiny),
        separated,
        unsettled,
        f"Plackett-Luce, unranked {unranked}",
    )


def _chosen(given: Rankings, unranked: Unranked) -> Truths:
    """Return which ranked items were chosen from more than themselves and those they are tied with."""
    import numpy as np

    last = (
        given.place == given.place[given.start[1:] - 1][given.ballot] if given.place.size else given.place > 0
    )
    if unranked == "last":
        full = given.lengths == given.n_items[given.task_of]
        last = last & full[given.ballot]
    chosen: Truths = ~np.asarray(last, dtype=np.bool_)
    return chosen


def _separated(given: Rankings, unranked: Unranked, fitting: Fitting) -> Truths:
    """Return the tasks without finite strengths; a tie for the last place joins nothing."""
    import numpy as np

    groups = list(pairs(given, unranked))
    chosen = _chosen(given, unranked)
    start = np.concatenate([[0], np.cumsum(chosen)])[given.start]
    short = replace(
        given, slot=given.slot[chosen], ballot=given.ballot[chosen], place=given.place[chosen], start=start
    )
    ties = [group.tied > 0 for group in pairs(short, "ignored")]
    edges = [(group.above > 0) | tied for group, tied in zip(groups, ties, strict=True)]
    return separated_tasks(given, groups, edges, fitting)


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Distinct ballots of one length: slots (n, length), where each tie begins and ends, and who was chosen.

    ``chosen`` counts how often, over all equal ballots; ``open`` says whether unranked items were there to be chosen.
    """

    slots: Places
    head: Places
    tail: Places
    chosen: Array
    task: Places
    open: bool

    def only(self, tasks: Truths) -> _Block:
        """Return the ballots of some tasks."""
        on = tasks[self.task]
        return _Block(
            self.slots[on],
            self.head[on],
            self.tail[on],
            self.chosen[on],
            self.task[on],
            self.open,
        )


def _blocks(given: Rankings, unranked: Unranked) -> list[_Block]:
    import numpy as np

    chosen, lengths = _chosen(given, unranked), given.lengths
    blocks = []
    for length in np.unique(lengths[lengths > 0]):
        rows = given.start[:-1][lengths == length][:, None] + np.arange(length)
        keys = np.concatenate([given.slot[rows], given.place[rows]], axis=1)
        _, first, times = np.unique(keys, axis=0, return_index=True, return_counts=True)
        rows = rows[first]
        head, tail = _ends(given.place[rows])
        blocks.append(
            _Block(
                slots=given.slot[rows],
                head=head,
                tail=tail,
                chosen=chosen[rows] * times[:, None].astype(np.float64),
                task=given.task_of[given.ballot[rows[:, 0]]],
                open=unranked == "last",
            )
        )
    return blocks


def _ends(place: Places) -> tuple[Places, Places]:
    """Return for each ranked item the columns in which its tie begins and ends."""
    import numpy as np

    n = place.shape[1]
    new = np.ones((place.shape[0], n + 1), dtype=np.bool_)
    new[:, 1:-1] = place[:, 1:] != place[:, :-1]
    head = np.maximum.accumulate(np.where(new[:, :-1], np.arange(n), 0), axis=1)
    tail = np.minimum.accumulate(np.where(new[:, 1:], np.arange(n), n)[:, ::-1], axis=1)[:, ::-1]
    return head, tail


def _fit(given: Rankings, blocks: list[_Block], separated: Truths, fitting: Fitting) -> tuple[Array, int]:
    """Return the strength of each slot, and how many tasks have not settled."""
    import numpy as np

    task, n_slots = given.task_of_slot, len(given.items)
    won = np.full(n_slots, fitting.regularisation)
    for block in blocks:
        won += np.bincount(block.slots.ravel(), block.chosen.ravel(), minlength=n_slots)
    strength = np.ones(n_slots)
    moving = ~separated & (given.n_items > 1)
    blocks = [block.only(moving) for block in blocks]
    for number in range(fitting.max_iterations):
        if not moving.any():
            break
        if number % 8 == 7:  # dropping what has settled costs about as much as a round
            blocks = [block.only(moving) for block in blocks]
        new = _round(strength, won, blocks, task, fitting)
        new = np.where(moving[task], new, strength)
        far = np.abs(np.log(new / strength)) > fitting.tolerance
        moving &= np.bincount(task, far, minlength=moving.size) > 0
        strength = new
    return strength, int(moving.sum())


def _round(strength: Array, won: Array, blocks: list[_Block], task: Places, fitting: Fitting) -> Array:
    import numpy as np

    total = _per_task(task, strength)
    expected = np.zeros(strength.size)
    if fitting.regularisation:
        expected += 2 * fitting.regularisation / (strength + 1)
    for block in blocks:
        _add_expected(block, strength, total, task, expected)
    new = np.divide(won, expected, out=np.ones_like(won), where=expected > 0)
    new = np.maximum(new, np.finfo(np.float64).tiny)
    size = _per_task(task, np.ones_like(new))
    if fitting.regularisation:
        beats = new / (new + 1)
        scale = scale_step(_per_task(task, beats), _per_task(task, beats * (1 - beats)), size)
    else:
        scale = size / _per_task(task, new)  # it is free
    scaled: Array = new * scale[task]
    return scaled


def _per_task(task: Places, values: Array) -> Array:
    import numpy as np

    return np.bincount(task, values).astype(np.float64, copy=False)


def _add_expected(block: _Block, strength: Array, total: Array, task: Places, expected: Array) -> None:
    """Add what each item would have been chosen per unit of strength: 1 over what was left, stage by stage."""
    import numpy as np

    each = strength[block.slots]
    left = each[:, ::-1].cumsum(axis=1)[:, ::-1]
    if block.open:
        left = left + np.maximum(total[block.task] - left[:, 0], 0)[:, None]
    per_stage = block.chosen / np.take_along_axis(left, block.head, axis=1)
    so_far = per_stage.cumsum(axis=1)
    own = np.take_along_axis(so_far, block.tail, axis=1)
    if block.open:
        # the unranked stood by at every stage: give all to the whole task, and take it back from the ranked
        own = own - so_far[:, -1:]
        expected += np.bincount(block.task, so_far[:, -1], minlength=total.size)[task]
    expected += np.bincount(block.slots.ravel(), own.ravel(), minlength=expected.size)
