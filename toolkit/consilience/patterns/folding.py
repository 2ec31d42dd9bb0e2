"""Simple case folding: one code point becomes one code point.

The rule is that of Unicode's CaseFolding.txt, statuses C and S, which RE2 and Rust's regexes use too: the sign for
kelvin (U+212A) is ``k``, the long s (U+017F) is ``s``, the final ``ς`` is the other small sigma, ``ẞ`` is ``ß``. It
leaves what would need two code points: ``ß`` is not ``ss``, the ligature ``ﬁ`` is not ``fi``, and ``İ`` is only
itself. Accents count, and nothing is normalised.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from consilience.kernels._arrays import Codes

__all__ = ["fold", "fold_table"]


def fold_point(character: str) -> str:
    r"""Return what a character counts as.

    Examples
    --------
    >>> [fold_point(character) for character in "AK\u212a\u017fẞİ"]
    ['a', 'k', 'k', 's', 'ß', 'İ']
    """
    full = character.casefold()
    if len(full) == 1:
        return full
    # Full folding needs several code points here; status S is the lower case where that is one.
    lower = character.lower()
    return lower if len(lower) == 1 else character


@cache
def fold_table() -> Codes:
    """Return int32 by code point, as far as folding changes any; from the Unicode version of this Python."""
    table = np.arange(sys.maxunicode + 1, dtype=np.int32)
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        # Most code points have no case, and this asks for it at the least cost.
        if character.casefold() != character:
            table[point] = ord(fold_point(character))
    changed = np.flatnonzero(table != np.arange(table.size))
    table = table[: changed[-1] + 1].copy()
    table.flags.writeable = False
    return table


def fold(text: str) -> str:
    """Return the text with every character folded.

    Examples
    --------
    >>> fold("STRAẞE")
    'straße'
    """
    return "".join(map(fold_point, text))
