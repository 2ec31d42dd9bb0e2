"""The best part of a circle under a limit of cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput
from consilience.evaluation.costs import dollars, price_a_task
from consilience.evaluation.lift import counted
from consilience.evaluation.methods import folds
from consilience.intervals import wilson
from consilience.markup.plain import plain
from consilience.markup.sentence import SentenceDisplayed

if TYPE_CHECKING:
    import numpy as np

    from consilience.evaluation.marks import Marks

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

#: Members up to which every sub-circle is tried: 4,095 of them.
MOST_MEMBERS = 12
_CELLS_AT_ONCE = 1 << 22
_ROUNDING = 1e-9  # a mean of prices can end beside the price


@dataclass(frozen=True, slots=True)
class SubCircle(SentenceDisplayed):
    """The members whose strict majority is right most often, among all sub-circles that cost no more than a limit.

    Parameters
    ----------
    experts
        Their names; the cheapest, smallest and first by name of several that are right equally often.
    accuracy, low, high
        What choosing in this way reaches on tasks that did not choose: ten-fold cross-validation, each fold scored by
        the sub-circle that was best on the other nine; Wilson, 95 %, which leaves out that the folds share tasks.
    in_sample
        Accuracy of `experts` on the tasks that chose them: flattered, the more so the more sub-circles were tried.
    tried
        Sub-circles that were compared.
    usd_a_task
        What one task costs with these members; None where that is unknown.
    unpriced
        Members who were left out because a limit was given and their cost is not known.
    """

    experts: tuple[str, ...]
    accuracy: float
    low: float
    high: float
    in_sample: float
    tried: int
    usd_a_task: float | None
    unpriced: tuple[str, ...]

    def explain(self) -> str:
        """Say in a sentence or two who should be asked, and how sure that is."""
        experts, unpriced = (plain(", ".join(names), 1_000) for names in (self.experts, self.unpriced))
        cost = "cost unknown" if self.usd_a_task is None else f"{dollars(self.usd_a_task)} a task"
        said = (
            f"Best of {self.tried:,} sub-circles: {experts} ({cost}). Chosen this way, a sub-circle is "
            f"right on {self.accuracy:.3f} [{self.low:.2f}, {self.high:.2f}] of tasks that did not choose it; "
            f"{self.in_sample:.3f} on those that did."
        )
        if self.unpriced:
            said += f" Left out, since their cost is unknown: {unpriced}."
        return said


def best_sub_circle(marks: Marks, max_cost: float | None, seed: int) -> SubCircle:
    """Return the best sub-circle by trying all of them.

    Parameters
    ----------
    marks
        Answers beside gold.
    max_cost
        US dollars a task, or None for no limit.
    seed
        Of the folds.

    Raises
    ------
    InvalidInput
        There are more than 12 members, or nobody can be had within the limit.
    """
    import numpy as np

    n = len(marks.members)
    if n > MOST_MEMBERS:
        raise InvalidInput(
            f"Every sub-circle is tried of up to {MOST_MEMBERS} members, {n} came: evaluate a part of them."
        )
    price = price_a_task(marks)
    members = np.array([[mask >> k & 1 for k in range(n)] for mask in range(1, 1 << n)], dtype=np.float64)
    cost = _cost(members, price)
    if max_cost is not None:
        within = cost <= max_cost * (1 + _ROUNDING)
        members, cost = members[within], cost[within]
    if not len(members):
        raise InvalidInput(_nobody(marks, price, max_cost))
    order = _preferred(members, cost)
    members, cost = members[order], cost[order]
    by_fold, sizes = _right_by_fold(marks, members, folds(len(marks.tasks), seed))
    total = by_fold.sum(axis=1)
    best = int(total.argmax())
    chosen = (total[:, None] - by_fold).argmax(axis=0)
    held_out = round(float(by_fold[chosen, np.arange(len(sizes))].sum()))
    n_tasks = int(sizes.sum())
    return SubCircle(
        experts=tuple(name for name, here in zip(marks.members, members[best], strict=True) if here),
        accuracy=held_out / n_tasks,
        low=wilson(held_out, n_tasks)[0],
        high=wilson(held_out, n_tasks)[1],
        in_sample=float(total[best]) / n_tasks,
        tried=len(members),
        usd_a_task=None if np.isnan(cost[best]) else float(cost[best]),
        unpriced=_unpriced(marks, price) if max_cost is not None else (),
    )


def _unpriced(marks: Marks, price: Array) -> tuple[str, ...]:
    import numpy as np

    return tuple(name for name, each in zip(marks.members, price, strict=True) if np.isnan(each))


def _nobody(marks: Marks, price: Array, max_cost: float | None) -> str:
    import numpy as np

    if np.isnan(price).all():
        return (
            "A limit of cost needs the column 'cost_usd' filled for at least one member: add it to the frame, or "
            "leave max_cost out."
        )
    cheapest = int(np.nanargmin(price))
    return (
        f"max_cost={max_cost:g} US dollars a task buys nobody; the cheapest whose cost is known is "
        f"{marks.members[cheapest]!r} at {price[cheapest]:g}: raise the limit."
    )


def _cost(members: Array, price: Array) -> Array:
    """Return what each sub-circle costs a task, nan where a member's price is unknown."""
    import numpy as np

    known = np.nan_to_num(price)
    cost: Array = np.where(members @ np.isnan(price) > 0, np.nan, members @ known)
    return cost


def _preferred(members: Array, cost: Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the order in which equals are preferred: cheap, small, first by name."""
    import numpy as np

    by_name = tuple(-members[:, k] for k in reversed(range(members.shape[1])))
    return np.lexsort((*by_name, members.sum(axis=1), np.nan_to_num(cost, nan=np.inf)))


def _right_by_fold(
    marks: Marks, members: Array, fold: np.ndarray[Any, np.dtype[np.int64]]
) -> tuple[Array, Array]:
    """Return on how many tasks of each fold each sub-circle is right, and the sizes of the folds."""
    import numpy as np

    n = len(marks.members)
    each_fold = np.unique(fold)[:, None] == fold
    flags = np.concatenate([marks.right, marks.asked, each_fold.T], axis=1)
    patterns, repeats = counted(flags)
    right, asked, folded = patterns[:, :n], patterns[:, n : 2 * n], patterns[:, 2 * n :] * repeats[:, None]
    found = np.empty((len(members), folded.shape[1]))
    at_once = max(1, _CELLS_AT_ONCE // len(patterns))
    for start in range(0, len(members), at_once):
        some = members[start : start + at_once]
        # more than half of the asked are right: then no other answer can have more than half
        wins = 2 * (some @ right.T) > some @ asked.T
        found[start : start + at_once] = wins @ folded
    return found, folded.sum(axis=0)
