"""What aggregating rankings returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from consilience.errors import InvalidInput
from consilience.markup.displayed import FrameDisplayed

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from consilience.aggregate.ranking.ballots import Rankings

    Array = np.ndarray[Any, np.dtype[np.float64]]

#: What an item means that an expert did not rank: placed below all ranked ones, or not compared.
Unranked = Literal["last", "ignored"]

TIE = 1e-9  # scores that lie no further apart are equal: sums of floats differ by their order


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConsensusRanking(FrameDisplayed):
    """One ranking a task.

    Parameters
    ----------
    rankings
        A row a task and item, tasks in order of first appearance and the best first: ``task``, ``item``, ``rank``
        (from 1; ties share the better one, so 1, 1, 3), ``score`` (the method's, more is better), ``tied``. Models of
        choice add ``share``, the probability that the item is put first among all of the task.
    tasks
        A row a task: ``task``, ``items``, ``answered`` and ``asked`` experts, and what the method adds.
    method
        The method's name.
    note
        One sentence on what limits the result; empty when there is nothing to say.
    """

    rankings: pl.DataFrame
    tasks: pl.DataFrame
    method: str
    note: str = ""

    @property
    def winners(self) -> pl.DataFrame:
        """The items ranked first: ``task``, ``item``, and ``tied`` where there are several."""
        return self.rankings.filter(self.rankings["rank"] == 1).select("task", "item", "tied")

    @property
    def ties(self) -> pl.DataFrame:
        """The items that share a rank: ``task``, ``rank``, ``item``."""
        return self.rankings.filter(self.rankings["tied"]).select("task", "rank", "item")

    def __repr__(self) -> str:
        winners = self.winners
        alone = len(winners) - int(winners["tied"].sum())
        said = f"<ConsensusRanking by {self.method}: {alone:,} of {len(self.tasks):,} tasks have one winner"
        return f"{said}; {self.note}>" if self.note else f"{said}>"

    def to_polars(self) -> pl.DataFrame:
        """Return `rankings`."""
        return self.rankings


def require_unranked(unranked: str) -> None:
    """Raise `InvalidInput` unless it is one of `Unranked`."""
    if unranked not in ("last", "ignored"):
        raise InvalidInput(f"unranked is 'last' or 'ignored', {unranked!r} came.")


def ranked(
    given: Rankings,
    score: Array,
    method: str,
    *,
    note: str = "",
    columns: dict[str, Array] | None = None,
    tasks: dict[str, pl.Series] | None = None,
) -> ConsensusRanking:
    """Return the result of a score a slot, where more is better and nan has no rank.

    Parameters
    ----------
    given
        What was ranked.
    score
        A number a slot.
    method, note
        As in the result.
    columns, tasks
        Further columns, a number a slot and a value a task.
    """
    import polars as pl

    task = given.task_of_slot
    order, rank, tied = _ranks(task, score)
    numbers = {"score": score, **(columns or {})}
    rankings = pl.DataFrame(
        {
            "task": given.tasks.gather(task),
            "item": given.items.gather(order),
            "rank": pl.Series(rank, dtype=pl.Int64, nan_to_null=True)
            if rank.size
            else pl.Series([], dtype=pl.Int64),
            **{
                name: pl.Series(each[order], dtype=pl.Float64, nan_to_null=True)
                for name, each in numbers.items()
            },
            "tied": pl.Series(tied, dtype=pl.Boolean),
        }
    )
    about = {"items": given.n_items, "answered": given.answered, "asked": given.asked}
    frame = pl.DataFrame(
        {"task": given.tasks, **{name: pl.Series(each) for name, each in about.items()}, **(tasks or {})}
    )
    return ConsensusRanking(rankings=rankings, tasks=frame, method=method, note=note)


def _ranks(task: np.ndarray[Any, np.dtype[np.int64]], score: Array) -> tuple[Any, Any, Any]:
    """Return the order of the slots with the best first in each task, their ranks (nan without) and who is tied."""
    import numpy as np

    # stable: where scores are equal, slots keep the ascending order of their items
    order = np.lexsort((-score, task))
    sorted_score = score[order]
    new = np.ones(score.size, dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        near = sorted_score[:-1] - sorted_score[1:] <= TIE * np.maximum(1, np.abs(sorted_score[1:]))
    new[1:] = ~(near & (task[1:] == task[:-1]))
    begin = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    size = np.diff(np.append(begin, score.size))
    first_of_task = np.searchsorted(task, task)
    rank = begin[group] - first_of_task + 1.0
    rank[np.isnan(sorted_score)] = np.nan
    order = order[np.lexsort((order, group))]  # ties within the tolerance in the order of their items too
    return order, rank, size[group] > 1
