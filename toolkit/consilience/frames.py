"""Frames of any make come in; Polars frames with checked columns go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from consilience.errors import InvalidFrame

if TYPE_CHECKING:
    import polars as pl

#: A Polars, pandas or Arrow frame, or anything with ``__arrow_c_stream__`` or a mapping of columns.
Frame: TypeAlias = Any


def to_polars(frame: Frame) -> pl.DataFrame:
    """Return the frame as a Polars data frame, without copying where the maker shares its buffers.

    Raises
    ------
    InvalidFrame
        It is not a frame.

    Examples
    --------
    >>> to_polars({"task": [1, 1], "label": ["yes", "no"]}).shape
    (2, 2)
    """
    import polars as pl

    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if not (hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "to_dict") or isinstance(frame, dict)):
        raise InvalidFrame(
            f"A Polars, pandas or Arrow frame is required, a {type(frame).__module__}.{type(frame).__name__} came."
        )
    try:
        return pl.DataFrame(frame)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise InvalidFrame(f"The frame cannot be read: {error}") from error


def long_frame(frame: Frame, *, value: str = "label") -> pl.DataFrame:
    """Return the columns ``task``, ``expert`` and ``value`` of a long frame, one row an answer.

    A null in the value column is a task that the expert was asked and did not answer.

    Raises
    ------
    InvalidFrame
        A column is missing, a task or expert is null, or an expert answered a task twice.

    Examples
    --------
    >>> long_frame({"task": [1], "expert": ["ana"], "label": ["yes"], "note": ["-"]}).columns
    ['task', 'expert', 'label']
    """
    import polars as pl

    whole = to_polars(frame)
    require_columns(whole, ("task", "expert", value))
    table = whole.select("task", "expert", value)
    for column in ("task", "expert"):
        if table[column].null_count():
            row = table[column].is_null().arg_max()
            raise InvalidFrame(f"Column {column!r} must be filled, row {row} is null: drop or name it.")
    twice = table.select(pl.struct("task", "expert").is_duplicated()).to_series()
    if twice.any():
        task, expert, _ = table.filter(twice).row(0)
        raise InvalidFrame(
            f"An expert answers a task once, {expert!r} has more than one row for task {task!r}: keep one of them, "
            "or give replicates names of their own."
        )
    return table


def require_columns(frame: pl.DataFrame, columns: Sequence[str]) -> None:
    """Raise `InvalidFrame` naming what is missing and what is there."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise InvalidFrame(
            f"The columns {', '.join(columns)} are required; {', '.join(missing)} is missing from "
            f"{', '.join(frame.columns) or 'a frame without columns'}: rename with frame.rename({{...}})."
        )
