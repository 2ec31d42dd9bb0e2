"""What the kernels take and give: contiguous int32 codes, checked once at the border.

A kernel reads memory without looking at bounds, so every public function passes its arguments through here.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from consilience.errors import InvalidInput

Codes: TypeAlias = npt.NDArray[np.int32]
Flags: TypeAlias = npt.NDArray[np.bool_]
Offsets: TypeAlias = npt.NDArray[np.int64]
Reals: TypeAlias = npt.NDArray[np.float64]

MOST = int(np.iinfo(np.int32).max)


def size(value: int, name: str) -> int:
    """Return a number of items that int32 codes can address, or raise.

    Examples
    --------
    >>> size(3, "n_tasks")
    3
    """
    if not 0 <= value <= MOST:
        raise InvalidInput(f"{name} must be between 0 and {MOST:,}, got {value:,}; split the data into parts")
    return int(value)


def codes(values: npt.ArrayLike, name: str, below: int, lowest: int = 0) -> Codes:
    """Return values as contiguous int32, all of them in ``lowest <= code < below``, or raise.

    An array that is int32 and contiguous already is not copied, also when it is read-only.

    Parameters
    ----------
    values
        One-dimensional integers.
    name
        The argument's name, for the message.
    below
        One more than the largest code that is allowed.
    lowest
        The smallest code that is allowed; -1 where a missing value may stand.

    Raises
    ------
    InvalidInput
        If the values are not one-dimensional integers, or one of them is out of range.

    Examples
    --------
    >>> codes([0, 2], "task", below=3)
    array([0, 2], dtype=int32)
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise InvalidInput(f"{name} must have one dimension, got {array.ndim}; pass a flat array")
    if array.size == 0:
        return np.empty(0, dtype=np.int32)
    if array.dtype.kind not in "iu":
        raise InvalidInput(f"{name} must hold integers, got {array.dtype}; cast it to int32")
    smallest, largest = int(array.min()), int(array.max())
    if smallest < lowest or largest >= below:
        raise InvalidInput(f"{name} must lie between {lowest} and {below - 1}, got {smallest} to {largest}")
    return np.ascontiguousarray(array, dtype=np.int32)


def same_length(first: Codes, second: Codes, names: str) -> None:
    """Raise if two arrays that are read row by row differ in length.

    Examples
    --------
    >>> same_length(codes([0], "left", 1), codes([0], "right", 1), "left and right")
    """
    if first.size != second.size:
        raise InvalidInput(f"{names} must have the same length, got {first.size} and {second.size}")
