"""What a text claims, as far as its words show: content words, what is negated, directions, quantities."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

from consilience.contradiction.lexicon import PHRASE_HEADS, PHRASES, Part, Role, role
from consilience.contradiction.quantities import SCALES, UNITS, WORDS, Quantity, number, suffixed, written

__all__ = ["Claim", "read_claim"]

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
_NUMBER: Final = "0"
_IS_PLAIN: Final = attrgetter("plain")
_NONE: Final[frozenset[str]] = frozenset()
_NO_DIRECTION: Final[frozenset[tuple[str, int, str]]] = frozenset()
_NO_ORDER: Final[frozenset[tuple[str, str]]] = frozenset()


@dataclass(frozen=True, slots=True)
class Claim:
    """What the guard reads from a text.

    Parameters
    ----------
    text
        The text itself.
    words
        Stems of its content words, opposites as their axis, a number as ``0``; where there is no content word, every
        word.
    negated
        Those under a negation.
    affirmed
        Those that stand outside any negation.
    has_negation
        Whether any word negates.
    directions
        Which end of an axis of opposites: axis, 1 or -1, the content word that follows.
    order
        What follows ``from``, ``over``, ``than``, ``before``, ``after``: the preposition and the word.
    quantities
        In the order of the text.
    """

    text: str
    words: frozenset[str]
    negated: frozenset[str]
    affirmed: frozenset[str]
    has_negation: bool
    directions: frozenset[tuple[str, int, str]]
    order: frozenset[tuple[str, str]]
    quantities: tuple[Quantity, ...]

    @property
    def key(self) -> tuple[bool, tuple[tuple[float, str], ...]]:
        """What two texts must share to be the same answer: a negation or none, and the same numbers."""
        return self.has_negation, tuple(sorted((each.value, each.unit) for each in self.quantities))

    def worded(self, text: str) -> Claim:
        """Return the same claim for another wording of it."""
        return replace(self, text=text)


def read_claim(text: str) -> Claim:
    """Read what a text negates, which of two opposites it asks for, and its quantities.

    Examples
    --------
    >>> claim = read_claim("Don't disable the cache for 500 ms.")
    >>> sorted(claim.negated), sorted(claim.directions), claim.quantities
    (['0', 'axis_enable', 'cach'], [('axis_enable', -1, 'cach')], (Quantity(value=0.5, unit='s', noun=''),))
    """
    tokens = _tokens(text)
    roles = [role(word) for word, _ in tokens]
    if all(map(_IS_PLAIN, roles)):
        return _plain(text, roles)
    return _Reader(tokens, roles).claim(text)


def _plain(text: str, roles: list[Role]) -> Claim:
    """Return the claim of a text with none of the words that the guard looks for, as most are."""
    words = frozenset([known.root for known in roles if known.part is Part.CONTENT and known.root])
    said = words or frozenset([known.root for known in roles if known.root])
    return Claim(text, said, _NONE, words, False, _NO_DIRECTION, _NO_ORDER, ())


# A word, a number with its quantity, or the end of a clause, which has neither.
_Token = tuple[str, Quantity | None]


def _tokens(text: str) -> list[_Token]:
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    if not folded.isascii():
        folded = _UNSPACED.sub(r" \g<0> ", folded)
    folded = _NUMBERING.sub("", folded)
    if not PHRASE_HEADS.isdisjoint(folded.split()):
        folded = _PHRASE.sub(lambda match: PHRASES[match[0]], folded)
    found: list[_Token] = [
        (word, None) if word or not digits else (_NUMBER, _numeral(money.strip(), digits, suffix.strip()))
        for word, money, digits, suffix in _TOKEN.findall(folded)
    ]
    return found if WORDS.keys().isdisjoint(word for word, _ in found) else _written_out(found)


def _numeral(money: str, digits: str, suffix: str) -> Quantity:
    value = number(digits)
    if value is None:
        return Quantity(0.0, digits + suffix)
    value, unit = suffixed(value, suffix)
    return Quantity(value, suffixed(1.0, money)[1] + unit if money else unit)


def _written_out(tokens: list[_Token]) -> list[_Token]:
    """Read number words, so that each number is one token."""
    words = [word for word, _ in tokens]
    found: list[_Token] = []
    at = 0
    while at < len(tokens):
        pronoun = words[at] == "one" and at > 0 and words[at - 1] in _PRONOUN_BEFORE
        spelt = None if pronoun else written(words, at)
        if spelt is None:
            found.append(tokens[at])
            at += 1
        else:
            unit = "x" if words[at] in ("twice", "thrice") else ""
            found.append((_NUMBER, Quantity(spelt[0], unit)))
            at = spelt[1]
    return found


class _Reader:
    """One pass over the tokens of a text, clause by clause."""

    def __init__(self, tokens: list[_Token], roles: list[Role]) -> None:
        self.tokens = tokens
        self.roles = roles
        self.negated: set[str] = set()
        self.affirmed: set[str] = set()
        self.clause: list[tuple[str, bool]] = []
        self.negative = False
        self.has_negation = False
        self.dangling = False  # a negation after which its clause says nothing
        self.directions: list[tuple[str, int, str]] = []
        self.order: list[tuple[str, str]] = []
        self.quantities: list[Quantity] = []
        self.read = 0  # the first token that no number has taken as its unit

    def claim(self, text: str) -> Claim:
        for at, (word, quantity) in enumerate(self.tokens):
            part = self.roles[at].part
            if at < self.read:
                continue
            if quantity is not None:
                self._quantity(at, quantity)
            elif not word or part is Part.BOUNDARY:
                self._close()
            elif part is Part.CONTENT or self.roles[at].orders:
                self._content(at, word)
            elif part is not Part.FUNCTION:
                self.negative = part is Part.NEGATION or not self.negative
                self.has_negation = self.has_negation or self.negative
                self.dangling = True
        self._close()
        words = self.negated | self.affirmed
        if words <= {_NUMBER}:
            words |= self._all_words()
        return Claim(
            text,
            frozenset(words),
            frozenset(self.negated - self.affirmed),
            frozenset(self.affirmed),
            self.has_negation,
            frozenset(self.directions),
            frozenset(self.order),
            tuple(self.quantities),
        )

    def _content(self, at: int, word: str) -> None:
        _, root, sign, orders, numbered, _ = self.roles[at]
        if orders:
            self.order.append((word, self._next(at)))
        if sign:
            self.directions.append((root, sign, self._next(at)))
        if numbered:
            self.quantities.append(Quantity(0.0, word))
        if self.roles[at].part is Part.CONTENT:
            self._say(root)

    def _quantity(self, at: int, quantity: Quantity) -> None:
        """Take a number with the scale or unit that may follow, and with what it counts."""
        value, unit = quantity.value, quantity.unit
        if not unit and self._word(at + 1) in SCALES:
            at += 1
            value *= SCALES[self._word(at)]
        if not unit and self._word(at + 1) in UNITS:
            at += 1
            value, unit = suffixed(value, self._word(at))
        self.read = at + 1
        self.quantities.append(Quantity(value, unit, self._next(at)))
        self._say(_NUMBER)

    def _word(self, at: int) -> str:
        return self.tokens[at][0] if at < len(self.tokens) else ""

    def _say(self, word: str) -> None:
        self.clause.append((word, self.negative))
        self.dangling = False

    def _close(self) -> None:
        """End a clause: a negation at its very end holds for all of it, as in German and in "the answer is no"."""
        for word, negative in self.clause:
            (self.negated if negative or self.dangling else self.affirmed).add(word)
        self.clause.clear()
        self.negative = self.dangling = False

    def _next(self, at: int) -> str:
        """Return the next content word of the clause, empty where there is none."""
        for place in range(at + 1, min(at + 5, len(self.tokens))):
            word, quantity = self.tokens[place]
            if not word or self.roles[place].part is Part.BOUNDARY:
                break
            if quantity is None and self.roles[place].part is Part.CONTENT:
                return self.roles[place].root
        return ""

    def _all_words(self) -> set[str]:
        plain = (Part.CONTENT, Part.FUNCTION, Part.BOUNDARY)
        return {known.root for known in self.roles if known.part in plain and known.root}
