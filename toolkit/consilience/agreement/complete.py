"""Scores as a table of tasks by experts, for what needs every expert's answer to each task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.agreement.labellings import labellings
from consilience.agreement.ratings import Ratings, pick_two, read_ratings
from consilience.errors import InvalidFrame
from consilience.frames import Frame, answer_columns

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Codes = np.ndarray[Any, np.dtype[np.int32]]
    Places = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class Complete:
    """The tasks that every expert scored; tasks with the same scores stand together.

    Parameters
    ----------
    codes
        Shape ``(n_kinds, n_experts)``: the scores as places in ``numbers``.
    numbers
        The scores, ascending.
    repeats
        Tasks of each kind.
    left_out
        Tasks that only some of the experts scored.
    """

    codes: Codes
    numbers: Array
    repeats: Places
    left_out: int

    @property
    def n_tasks(self) -> int:
        """Tasks that every expert scored."""
        return int(self.repeats.sum())

    @property
    def n_experts(self) -> int:
        """Experts, all of them."""
        return int(self.codes.shape[1])


def read_complete(frame: Frame) -> Complete:
    """Return the tasks of a long frame with ``task``, ``expert``, ``score`` that every expert scored.

    Raises
    ------
    InvalidFrame
        A column is missing, a score is no finite number, or an expert scored a task twice.

    Examples
    --------
    >>> found = read_complete({"task": [1, 1, 2, 2, 3], "expert": list("ababa"), "score": [5, 7, 5, 7, 1]})
    >>> found.codes.tolist(), found.repeats.tolist(), found.left_out
    ([[1, 2]], [2], 1)
    """
    return _complete(_read(frame))


def read_two(frame: Frame, experts: tuple[Any, Any] | None, method: str, instead: str) -> Complete:
    """Return the tasks that two experts scored; errors as in `read_complete` and `pick_two`."""
    given = _read(frame)
    two = pick_two(given, experts, method, instead)
    return _complete(two, int((given.answered > 0).sum()) - two.compared)


def _read(frame: Frame) -> Ratings:
    import polars as pl

    table = answer_columns(frame, value="score")
    dtype = table["score"].dtype
    if not (dtype.is_numeric() or dtype == pl.Null):
        raise InvalidFrame(
            f"Column 'score' must hold numbers, it holds {dtype}: cast it, and make null what is no number."
        )
    table = table.select("task", "expert", pl.col("score").cast(pl.Float64).alias("label"))
    odd = (~table["label"].is_finite()).fill_null(value=False)
    if odd.any():
        row = odd.arg_max() or 0
        raise InvalidFrame(
            f"Scores must be finite, row {row} of column 'score' holds {table['label'][row]}: make it null."
        )
    return read_ratings(table)


def _complete(given: Ratings, left_out: int | None = None) -> Complete:
    import numpy as np

    n_experts, n_labels = len(given.experts), len(given.labels)
    full = given.answered == n_experts
    kept = given.only(full)
    if left_out is None:
        left_out = int(((given.answered > 0) & ~full).sum())
    empty = np.zeros((0, n_experts), dtype=np.int32)
    if n_experts < 2 or not full.any():
        return Complete(empty, np.zeros(0), np.zeros(0, dtype=np.int64), left_out)
    numbers = given.labels.to_numpy().astype(np.float64)
    if n_experts * n_labels >= 1 << 24:  # the scores differ from task to task: nothing to put together
        n = int(full.sum())
        return Complete(kept.label.reshape(n, n_experts), numbers, np.ones(n, dtype=np.int64), left_out)
    mark = (kept.expert * np.int32(n_labels) + kept.label).astype(np.int32)
    found = labellings(kept.task, mark, full.size, n_experts * n_labels)
    return Complete(found.value.reshape(-1, n_experts) % n_labels, numbers, found.repeats, left_out)
