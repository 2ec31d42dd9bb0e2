"""Rows of Python objects as columns that Arrow takes without looking at an object."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.kernels import _selector
from consilience.kernels._reference.arrow_columns import ArrowColumn

__all__ = ["ArrowColumn", "arrow_columns"]

_KINDS = frozenset("tifbm")


def arrow_columns(
    rows: Sequence[tuple[object, ...]], kinds: str, before: int = 0, after: int = 0
) -> list[ArrowColumn | None]:
    r"""Return the buffers of each column of rows, in Arrow's layout; a cell that is `None` is NULL.

    Parameters
    ----------
    rows
        One tuple for each row, with a cell for each column.
    kinds
        A letter for each column: ``t`` text, ``i`` integers of 64 bits, ``f`` floating-point numbers, ``b`` truths,
        ``m`` times with a zone, in microseconds since 1970 in UTC.
    before, after
        How many rows of NULL stand before and after; none by default.

    Returns
    -------
    list of ArrowColumn or None
        How many cells are NULL, and the buffers: the validity bits, then for texts where each ends (32 bits), then the
        values. `None` for a column without any value.

    Raises
    ------
    TypeError
        A cell is not of its column's kind, or a time has no zone.
    ValueError
        A kind is another letter, or a row has another number of cells; as a `UnicodeEncodeError`, a text is no UTF-8.
    OverflowError
        An integer has more than 64 bits, or the texts of a column more than 2 GiB.

    Notes
    -----
    The layout is that of the Arrow columnar format, version 1.5. The compiled form does not let go of the interpreter,
    and ``pyarrow.array``, which does, imports pandas when it is first called.

    Examples
    --------
    >>> arrow_columns([("a", 1), ("bc", None)], "ti")[0]
    ArrowColumn(n_null=0, buffers=(b'\x03', b'\x00\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00', b'abc'))
    """
    unknown = set(kinds) - _KINDS
    if unknown:
        raise ValueError(f"a kind is one of {''.join(sorted(_KINDS))}, {min(unknown)!r} came")
    return [
        None if each is None else ArrowColumn(*each)
        for each in _selector.arrow_columns([*rows], kinds, before, after)
    ]
