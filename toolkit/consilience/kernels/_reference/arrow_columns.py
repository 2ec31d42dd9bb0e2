"""Rows of Python objects as Arrow's buffers, readable."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

__all__ = ["ArrowColumn", "arrow_columns"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT32_MAX = 2**31 - 1


class ArrowColumn(NamedTuple):
    """How many cells are NULL, and the buffers: validity first, then the ends of texts, then the values."""

    n_null: int
    buffers: tuple[bytes, ...]


def arrow_columns(
    rows: list[tuple[object, ...]], kinds: str, before: int, after: int
) -> list[ArrowColumn | None]:
    """Return the buffers of each column; arguments as in ``consilience.kernels``."""
    if any(type(row) is not tuple or len(row) != len(kinds) for row in rows):
        raise ValueError(f"a row is a tuple of {len(kinds)} cells")
    found: list[ArrowColumn | None] = []
    for place, kind in enumerate(kinds):
        cells = [*(None,) * before, *(row[place] for row in rows), *(None,) * after]
        known = [cell is not None for cell in cells]
        values = _BUFFERS[kind](cells)
        found.append(ArrowColumn(known.count(False), (_bits(known), *values)) if any(known) else None)
    return found


def _bits(flags: Sequence[bool]) -> bytes:
    return np.packbits(np.array(flags, bool), bitorder="little").tobytes()


def _texts(cells: Sequence[Any]) -> tuple[bytes, ...]:
    parts = [b"" if cell is None else _checked(cell, (str,), "text").encode() for cell in cells]
    ends = [0, *accumulate(map(len, parts))]
    if ends[-1] > _INT32_MAX:
        raise OverflowError(f"a column holds 2 GiB of text at most, {ends[-1]:,} bytes came")
    return struct.pack(f"={len(ends)}i", *ends), b"".join(parts)


def _integers(cells: Sequence[Any]) -> tuple[bytes, ...]:
    values = [0 if cell is None else int(_checked(cell, (int,), "integers")) for cell in cells]
    if any(not -(2**63) <= value < 2**63 for value in values):
        raise OverflowError("an integer has 64 bits at most")
    return (struct.pack(f"={len(values)}q", *values),)


def _numbers(cells: Sequence[Any]) -> tuple[bytes, ...]:
    values = [0.0 if cell is None else float(_checked(cell, (float, int), "numbers")) for cell in cells]
    return (struct.pack(f"={len(values)}d", *values),)


def _truths(cells: Sequence[Any]) -> tuple[bytes, ...]:
    return (_bits([cell is not None and _checked(cell, (bool,), "truths") for cell in cells]),)


def _moments(cells: Sequence[Any]) -> tuple[bytes, ...]:
    values = [0 if cell is None else _microseconds(cell) for cell in cells]
    return (struct.pack(f"={len(values)}q", *values),)


def _microseconds(cell: Any) -> int:
    when = _checked(cell, (datetime,), "times with a zone")
    if when.utcoffset() is None:
        raise _wrong(cell, "times with a zone")
    return int((when - _EPOCH) // timedelta(microseconds=1))


def _checked(cell: Any, kinds: tuple[type, ...], wanted: str) -> Any:
    if not isinstance(cell, kinds):
        raise _wrong(cell, wanted)
    return cell


def _wrong(cell: object, wanted: str) -> TypeError:
    return TypeError(f"a column of {wanted} came with {type(cell).__name__}")


_BUFFERS = {"t": _texts, "i": _integers, "f": _numbers, "b": _truths, "m": _moments}
