"""Sets of word numbers, as one kernel hands them to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from consilience.kernels._arrays import Codes

__all__ = ["RankedSets"]

Words: TypeAlias = npt.NDArray[np.uint32]
Places: TypeAlias = npt.NDArray[np.int64]
Hashes: TypeAlias = npt.NDArray[np.uint64]

SHARD_SHIFT = 40


@dataclass(frozen=True, slots=True, eq=False)
class RankedSets:
    """Sets of word numbers, rarest words first.

    Attributes
    ----------
    words
        uint32, one array a thread: the numbers of the words.
    begin
        int64, shape ``(n,)``: where the set of each row begins; the array's number stands above bit 40.
    size
        int32, shape ``(n,)``: distinct words of each row, -1 for a null row.
    hashes
        uint64, shape ``(n,)``: equal for equal sets.
    word_hashes
        uint64, by word number: a hash of the word itself.
    n_words
        How many distinct words there are.
    n_once
        How many of them occur once; they have the lowest numbers.
    """

    words: list[Words]
    begin: Places
    size: Codes
    hashes: Hashes
    word_hashes: Hashes
    n_words: int
    n_once: int

    def set_of(self, row: int) -> Words:
        """Return the sorted word numbers of a row."""
        place = int(self.begin[row])
        start = place & ((1 << SHARD_SHIFT) - 1)
        return self.words[place >> SHARD_SHIFT][start : start + max(0, int(self.size[row]))]

    def flat(self) -> tuple[Places, Words]:
        """Return the sets as offsets, shape ``(n + 1,)``, and one array of words; a null row is empty."""
        size = np.maximum(self.size, 0)
        offsets = np.concatenate([[0], np.cumsum(size, dtype=np.int64)])
        arrays = np.cumsum([0, *map(len, self.words)])
        start = arrays[self.begin >> SHARD_SHIFT] + (self.begin & ((1 << SHARD_SHIFT) - 1))
        places = np.arange(offsets[-1]) + np.repeat(start - offsets[:-1], size)
        return offsets, np.concatenate(self.words)[places]
