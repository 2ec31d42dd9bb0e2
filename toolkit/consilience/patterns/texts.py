"""Texts of any make become one Polars series, and row ranges of about equal size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput
from consilience.kernels import StringColumn

if TYPE_CHECKING:
    import polars as pl

__all__ = ["columns", "ranges", "to_series"]

RANGE_BYTES = 8 << 20


def to_series(texts: Any) -> pl.Series:
    """Return texts as a String series, not copied where they are Polars or Arrow already.

    Raises
    ------
    InvalidInput
        They are one string, a frame, or hold something other than text and nulls.

    Examples
    --------
    >>> to_series(["a", None]).to_list()
    ['a', None]
    """
    import polars as pl

    if isinstance(texts, str | bytes | pl.DataFrame | pl.LazyFrame | dict):
        raise InvalidInput(
            f"A sequence or series of texts is required, a {type(texts).__name__} came; "
            "pass a list, or one column: frame['text']"
        )
    try:
        series = texts if isinstance(texts, pl.Series) else _new_series(texts)
        if isinstance(series.dtype, pl.Categorical | pl.Enum) or series.dtype == pl.Null:
            series = series.cast(pl.String)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise InvalidInput(
            f"Texts must be strings or null: {error}; cast them, or leave the others out"
        ) from error
    if series.dtype != pl.String:
        raise InvalidInput(f"Texts must be strings, got {series.dtype}; cast them: texts.cast(pl.String)")
    return series


def _new_series(texts: Any) -> pl.Series:
    import polars as pl

    if isinstance(texts, list | tuple):
        return pl.Series(texts, dtype=pl.String, strict=True)
    if hasattr(texts, "__arrow_c_array__") or hasattr(texts, "__arrow_c_stream__") or hasattr(texts, "dtype"):
        return pl.Series(texts)
    return pl.Series(list(texts), dtype=pl.String, strict=True)


def ranges(series: pl.Series) -> Iterator[tuple[int, pl.Series]]:
    """Yield first row and rows, some 8 MB of text at a time where the rows are of like size."""
    # Asked for lengths, Polars copies long texts; the views hold them.
    size = sum(int(column.lengths().sum()) for _, column in columns(series))
    rows = max(1, len(series) * RANGE_BYTES // max(size, len(series), 1))
    for start in range(0, len(series), rows):
        yield start, series.slice(start, rows)


def columns(series: pl.Series) -> Iterator[tuple[int, StringColumn]]:
    """Yield first row and buffers of each chunk of a series."""
    import polars as pl

    start = 0
    for chunk in series.get_chunks():
        yield start, StringColumn.of(chunk.to_arrow(compat_level=pl.CompatLevel.newest()))
        start += len(chunk)
