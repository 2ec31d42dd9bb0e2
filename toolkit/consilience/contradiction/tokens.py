"""Texts as words, numbers and ends of clauses."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, TypeAlias

from consilience.contradiction.lexicon import PHRASE_HEADS, PHRASES
from consilience.contradiction.quantities import SCALES, UNITS, WORDS, Quantity, number, suffixed, written

__all__ = ["NUMBER", "Token", "plain_words", "tokens"]

_PHRASE: Final = re.compile(rf"\b(?:{'|'.join(sorted(PHRASES, key=len, reverse=True))})\b")
_NUMBERING: Final = re.compile(r"^\s*(?:[-*\u2022\u2013]\s+|\(?\d{1,3}[.)]\s+)")
# a word; or currency, digits with their sign, what is written after them; or the end of a clause
_TOKEN: Final = re.compile(
    r"([^\W\d_]\w*(?:'\w+)*|_\w+)"
    r"|([$€£]\s?)?((?:(?<![\w.])[-+\u2212](?=\d))?\d+(?:[.,'\u00a0\u202f]\d+)*)(\s?[%°\u00d7][cf]?|[^\W\d_]\w*)?"
    r"|[.;:!?,()\n]+"
)
# scripts that are written without spaces: each character is a word, as in the kernels
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u309f\u3400-\u9fff]")
_PRONOUN_BEFORE: Final = frozenset(["this", "that", "each", "which", "the", "every", "any", "no", "another"])
NUMBER: Final = "0"
_NUMERIC: Final = frozenset([NUMBER, *WORDS])

# what makes a text more than words between separators
_DIGIT_OR_APOSTROPHE: Final = re.compile(r"[0-9']")
_SEPARATORS: Final = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) != "_"}
_JOINING: Final = PHRASE_HEADS | WORDS.keys()

#: A word, a number with its quantity, or the end of a clause, which has neither.
Token: TypeAlias = tuple[str, Quantity | None]


def tokens(text: str) -> list[Token]:
    """Return the words of a text, case-folded, its numbers, and the ends of its clauses.

    Examples
    --------
    >>> tokens("Cache for two\u00a0minutes; then shard.")[2:5]
    [('0', Quantity(value=120.0, unit='s', noun='')), ('', None), ('then', None)]
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    if not folded.isascii():
        folded = _UNSPACED.sub(r" \g<0> ", folded)
    folded = _NUMBERING.sub("", folded)
    if not PHRASE_HEADS.isdisjoint(folded.split()):
        folded = _PHRASE.sub(lambda match: PHRASES[match[0]], folded)
    found: list[Token] = [
        (word, None) if word or not digits else (NUMBER, _numeral(money.strip(), digits, suffix.strip()))
        for word, money, digits, suffix in _TOKEN.findall(folded)
    ]
    return found if _NUMERIC.isdisjoint([word for word, _ in found]) else _with_quantities(found)


def plain_words(text: str) -> set[str] | None:
    """Return the different words of a text, if it is one of those that need no more than cutting; else None.

    Most are: ASCII without digits, apostrophes, phrases and number words. Cutting them takes a fifth of the time.

    Examples
    --------
    >>> sorted(plain_words("Shard the orders_table, please") or ()), plain_words("Use 4 shards")
    (['orders_table', 'please', 'shard', 'the'], None)
    """
    if not text.isascii() or _DIGIT_OR_APOSTROPHE.search(text):
        return None
    found = set(text.lower().translate(_SEPARATORS).split())
    found.discard("_")
    return found if found.isdisjoint(_JOINING) else None


def _numeral(money: str, digits: str, suffix: str) -> Quantity:
    value = number(digits)
    if value is None:
        return Quantity(0.0, digits + suffix)
    value, unit = suffixed(value, suffix)
    return Quantity(value, suffixed(1.0, money)[1] + unit if money else unit)


def _with_quantities(tokens: list[Token]) -> list[Token]:
    """Read number words, and the scales and units after a number, so that each number is one token."""
    words = [word for word, _ in tokens]
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        word, quantity = tokens[at]
        pronoun = word == "one" and at > 0 and words[at - 1] in _PRONOUN_BEFORE
        spelt = None if pronoun or quantity is not None else written(words, at)
        if spelt is not None:
            quantity, at = Quantity(spelt[0], "x" if word in ("twice", "thrice") else ""), spelt[1]
        else:
            at += 1
        if quantity is None:
            found.append((word, None))
            continue
        value, unit = quantity.value, quantity.unit
        for known, read in ((SCALES, _scaled), (UNITS, suffixed)):
            if not unit and at < len(words) and words[at] in known:
                value, unit = read(value, words[at])
                at += 1
        found.append((NUMBER, Quantity(value, unit)))
    return found


def _scaled(value: float, word: str) -> tuple[float, str]:
    return value * SCALES[word], ""
