"""Columns of text as the kernels read them: Arrow's string_view layout, shared and not copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Found", "StringColumn"]

Octets: TypeAlias = npt.NDArray[np.uint8]
#: int64, shape (n_matches, 4): row, start, end, literal.
Found: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class StringColumn:
    """The buffers of an Arrow string_view array; they are not copied.

    Attributes
    ----------
    views
        uint8: 16 bytes a row: its length, then its bytes if they are at most 12, else a buffer and an offset [1]_.
    valid
        uint8, a bit a row: 0 for a null; empty where there is none.
    offset, length
        First row in the buffers, and number of rows.
    buffers
        What the views point into.

    References
    ----------
    .. [1] Arrow columnar format, variable-size binary view layout.

    Examples
    --------
    >>> import pyarrow as pa
    >>> column = StringColumn.of(pa.array(["short", None, "longer than twelve"], pa.string_view()))
    >>> [column[row] for row in range(column.length)]
    [b'short', None, b'longer than twelve']
    """

    views: Octets
    valid: Octets
    offset: int
    length: int
    buffers: tuple[Octets, ...]

    @classmethod
    def of(cls, array: pa.StringViewArray) -> StringColumn:
        """Take the buffers of a string_view array."""
        valid, views, *data = (_octets(buffer) for buffer in array.buffers())
        return cls(views, valid, array.offset, len(array), tuple(data))

    def lengths(self) -> npt.NDArray[np.uint32]:
        """Return the bytes of each row; what a null row holds there has no meaning.

        Examples
        --------
        >>> import pyarrow as pa
        >>> StringColumn.of(pa.array(["short", "longer than twelve"], pa.string_view())).lengths().tolist()
        [5, 18]
        """
        return self.views.view(np.uint32)[::4][self.offset : self.offset + self.length]

    def __getitem__(self, row: int) -> bytes | None:
        """Return the bytes of a row, None for a null one."""
        at = self.offset + row
        if self.valid.size and not self.valid[at >> 3] >> (at & 7) & 1:
            return None
        view = self.views[16 * at : 16 * at + 16]
        length, _, buffer, start = view.view(np.uint32).tolist()
        octets = view[4 : 4 + length] if length <= 12 else self.buffers[buffer][start : start + length]
        return bytes(octets)


def _octets(buffer: pa.Buffer | None) -> Octets:
    return np.frombuffer(buffer, np.uint8) if buffer is not None and buffer.size else np.empty(0, np.uint8)
