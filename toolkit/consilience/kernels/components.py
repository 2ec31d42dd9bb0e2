"""Connected components: which items belong together when some pairs do."""

from __future__ import annotations

import numpy.typing as npt

from consilience.kernels import _selector
from consilience.kernels._arrays import Codes, codes, same_length, size

__all__ = ["union_find"]


def union_find(left: npt.ArrayLike, right: npt.ArrayLike, n: int) -> Codes:
    """Group items that are joined by pairs, directly or through others.

    Parameters
    ----------
    left, right
        The two ends of each pair, shape ``(n_pairs,)``, integers in ``0 <= index < n``. Contiguous int32 is
        taken without a copy. A pair of an item with itself is allowed and says nothing.
    n
        Number of items.

    Returns
    -------
    numpy.ndarray
        int32, shape ``(n,)``: the smallest index in the component of each item, whatever the order of the
        pairs.

    Raises
    ------
    InvalidInput
        If the arrays differ in length, are not integers, or name an item outside ``0 <= index < n``.

    Notes
    -----
    Union by index with path halving [1]_: O(pairs log n) time at worst, n integers of memory. The compiled
    form releases the GIL.

    References
    ----------
    .. [1] R. E. Tarjan, J. van Leeuwen. Worst-case analysis of set union algorithms. J. ACM 31(2), 1984.

    Examples
    --------
    >>> union_find([3, 1], [1, 4], n=5)
    array([0, 1, 2, 1, 1], dtype=int32)
    """
    n = size(n, "n")
    left_codes, right_codes = codes(left, "left", below=n), codes(right, "right", below=n)
    same_length(left_codes, right_codes, "left and right")
    return _selector.union_find(left_codes, right_codes, n)
