"""How alike all texts are to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.patterns.texts import columns, to_series

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["similarity"]


def similarity(texts: Any, shingle: int = 1, *, threads: int | None = None) -> npt.NDArray[np.float32]:
    """Return the Jaccard similarity of every two texts.

    Parameters
    ----------
    texts
        Polars, pandas or Arrow column, or strings.
    shingle
        Runs of so many words are compared; a shorter text is one run.
    threads
        None uses every core. The result is the same with any number.

    Returns
    -------
    numpy.ndarray
        float32, shape ``(n, n)``, symmetric: 4 n² bytes. Two texts without a word have 1, a null has NaN with every
        text.

    Raises
    ------
    InvalidInput
        If these are not texts, or a parameter cannot be used.

    Examples
    --------
    >>> similarity(["add an index", "Add an index now"])
    array([[1.  , 0.75],
           [0.75, 1.  ]], dtype=float32)
    """
    from consilience.kernels import TokenSets, jaccard_matrix

    sets = TokenSets(shingle, threads)
    for _, column in columns(to_series(texts)):
        sets.add(column)
    return jaccard_matrix(sets.ranked(last=True), threads)
