"""The Jaccard similarity of every pair of sets, pair by pair."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def jaccard_matrix(
    offsets: npt.NDArray[np.int64],
    words: npt.NDArray[np.uint32],
    size: npt.NDArray[np.int32],
    n_words: int,  # noqa: ARG001 - the compiled twin needs it
    width: int,  # noqa: ARG001 - and chooses how it counts
    threads: int,  # noqa: ARG001 - one thread does
) -> npt.NDArray[np.float32]:
    sets = [set(words[offsets[row] : offsets[row + 1]].tolist()) for row in range(len(size))]
    matrix = np.ones((len(sets), len(sets)), dtype=np.float32)
    for i, left in enumerate(sets):
        for j, right in enumerate(sets[:i]):
            either = len(left | right)
            # Division in float32, as the compiled twin divides.
            value = np.float32(len(left & right)) / np.float32(either) if either else np.float32(1)
            matrix[i, j] = matrix[j, i] = value
    return matrix
