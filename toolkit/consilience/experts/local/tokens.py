"""Confidence from token probabilities: what the model's own numbers say about each allowed label.

A label's figure is the probability that the model, left alone at temperature 1, would write this label, given that
it writes one of the allowed ones: the product of its tokens' probabilities, summed over the ways to cut it into
tokens, divided by the sum over all labels. Renormalising at each token instead, as a grammar does while it
generates, inflates every beginning that seldom leads on to a label (Park et al. 2024, arXiv 2405.21047: a lone blank
that would have become a number).

What is exact: the mass of a label that was followed to its end. What is not: beginnings that were not followed, and
tokens outside the list of the likeliest. The mass of the first is known, the second is bounded, and together they
are `Tally.unseen`: no figure is wrong by more than that, up to rounding.

Everything is bytes: a token may end inside a character.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from consilience.experts.local.client import Completion, Token

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A beginning of a label.

    Parameters
    ----------
    mass
        The probability that the model writes it so.
    written
        Its bytes.
    path
        The tokens that wrote them.
    """

    mass: float
    written: bytes
    path: Path


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of the next token at a place.

    Parameters
    ----------
    listed
        The likeliest tokens, all that are likelier than the last of them.
    outside
        The token that was chosen there, when it is not among them.
    """

    listed: tuple[Token, ...]
    outside: Token | None = None

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All tokens whose probability is known."""
        return self.listed if self.outside is None else (*self.listed, self.outside)


class Tally:
    """Probabilities of labels, gathered place by place.

    Parameters
    ----------
    forms
        For each label, the byte strings that are it when they are complete.
    stops
        Byte strings after which a control token, which has no text, completes the label.

    Examples
    --------
    >>> tally = Tally({"yes": (b" yes",), "no": (b" no",)})
    >>> tokens = (
    ...     Token(1, b" yes", math.log(0.6)),
    ...     Token(2, b" no", math.log(0.2)),
    ...     Token(3, b"!", math.log(0.2)),
    ... )
    >>> tally.look(tally.heaviest(), Listing(tokens))
    >>> [(label, round(p, 2)) for label, p in tally.probabilities()]
    [('yes', 0.75), ('no', 0.25)]
    """

    def __init__(
        self, forms: Mapping[str, Sequence[bytes]], stops: Mapping[bytes, str] | None = None
    ) -> None:
        self._masses = dict.fromkeys(forms, 0.0)
        self._complete = {form: label for label, written in forms.items() for form in written}
        self._begun = {form[:stop] for form in self._complete for stop in range(1, len(form))}
        self._stops = dict(stops or {})
        self._open = [Place(1.0, b"", ())]
        self._missed = 0.0

    @property
    def unseen(self) -> float:
        """An upper bound of the error of each probability, between 0 and 1."""
        unseen = self._missed + math.fsum(place.mass for place in self._open)
        whole = unseen + math.fsum(self._masses.values())
        return unseen / whole if whole > 0.0 else 1.0

    @property
    def unlisted(self) -> float:
        """The part of `unseen` that no further look can make smaller."""
        whole = self._missed + math.fsum(self._masses.values())
        return self._missed / whole if whole > 0.0 else 1.0

    def settled(self, enough: float) -> bool:
        """Say whether no probability can be wrong by more than ``enough``.

        While a label was never seen, a hundredth of that is wanted: a label that nearly always wins is not certain.
        """
        return self.unseen <= (enough if all(self._masses.values()) else enough / 100)

    def heaviest(self) -> Place | None:
        """Return the beginning with the largest mass; ``None`` when all were followed."""
        return max(self._open, key=lambda place: place.mass, default=None)

    def among(self, paths: Container[Path]) -> Place | None:
        """Return a beginning that one of these paths wrote; ``None`` when there is none."""
        return next((place for place in self._open if place.path in paths), None)

    def look(self, place: Place, listing: Listing) -> None:
        """Follow a beginning by one token."""
        self._open.remove(place)
        found = 0
        for token in listing.tokens:
            after, mass = place.written + token.bytes, place.mass * math.exp(token.logprob)
            label = self._complete.get(after) if token.bytes else self._stops.get(place.written)
            if label is not None:
                self._masses[label] += mass
            elif token.bytes and after in self._begun:
                self._open.append(Place(mass, after, (*place.path, token.id)))
            else:
                continue
            found += 1
        self._missed += place.mass * self._unlisted(place, listing, found)

    def probabilities(self) -> tuple[tuple[str, float], ...]:
        """Return the labels that were seen, with their probabilities, in the order in which they were given.

        They sum to 1, or there are none. A label that was never followed to its end is left out: nothing is known
        about it beyond ``unseen``.
        """
        whole = math.fsum(self._masses.values())
        return tuple((label, min(1.0, mass / whole)) for label, mass in self._masses.items() if mass > 0.0)

    def _unlisted(self, place: Place, listing: Listing, found: int) -> float:
        """Bound the probability of the tokens here that lead on to a label and are not listed.

        Each is at most as likely as the last listed one, each writes another beginning, and together they have at
        most what the listed ones leave of 1.
        """
        if not listing.listed:
            return 1.0
        ways = sum(
            len(other) > len(place.written) and other.startswith(place.written)
            for others in (self._begun, self._complete)
            for other in others
        )
        probabilities = [math.exp(token.logprob) for token in listing.listed]
        rest = max(0.0, 1.0 - math.fsum(probabilities))
        return min(rest, min(probabilities) * max(0, ways - found))


def known_places(completion: Completion) -> dict[Path, Listing]:
    """Return what the server told of the likeliest tokens after each path of generated tokens.

    llama.cpp tells nothing about a token that ends inside a character, and shows the whole character's bytes at
    the token that completes it. The generated tokens' numbers say where that happened.
    """
    known: dict[Path, Listing] = {}
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
