"""Confidence from token probabilities: what the model's own numbers say about each allowed label.

Let the model's distribution over tokens be restricted, at each place, to tokens that can still lead to an allowed
label, and normalised: that is the distribution which the grammar makes of it. A label's probability is the sum over
all ways to write it. `Tally` walks these ways, heaviest first:

* a token after which one label is left gives its share to that label;
* a token after which several are left becomes a place of its own, with its share as weight.

What is exact: the shares at each place that was looked at. What is not: places that were never looked at keep their
weight (`Tally.unseen`), and allowed tokens outside the list of the likeliest are missed. How many those can be, and
how likely at most, is known, and is added to `Tally.unseen` as well. A label's true probability therefore lies
between its figure minus ``unseen`` and its figure plus ``unseen``, up to rounding.

Everything is bytes: a token may end inside a character.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consilience.experts.local.client import Completion, Token


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the tree of ways to write the labels.

    Parameters
    ----------
    weight
        The probability of coming here.
    written
        The bytes written so far.
    path
        The tokens that wrote them.
    """

    weight: float
    written: bytes
    path: tuple[int, ...]


class Tally:
    """Probabilities of labels, gathered place by place.

    Parameters
    ----------
    endings
        For each label, the bytes that write it, with what ends it where another label goes on from there.

    Examples
    --------
    >>> tally = Tally({"yes": b" yes", "no": b" no"})
    >>> tokens = [
    ...     Token(1, b" yes", math.log(0.6)),
    ...     Token(2, b" no", math.log(0.2)),
    ...     Token(3, b"!", math.log(0.2)),
    ... ]
    >>> tally.look(tally.heaviest(), tokens)
    >>> [(label, round(p, 2)) for label, p in tally.probabilities()]
    [('yes', 0.75), ('no', 0.25)]
    """

    def __init__(self, endings: Mapping[str, bytes]) -> None:
        self._shares = dict.fromkeys(endings, 0.0)
        self._beginnings = _beginnings(endings)
        self._open = [Place(1.0, b"", ())]
        self._missed = 0.0

    @property
    def unseen(self) -> float:
        """An upper bound of the probability that could not be attributed to a label, between 0 and 1."""
        return min(1.0, self._missed + math.fsum(place.weight for place in self._open))

    def heaviest(self) -> Place | None:
        """Return the open place with the largest weight; ``None`` when every way has been followed."""
        return max(self._open, key=lambda place: place.weight, default=None)

    def look(self, place: Place, listed: Sequence[Token], outside: Token | None = None) -> None:
        """Attribute an open place's weight.

        Parameters
        ----------
        place
            From `heaviest`.
        listed
            The likeliest tokens there, all that are likelier than the last of them.
        outside
            The token that was chosen there, when it is not among them.
        """
        self._open.remove(place)
        allowed = self._allowed(place, listed, outside)
        total = math.fsum(math.exp(token.logprob) for token, _ in allowed)
        if total <= 0.0:
            self._missed += place.weight
            return
        self._missed += place.weight * self.vagueness(place, listed, outside)
        for token, after in allowed:
            share = place.weight * math.exp(token.logprob) / total
            label = self._beginnings[after]
            if label is None:
                self._open.append(Place(share, after, (*place.path, token.id)))
            else:
                self._shares[label] += share

    def vagueness(self, place: Place, listed: Sequence[Token], outside: Token | None = None) -> float:
        """Bound the share of a place's weight that belongs to allowed tokens which are not listed.

        Each is at most as likely as the last listed one, each writes another beginning of a label, and together
        they have at most what the listed ones leave of 1.
        """
        allowed = self._allowed(place, listed, outside)
        total = math.fsum(math.exp(token.logprob) for token, _ in allowed)
        if not listed or total <= 0.0:
            return 1.0
        further = sum(
            begun.startswith(place.written) and len(begun) > len(place.written) for begun in self._beginnings
        )
        masses = [math.exp(token.logprob) for token in listed]
        missing = min(max(0.0, 1.0 - math.fsum(masses)), min(masses) * max(0, further - len(allowed)))
        return missing / (total + missing)

    def probabilities(self) -> tuple[tuple[str, float], ...]:
        """Return the labels that were seen, with their probabilities, in the order in which they were given.

        They sum to at most 1. A label without any listed token is left out: nothing is known about it beyond
        ``unseen``.
        """
        total = max(1.0, math.fsum(self._shares.values()))  # rounding alone can pass 1
        return tuple((label, share / total) for label, share in self._shares.items() if share > 0.0)

    def _allowed(
        self, place: Place, listed: Sequence[Token], outside: Token | None
    ) -> list[tuple[Token, bytes]]:
        tokens = [*listed, outside] if outside else listed
        written = [(token, place.written + token.bytes) for token in tokens if token.bytes]
        return [(token, after) for token, after in written if after in self._beginnings]


def _beginnings(endings: Mapping[str, bytes]) -> dict[bytes, str | None]:
    """Map each beginning of a label to the label, or to ``None`` when several labels begin so."""
    found: dict[bytes, str | None] = {}
    for label, ending in endings.items():
        for stop in range(1, len(ending) + 1):
            begun = ending[:stop]
            found[begun] = None if begun in found else label
    return found


@dataclass(frozen=True, slots=True)
class Listing:
    """The likeliest tokens at a place, and the one that was chosen when it is not among them."""

    listed: tuple[Token, ...]
    outside: Token | None = None


def known_places(completion: Completion) -> dict[tuple[int, ...], Listing]:
    """Return the likeliest tokens after each path of generated tokens, where the server told them.

    llama.cpp tells nothing about a token that ends inside a character, and shows the whole character's bytes at the
    token that completes it. The generated tokens' numbers say where that happened.
    """
    known: dict[tuple[int, ...], Listing] = {}
    at = 0
    for position in completion.positions:
        first = at
        while at < len(completion.tokens) and completion.tokens[at] != position.chosen.id:
            at += 1
        if at == len(completion.tokens):
            break
        shown = any(token.id == position.chosen.id for token in position.top)
        # after a skipped token the bytes of the chosen one are not its own
        known[completion.tokens[:at]] = Listing(
            position.top, None if shown or at > first else position.chosen
        )
        at += 1
    return known
