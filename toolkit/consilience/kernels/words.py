"""What a word is: the rule that the compiled kernel and its reference share.

A text is normalised, then cut. Normalised: default-ignorable characters that only steer the display (soft hyphen,
joiners, variation selectors) go, then NFKC, full case folding, and NFKC again, which is the toNFKC_Casefold of the
Unicode standard (section 3.13, definition R5) with a shorter list of characters that go. Cut: by the parts of UAX #29
(Unicode Text Segmentation, section 4.1) that hold for every language. A word is a longest run of letters, numbers and
connectors (WB5, WB8 to WB10, WB13a and WB13b; categories L, N, Pc), marks stay with the character before them (WB4),
and each character of a script that is written without spaces (ideographs, Hiragana, Thai, Lao, Khmer, Myanmar and
their relatives, which UAX #29 leaves to a dictionary) is a word of its own (WB999). Everything else separates; unlike
there, an apostrophe or a point inside a word or number separates too (WB6, WB7, WB11, WB12 are left out), so that
the words of a contraction do not depend on which of the two apostrophes was typed.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import chain
from typing import Final

import numpy as np

__all__ = ["fold", "fold_cluster", "page", "shingles", "words"]

IGNORED: Final = dict.fromkeys(
    chain([0xAD, 0x200C, 0x200D, 0x2060, 0xFEFF], range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
)
UNSPACED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19DF),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark and zero
    (0x3021, 0x3029),  # Hangzhou numerals
    (0x3038, 0x303B),
    (0x3040, 0x309F),  # Hiragana
    (0x3400, 0x4DBF),  # ideographs
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),  # Myanmar, extended
    (0xAA60, 0xAADF),  # Myanmar, extended; Tai Viet
    (0xF900, 0xFAFF),  # ideographs for compatibility
    (0x1B000, 0x1B16F),  # Kana, supplement and extended
    (0x20000, 0x3FFFF),  # ideographs of the second and third plane
)
SEPARATOR, WORD, SINGLE, MARK = range(4)

# An entry of a page, as kernels_ext/_fold.pxd reads it.
KIND_SHIFT = 21
DROPPED, SEVERAL, CONTEXT, ATOMIC, PURE_MARK = (1 << bit for bit in range(23, 28))


def fold(text: str) -> str:
    """Return a text normalised and case-folded.

    Examples
    --------
    >>> fold("ﬁn de SIÈCLE")
    'fin de siècle'
    """
    composed = unicodedata.normalize("NFKC", text.translate(IGNORED))
    return unicodedata.normalize("NFKC", composed.casefold())


def kind(char: str) -> int:
    """Return what a normalised character does: separates, belongs to a word, is one, or marks the one before."""
    category = unicodedata.category(char)
    if category[0] == "M":
        return MARK
    if category[0] not in "LN" and category != "Pc":
        return SEPARATOR
    point = ord(char)
    return SINGLE if any(first <= point <= last for first, last in UNSPACED) else WORD


def words(text: str) -> list[str]:
    """Return the words of a text, in order, with repetitions.

    Examples
    --------
    >>> words("Naïve users don't; user_id=7")
    ['naïve', 'users', 'don', 't', 'user_id', '7']
    >>> words("東京 Tower, हिन्दी")
    ['東', '京', 'tower', 'हिन्दी']
    """
    found: list[str] = []
    word, single = "", False
    for char in fold(text):
        what = kind(char)
        if word and (what in (SEPARATOR, SINGLE) or (what == WORD and single)):
            found.append(word)
            word = ""
        if what != MARK:
            single = what == SINGLE
        if what != SEPARATOR:
            word += char
    return [*found, word] if word else found


def shingles(found: list[str], k: int) -> list[str]:
    """Return the runs of k words; of fewer words, all of them as one.

    Examples
    --------
    >>> shingles(["add", "an", "index"], 2)
    ['add an', 'an index']
    >>> shingles(["add"], 2)
    ['add']
    """
    if not found:
        return []
    return [" ".join(found[i : i + k]) for i in range(max(1, len(found) - k + 1))]


@cache
def composing() -> frozenset[int]:
    """Return the code points that may join with the character before them into one."""
    seconds = set(chain(range(0x1161, 0x1176), range(0x11A8, 0x11C3)))  # Hangul vowels and finals
    for point in range(0x20000):
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(int(parts[1], 16))
    return frozenset(seconds)


def stands_alone(char: str) -> bool:
    """Say whether a character and what it folds to begin with one that no neighbour before it can change."""
    composed = unicodedata.normalize("NFKC", char)
    stages = (composed, composed.casefold(), fold(char))
    return all(
        stage and not unicodedata.combining(stage[0]) and ord(stage[0]) not in composing() for stage in stages
    )


def entry(char: str) -> tuple[int, str]:
    """Return the entry of a character, and what it folds to where that is several characters."""
    if ord(char) in IGNORED:
        return DROPPED, ""
    folded = fold(char)
    plain = unicodedata.normalize("NFKD", char) == char
    if stands_alone(char):
        if len(folded) > 1:
            return SEVERAL, folded
        atomic = plain and unicodedata.normalize("NFKD", folded) == folded
        return ord(folded) | kind(folded) << KIND_SHIFT | (ATOMIC if atomic else 0), ""
    if plain and folded == char and unicodedata.combining(char) and ord(char) not in composing():
        return ord(char) | kind(char) << KIND_SHIFT | PURE_MARK, ""
    return CONTEXT, ""


def packed(text: str) -> list[int]:
    """Return the entries of characters that are normalised already."""
    return [ord(char) | kind(char) << KIND_SHIFT for char in text]


def page(number: int) -> bytes:
    """Return the 256 entries from code point ``256 * number`` on, and the foldings of several characters behind them.

    Examples
    --------
    >>> entries = np.frombuffer(page(0), dtype=np.uint32)
    >>> chr(entries[ord("A")] & 0x1FFFFF)
    'a'
    """
    table: list[int] = []
    behind: list[int] = []
    for point in range(256 * number, 256 * number + 256):
        bits, several = entry(chr(point))
        if several:
            bits |= 256 + len(behind)
            behind += [len(several), *packed(several)]
        table.append(bits)
    return np.array(table + behind, dtype=np.uint32).tobytes()


def fold_cluster(cluster: bytes) -> bytes:
    """Return the entries of a few characters, in UTF-8, that are folded together."""
    text = cluster.decode("utf-8", errors="replace")
    return np.array(packed(fold(text)), dtype=np.uint32).tobytes()
