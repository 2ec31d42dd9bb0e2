"""Literals as users give them, found with the scanning kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import InvalidInput
from consilience.kernels import literals, scan
from consilience.kernels.scanning import NO_FOLDS
from consilience.patterns.folding import fold, fold_table
from consilience.patterns.texts import columns

if TYPE_CHECKING:
    import polars as pl

    from consilience.kernels.columns import Found

__all__ = ["LiteralSearch"]


class LiteralSearch:
    """Literals prepared once, in the order of the user.

    Parameters
    ----------
    texts
        The literals; two may be equal, or become equal by folding: each is reported.
    ignore_case
        Fold the literals and the texts.
    overlapping
        Report every occurrence; else the leftmost, of these the longest.
    """

    def __init__(self, texts: Sequence[str], ignore_case: bool, overlapping: bool) -> None:
        wanted = [_encoded(fold(text) if ignore_case else text) for text in texts]
        distinct = sorted(set(wanted))
        number = {literal: index for index, literal in enumerate(distinct)}
        # Patterns by their literal: pattern[first[i]:first[i + 1]] are those that the literal i stands for.
        of_pattern = np.fromiter((number[literal] for literal in wanted), dtype=np.int64, count=len(wanted))
        self._pattern = np.argsort(of_pattern, kind="stable")
        self._copies = np.bincount(of_pattern, minlength=len(distinct))
        self._first = np.cumsum(self._copies) - self._copies
        self._literals = literals(distinct)
        self._folds = fold_table() if ignore_case else NO_FOLDS
        self._longest_only = not overlapping

    def find(self, start: int, rows: pl.Series) -> Iterator[Found]:
        """Yield parts of (row, start, end, pattern) for rows that begin at the row ``start`` of the whole."""
        for offset, column in columns(rows):
            for part in scan(self._literals, column, folds=self._folds, longest_only=self._longest_only):
                if len(part):
                    part[:, 0] += start + offset
                    yield self._by_pattern(part)

    def _by_pattern(self, part: Found) -> Found:
        literal = part[:, 3]
        if self._pattern.size > self._copies.size:
            copies = self._copies[literal]
            part = np.repeat(part, copies, axis=0)
            within = np.arange(len(part)) - np.repeat(np.cumsum(copies) - copies, copies)
            part[:, 3] = self._pattern[self._first[part[:, 3]] + within]
        else:
            part[:, 3] = self._pattern[literal]
        return part


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"A literal must be encodable as UTF-8, {text!r} is not: {error.reason}"
        ) from error
