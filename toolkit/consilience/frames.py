"""Frames of any make come in; Polars frames with checked columns go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from consilience.errors import InvalidFrame

if TYPE_CHECKING:
    import numpy as np
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
        raise InvalidFrame(f"The frame cannot be read: {_mixed(frame) or error}") from error


def _mixed(frame: Frame) -> str:
    """Return what is said of the first column that holds values of several types, empty where none does."""
    if not hasattr(frame, "keys"):
        return ""
    for name in frame:
        first: tuple[int, type] | None = None
        for row, value in enumerate(frame[name]):
            if value is None or value != value:  # noqa: PLR0124 - nan alone differs from itself
                continue
            if first is None:
                first = row, type(value)
            elif type(value) is not first[1]:
                return (
                    f"column {name!r} must hold values of one type, row {row} holds {type(value).__name__} and row "
                    f"{first[0]} {first[1].__name__}: cast the column."
                )
    return ""


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

    table = answer_columns(frame, value=value)
    twice = table.select(pl.struct("task", "expert").is_duplicated()).to_series()
    if twice.any():
        task, expert, _ = table.filter(twice).row(0)
        raise answered_twice(task, expert, table)
    return table


def answer_columns(frame: Frame, *, value: str = "label") -> pl.DataFrame:
    """Return the columns that `long_frame` returns, without looking for repeated answers.

    Raises
    ------
    InvalidFrame
        A column is missing, or a task or expert is null.
    """
    whole = to_polars(frame)
    require_columns(whole, ("task", "expert", value))
    table = whole.select("task", "expert", value)
    for column in ("task", "expert"):
        if table[column].null_count():
            row = table[column].is_null().arg_max()
            raise InvalidFrame(f"Column {column!r} must be filled, row {row} is null: drop or name it.")
    if table[value].dtype.is_float() and (odd := table[value].is_nan().fill_null(value=False)).any():
        raise InvalidFrame(
            f"Values must be finite, row {odd.arg_max()} of column {value!r} holds nan: make it null."
        )
    return table


def answered_twice(task: object, expert: object, table: pl.DataFrame | None = None) -> InvalidFrame:
    """Return the error for an expert who stands on a task more than once, with the rows of the table."""
    import polars as pl

    where = ""
    if table is not None:
        both = (pl.col("task") == pl.lit(task)) & (pl.col("expert") == pl.lit(expert))
        rows = table.select(pl.arg_where(both)).to_series()
        where = f" (rows {', '.join(map(str, rows.head(5)))} of columns 'task' and 'expert')"
    return InvalidFrame(
        f"An expert answers a task once, {expert!r} has more than one row for task {task!r}{where}: keep one of "
        "them, or give replicates names of their own."
    )


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column as integers.

    Attributes
    ----------
    codes
        int32, shape ``(n_rows,)``: where each value stands in `distinct`; -1 for null.
    distinct
        The values, each once.
    """

    codes: np.ndarray[Any, np.dtype[np.int32]]
    distinct: pl.Series

    def in_order(self, order: np.ndarray[Any, np.dtype[Any]]) -> Coded:
        """Return the same column with ``distinct[order]``, an order of all distinct values."""
        import numpy as np

        place = np.empty(order.size + 1, dtype=np.int32)
        place[order] = np.arange(order.size, dtype=np.int32)
        place[-1] = -1  # where a null's code points
        return Coded(place[self.codes], self.distinct.gather(order))

    def ascending(self) -> Coded:
        """Return the same column with the values in ascending order."""
        return self.in_order(self.distinct.arg_sort().to_numpy())


def coded(values: pl.Series) -> Coded:
    """Return a column as codes in order of first appearance.

    Text goes through a Polars Categorical, which was the quickest way measured: on a million rows with 200,000
    distinct texts 110 ms of CPU, against 600 ms for ``rank('dense')`` (``benchmarks/aggregation.py --coding``).

    Raises
    ------
    InvalidFrame
        The values are of a type that has no order.

    Examples
    --------
    >>> import polars as pl
    >>> found = coded(pl.Series(["b", None, "a", "b"]))
    >>> found.codes.tolist(), found.distinct.to_list()
    ([0, -1, 1, 0], ['b', 'a'])
    """
    import numpy as np

    present = values.is_not_null().to_numpy() if values.null_count() else None
    whole = _integers(values if present is None else values.drop_nulls())
    dense, n = _dense(whole)
    # written backwards, so that the first row of a value is what remains
    first = np.empty(n, dtype=np.int64)
    first[dense[::-1]] = np.arange(dense.size - 1, -1, -1)
    codes = dense
    if present is not None:
        codes = np.full(len(values), -1, dtype=np.int32)
        codes[present] = dense
        first = np.flatnonzero(present)[first]
    found = Coded(codes, values.gather(first))
    return found if (first[1:] > first[:-1]).all() else found.in_order(_ascending(first, len(values)))


def _ascending(rows: np.ndarray[Any, np.dtype[np.int64]], n: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the order that sorts distinct row numbers below n; counting is quicker than sorting."""
    import numpy as np

    place = np.zeros(n, dtype=np.int32)
    place[rows] = 1
    place.cumsum(out=place)
    order = np.empty(rows.size, dtype=np.int64)
    order[place[rows] - 1] = np.arange(rows.size)
    return order


def _integers(values: pl.Series) -> np.ndarray[Any, np.dtype[Any]]:
    """Return integers that are equal where the values are."""
    import polars as pl

    dtype = values.dtype
    try:
        if dtype == pl.String:
            values = values.cast(pl.Categorical)
        if dtype == pl.Boolean:
            values = values.cast(pl.UInt8)
        if values.to_physical().dtype.is_integer():
            return values.to_physical().to_numpy()
        return values.rank("dense").to_numpy()
    except pl.exceptions.PolarsError as error:
        raise InvalidFrame(
            f"Column {values.name!r} must hold text, numbers, dates or truth values, it holds {dtype}: cast it."
        ) from error


def _dense(values: np.ndarray[Any, np.dtype[Any]]) -> tuple[np.ndarray[Any, np.dtype[np.int32]], int]:
    """Return integers as codes without gaps, in the order of the integers, and their number."""
    import numpy as np
    import polars as pl

    if not values.size:
        return np.empty(0, dtype=np.int32), 0
    low = int(values.min())
    span = int(values.max()) - low + 1
    # a table of the span is the quickest as long as it is no larger than the rows warrant
    if span > 4 * values.size + 1024:
        codes = pl.Series(values).rank("dense").to_numpy().astype(np.int32) - 1
        return codes, int(codes.max()) + 1
    # small integers would overflow when the lowest is taken from the highest
    offsets = (values.astype(np.int64) if values.itemsize < 4 else values) - values.dtype.type(low)
    here = np.zeros(span, dtype=np.bool_)
    here[offsets] = True
    place = here.cumsum(dtype=np.int32) - 1
    return place[offsets], int(place[-1]) + 1


def require_columns(frame: pl.DataFrame, columns: Sequence[str]) -> None:
    """Raise `InvalidFrame` naming what is missing and what is there."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        mend = "rename with frame.rename({...})"
        if len(frame.columns) == 1 and (parted := [mark for mark in ";\t|" if mark in frame.columns[0]]):
            mend = f"its cells are parted by {parted[0]!r}, read it with pl.read_csv(..., separator={parted[0]!r})"
        raise InvalidFrame(
            f"The columns {', '.join(columns)} are required; {', '.join(missing)} is missing from "
            f"{', '.join(frame.columns) or 'a frame without columns'}: {mend}."
        )
