"""A frame of scores as arrays, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidFrame, InvalidInput
from consilience.frames import Frame, answer_columns, answered_twice, coded, require_columns, to_polars

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Codes = np.ndarray[Any, np.dtype[np.int32]]
    Places = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores that were given, sorted by task and then by expert or by value.

    Parameters
    ----------
    task, expert, value
        For each score: the codes of its task and expert, and the number.
    start
        The scores of task ``t`` are those from ``start[t]`` to ``start[t + 1]``.
    tasks, experts
        The names behind the codes; experts ascend, tasks stand in an order that the rows do not decide.
    asked
        Experts asked, for each task.
    appearance
        Codes of the tasks in order of first appearance.
    """

    task: Codes
    expert: Codes
    value: Array
    start: Places
    tasks: pl.Series
    experts: pl.Series
    asked: Places
    appearance: Places

    @property
    def answered(self) -> Places:
        """Scores of each task."""
        import numpy as np

        return np.diff(self.start)

    def per_task(self, values: Array) -> Array:
        """Return the sum of one number a score over each task, 0 where there is none."""
        import numpy as np

        return np.bincount(self.task, values, minlength=len(self.tasks)).astype(np.float64, copy=False)

    def per_expert(self, values: Array) -> Array:
        """Return the sum of one number a score over each expert."""
        import numpy as np

        return np.bincount(self.expert, values, minlength=len(self.experts)).astype(np.float64, copy=False)

    def by_value(self) -> Scores:
        """Return the scores sorted by value within each task."""
        import numpy as np

        order = np.lexsort((self.value, self.task))
        return replace(self, expert=self.expert[order], value=self.value[order])

    def with_values(self, values: Array) -> Scores:
        """Return other numbers for the same answers, in the same order."""
        return replace(self, value=values)


def read_scores(frame: Frame, *, probabilities: bool = False) -> Scores:
    """Return a long frame with ``task``, ``expert``, ``score`` as arrays sorted by task and expert.

    Parameters
    ----------
    frame
        Long frame; a null score is an expert who was asked and gave no answer.
    probabilities
        Whether scores must lie from 0 to 1.

    Raises
    ------
    InvalidFrame
        A column is missing, a score is no finite number or outside 0 to 1, or an expert answered a task twice.

    Examples
    --------
    >>> scores = read_scores({"task": ["t", "t"], "expert": ["b", "a"], "score": [1, None]})
    >>> scores.value.tolist(), scores.asked.tolist(), scores.experts.to_list()
    ([1.0], [2], ['a', 'b'])
    """
    import numpy as np

    table = answer_columns(frame, value="score")
    numbers = numeric(table["score"], "score")
    _refuse_odd(table, numbers, probabilities=probabilities)
    first = coded(table["task"])
    # Sums over tasks are taken in an order that the rows cannot change: a hash sorts faster than the names do.
    order = first.distinct.hash().to_numpy().argsort(kind="stable")
    tasks, experts = first.in_order(order), coded(table["expert"]).ascending()
    appearance = np.empty(order.size, dtype=np.int64)
    appearance[order] = np.arange(order.size)
    cell = tasks.codes.astype(np.int64) * max(len(experts.distinct), 1) + experts.codes
    rows = cell.argsort(kind="stable")
    cell = cell[rows]
    twice = np.flatnonzero(cell[1:] == cell[:-1])
    if twice.size:
        row = rows[twice[0]]
        raise answered_twice(table["task"][int(row)], table["expert"][int(row)], table)
    asked = np.bincount(tasks.codes, minlength=order.size)
    given = rows[numbers.is_not_null().to_numpy()[rows]]
    task = tasks.codes[given]
    start = np.concatenate([[0], np.cumsum(np.bincount(task, minlength=order.size))])
    value = numbers.to_numpy()[given]
    return Scores(
        task, experts.codes[given], value, start, tasks.distinct, experts.distinct, asked, appearance
    )


def numeric(column: pl.Series, name: str) -> pl.Series:
    """Return a column as Float64; a column of nulls alone is fine.

    Raises
    ------
    InvalidFrame
        It holds something else than numbers.
    """
    import polars as pl

    if not (column.dtype.is_numeric() or column.dtype in (pl.Null, pl.Boolean)):
        raise InvalidFrame(
            f"Column {name!r} must hold numbers, it holds {column.dtype}: cast it, and make null what is no number."
        )
    return column.cast(pl.Float64)


def _refuse_odd(table: pl.DataFrame, numbers: pl.Series, *, probabilities: bool) -> None:
    odd = (~numbers.is_finite()).fill_null(value=False)
    if odd.any():
        row = odd.arg_max()
        task, expert, value = table.row(row or 0)
        raise InvalidFrame(
            f"Scores must be finite, row {row} of column 'score' holds {value} ({expert!r} on task {task!r}): "
            "make it null."
        )
    outside = ((numbers < 0) | (numbers > 1)).fill_null(value=False)
    if probabilities and outside.any():
        row = outside.arg_max()
        task, expert, value = table.row(row or 0)
        raise InvalidFrame(
            f"Probabilities lie from 0 to 1, row {row} of column 'score' holds {value} ({expert!r} on task {task!r}): "
            "divide percentages by 100, or make it null."
        )


def read_truth(gold: Frame, scores: Scores, *, events: bool = False) -> Array:
    """Return the true value of each task, nan where gold does not know it.

    Parameters
    ----------
    gold
        Frame with ``task`` and ``score``.
    scores
        What the experts said.
    events
        Whether the truth is 0 or 1 (or false or true).

    Raises
    ------
    InvalidFrame
        Gold lacks a column, holds a task twice or one that nobody was asked, or values that cannot be used.
    """
    import numpy as np
    import polars as pl

    whole = to_polars(gold)
    require_columns(whole, ("task", "score"))
    known = whole.select("task", numeric(whole["score"], "score")).drop_nulls()
    if len(known) and known["task"].dtype != scores.tasks.dtype:
        raise InvalidFrame(
            f"Gold and answers must have one type in column 'task', gold has {known['task'].dtype} and the answers "
            f"have {scores.tasks.dtype}: cast one."
        )
    _refuse_gold(known, events=events)
    truth = np.full(len(scores.tasks), np.nan)
    if len(known):
        place = pl.DataFrame({"task": scores.tasks}).with_row_index("place")
        found = known.join(place, on="task", how="left", maintain_order="left")
        if found["place"].null_count():
            strange = found.filter(pl.col("place").is_null())["task"]
            raise InvalidFrame(
                f"Gold holds {len(strange)} tasks that nobody was asked, the first is {strange[0]!r}: remove them."
            )
        truth[found["place"].to_numpy()] = found["score"].to_numpy()
    return truth


def _refuse_gold(known: pl.DataFrame, *, events: bool) -> None:
    twice = known.filter(known["task"].is_duplicated())
    if len(twice):
        raise InvalidFrame(
            f"Gold names each task once, task {twice['task'][0]!r} stands more than once: keep one row."
        )
    odd = known.filter(~known["score"].is_finite())
    if len(odd):
        raise InvalidFrame(
            f"Gold must be finite, task {odd['task'][0]!r} has {odd['score'][0]}: make it null."
        )
    between = known.filter(~known["score"].is_in([0.0, 1.0]))
    if events and len(between):
        raise InvalidFrame(
            f"Gold says whether the event came about, 0 or 1; task {between['task'][0]!r} has {between['score'][0]}."
        )


def per_expert_numbers(given: Mapping[Any, Any], scores: Scores, name: str) -> Array:
    """Return a positive number for each expert from a mapping.

    Raises
    ------
    InvalidInput
        An expert who answered is missing, or a number is not positive and finite.
    """
    import math

    import numpy as np

    for expert, number in given.items():
        if not (isinstance(number, Real) and 0 < float(number) < math.inf):
            raise InvalidInput(
                f"{name} are positive numbers, {number!r} came for {expert!r}: leave the expert out."
            )
    missing = [expert for expert in scores.experts if expert not in given]
    if missing:
        raise InvalidInput(
            f"{name} must name every expert of the frame, {missing[0]!r} is missing: add it, or filter the frame."
        )
    return np.array([float(given[expert]) for expert in scores.experts])


def require_share(name: str, value: float, low: float = 0.0, high: float = 1.0) -> None:
    """Raise `InvalidInput` unless ``low < value < high``."""
    if not low < value < high:
        raise InvalidInput(f"{name} lies between {low:g} and {high:g}, {value} came.")
