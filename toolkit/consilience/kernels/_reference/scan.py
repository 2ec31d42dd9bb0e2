"""Literals found in rows of text, readable: the trie is walked from every byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from consilience.kernels._arrays import Codes
    from consilience.kernels.columns import Found, StringColumn
    from consilience.kernels.literals import Literals, Trie

__all__ = ["scan"]


def scan(
    literals: Literals,
    column: StringColumn,
    folds: Codes,
    longest_only: bool,
    place: tuple[int, int, int],
    most: int,
) -> tuple[Found, int, int]:
    """Return rows of (row, start, end, literal), and the row and byte to go on from."""
    first, byte, stop = place
    found: list[tuple[int, int, int, int]] = []
    for row in range(first, stop):
        text, offsets = _folded(column[row] or b"", folds)
        free = byte if row == first else 0
        for start in range(len(text)):
            if offsets[start] < free:
                continue
            if len(found) >= most:
                return _array(found), row, offsets[start]
            ends = [(offsets[end], literal) for end, literal in _walk(literals.trie, text, start)]
            if longest_only and ends:
                ends = ends[-1:]
                free = ends[0][0]
            found += [(row, offsets[start], end, literal) for end, literal in ends]
    return _array(found), stop, 0


def _walk(trie: Trie, text: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Yield end and number of every literal that begins at the start, the shortest first."""
    node = 0
    for end in range(start, len(text)):
        node = int(trie.child[node])
        while node and trie.label[node] != text[end]:
            node = int(trie.sibling[node])
        if not node:
            return
        if trie.literal[node] >= 0:
            yield end + 1, int(trie.literal[node])


def _folded(text: bytes, folds: Codes) -> tuple[bytes, list[int]]:
    """Return the folded bytes and, for each and the end, the offset of its character in the text."""
    if not folds.size:
        return text, list(range(len(text) + 1))
    folded, offsets, at = bytearray(), [], 0
    for character in text.decode():
        point = ord(character)
        encoded = chr(folds[point] if point < folds.size else point).encode()
        folded += encoded
        offsets += [at] * len(encoded)
        at += len(character.encode())
    return bytes(folded), [*offsets, at]


def _array(found: list[tuple[int, int, int, int]]) -> Found:
    return np.array(found, dtype=np.int64).reshape(-1, 4)
