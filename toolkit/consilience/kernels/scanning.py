"""Scanning: where literals stand in the rows of a column."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from consilience.errors import InvalidInput
from consilience.kernels import _selector
from consilience.kernels._arrays import Codes
from consilience.kernels.columns import Found, StringColumn
from consilience.kernels.literals import Literals

__all__ = ["scan"]

NO_FOLDS = np.empty(0, dtype=np.int32)


def scan(
    prepared: Literals,
    column: StringColumn,
    *,
    folds: Codes = NO_FOLDS,
    longest_only: bool = False,
    rows: tuple[int, int] | None = None,
    most: int = 1 << 18,
) -> Iterator[Found]:
    """Find literals in rows of text, part by part.

    Parameters
    ----------
    prepared
        From `literals`; where `folds` is given, of folded text.
    column
        The rows, UTF-8. A null row holds no match.
    folds
        int32 by code point: the code point that it counts as; points beyond the end count as themselves. Empty
        compares bytes.
    longest_only
        False gives every occurrence of every literal. True gives, from the left, the longest literal at the first
        byte where one stands, and goes on after it.
    rows
        First row and the one after the last; the default is all.
    most
        A part ends when it holds so many matches.

    Yields
    ------
    numpy.ndarray
        int64, shape ``(n_matches, 4)``: row, start, end (byte offsets in the row before folding) and the number
        of the literal, sorted by row, start and end. Parts may be empty: one is given at least every 4 MB, so
        that a caller can stop.

    Raises
    ------
    InvalidInput
        If the rows are not in the column, or `most` is below 1.

    Notes
    -----
    The time is linear in the bytes of text, folded where asked, and the matches. The compiled form releases the
    GIL; several threads may scan rows of one column with the same literals.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from consilience.kernels import literals
    >>> column = StringColumn.of(pa.array(["ushers"], pa.string_view()))
    >>> [part.tolist() for part in scan(literals([b"he", b"hers", b"she"]), column)]
    [[[0, 1, 4, 2], [0, 2, 4, 0], [0, 2, 6, 1]]]
    """
    row, stop = (0, column.length) if rows is None else rows
    if not 0 <= row <= stop <= column.length:
        raise InvalidInput(f"rows must lie within 0 and {column.length:,}, got {row:,} to {stop:,}")
    if most < 1:
        raise InvalidInput(f"most must be at least 1, got {most}")
    return _parts(prepared, column, folds, longest_only, (row, 0, stop), most)


def _parts(
    prepared: Literals,
    column: StringColumn,
    folds: Codes,
    longest_only: bool,
    place: tuple[int, int, int],
    most: int,
) -> Iterator[Found]:
    row, byte, stop = place
    while row < stop:
        found, row, byte = _selector.scan(prepared, column, folds, longest_only, (row, byte, stop), most)
        yield found
