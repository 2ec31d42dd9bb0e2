"""Texts into sets of words, word by word."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from consilience.kernels.sets import RankedSets
from consilience.kernels.words import shingles, words

if TYPE_CHECKING:
    from consilience.kernels.columns import StringColumn


class TokenSets:
    def __init__(self, shingle: int) -> None:
        self.shingle = shingle
        self.rows: list[list[str] | None] = []
        self.counts: Counter[str] = Counter()
        self.ranks: list[str] = []

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    @property
    def n_bytes(self) -> int:
        return 8 * sum(len(row or ()) for row in self.rows) + sum(map(len, self.counts))

    def add(self, column: StringColumn) -> None:
        for row in range(column.length):
            text = column[row]
            found = None if text is None else shingles(words(text.decode(errors="replace")), self.shingle)
            self.counts.update(found or ())
            self.rows.append(found)

    def ranked(self, last: bool = False) -> RankedSets:  # noqa: ARG002 - Python frees what nobody holds
        self.ranks = sorted(
            self.counts, key=self.counts.__getitem__
        )  # equal counts in the order of appearance
        number = {word: rank for rank, word in enumerate(self.ranks)}
        sets = [sorted({number[word] for word in row or ()}) for row in self.rows]
        size = np.array(
            [-1 if row is None else len(found) for row, found in zip(self.rows, sets, strict=True)]
        )
        begin = np.cumsum([0, *map(len, sets)][: len(sets) + 1], dtype=np.int64)[:-1]
        hashes = np.array([hash(tuple(found)) & 0xFFFFFFFFFFFFFFFF for found in sets], dtype=np.uint64)
        flat = np.array([word for found in sets for word in found] or [0], dtype=np.uint32)
        once = sum(count == 1 for count in self.counts.values())
        named = [
            int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little") for word in self.ranks
        ]
        word_hashes = np.array(named or [0], dtype=np.uint64)
        return RankedSets([flat], begin, size.astype(np.int32), hashes, word_hashes, len(self.ranks), once)

    def words(self) -> list[str]:
        return self.ranks


def token_sets(shingle: int, threads: int) -> TokenSets:  # noqa: ARG001 - one thread does
    return TokenSets(shingle)
