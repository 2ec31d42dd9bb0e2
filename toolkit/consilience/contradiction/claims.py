"""What a text claims, as far as its words show: content words, what is negated, directions, quantities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final, overload

from consilience.contradiction.lexicon import Part, Role, role
from consilience.contradiction.quantities import Quantity
from consilience.contradiction.tokens import NUMBER, Token, plain_words, tokens

__all__ = ["Claim", "Claims", "content_words", "read_claim"]

_IS_PLAIN: Final = attrgetter("plain")
_END: Final = frozenset([""])  # what the end of a clause looks like among words
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
        Stems of its content words, opposites as their axis, numbers left out: they are compared as quantities. Where
        there is no content word, every word.
    negated
        Content words under a negation, a number as ``0``.
    affirmed
        Content words that stand outside any negation.
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


def content_words(text: str) -> frozenset[str]:
    """Return `Claim.words` alone, for less than half the price of the claim.

    Examples
    --------
    >>> sorted(content_words("Please do not add four indexes"))
    ['axis_add', 'index']
    """
    found = plain_words(text)
    return _content([role(word) for word in (found or [word for word, _ in tokens(text)])])


def _content(roles: Sequence[Role]) -> frozenset[str]:
    words = frozenset([known.root for known in roles if known.part is Part.CONTENT and known.root != NUMBER])
    words -= _END
    if words:
        return words
    spoken = (Part.CONTENT, Part.FUNCTION, Part.BOUNDARY)
    return frozenset([known.root for known in roles if known.part in spoken]) - _END


def read_claim(text: str) -> Claim:
    """Read what a text negates, which of two opposites it asks for, and its quantities.

    Examples
    --------
    >>> claim = read_claim("Don't disable the cache for 500 ms.")
    >>> sorted(claim.negated), sorted(claim.directions), claim.quantities
    (['0', 'axis_enable', 'cach'], [('axis_enable', -1, 'cach')], (Quantity(value=0.5, unit='s', noun=''),))
    """
    found = tokens(text)
    roles = [role(word) for word, _ in found]
    words = _content(roles)
    if all(map(_IS_PLAIN, roles)):  # as most texts are
        return Claim(text, words, _NONE, words, False, _NO_DIRECTION, _NO_ORDER, ())
    return _Reader(found, roles).claim(text, words)


class Claims(Sequence[Claim]):
    """The claims of texts, each read when it is first asked for: most texts are alike to no other.

    Examples
    --------
    >>> Claims(["Add an index", "Shard"])[1].text
    'Shard'
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self._read: dict[int, Claim] = {}

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, at: int) -> Claim: ...
    @overload
    def __getitem__(self, at: slice) -> Claims: ...
    def __getitem__(self, at: int | slice) -> Claim | Claims:
        if isinstance(at, slice):
            return Claims(self.texts[at])
        if at not in self._read:
            self._read[at] = read_claim(self.texts[at])
        return self._read[at]


class _Reader:
    """One pass over the tokens of a text, clause by clause."""

    def __init__(self, tokens: list[Token], roles: list[Role]) -> None:
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

    def claim(self, text: str, words: frozenset[str]) -> Claim:
        for at, (word, quantity) in enumerate(self.tokens):
            part = self.roles[at].part
            if quantity is not None:
                self.quantities.append(replace(quantity, noun=self._next(at)))
                self._say(NUMBER)
            elif not word or part is Part.BOUNDARY:
                self._close()
            elif part is Part.CONTENT or self.roles[at].orders:
                self._take(at, word)
            elif part is not Part.FUNCTION:
                self.negative = part is Part.NEGATION or not self.negative
                self.has_negation = self.has_negation or self.negative
                self.dangling = True
        self._close()
        return Claim(
            text,
            words,
            frozenset(self.negated - self.affirmed),
            frozenset(self.affirmed),
            self.has_negation,
            frozenset(self.directions),
            frozenset(self.order),
            tuple(self.quantities),
        )

    def _take(self, at: int, word: str) -> None:
        _, root, sign, orders, numbered, _ = self.roles[at]
        if orders:
            self.order.append((word, self._next(at)))
        if sign:
            self.directions.append((root, sign, self._next(at)))
        if numbered:
            self.quantities.append(Quantity(0.0, word))
        if self.roles[at].part is Part.CONTENT:
            self._say(root)

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
