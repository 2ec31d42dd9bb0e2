"""How the claims of two texts stand to each other."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from consilience.contradiction.claims import Claim

__all__ = ["Relation", "compare", "contained"]

_PREFIXES = ("un", "non")


class Relation(StrEnum):
    """What the guard says of two texts.

    ``COMPATIBLE``: nothing that it reads tells them apart, which does not make them the same. ``CONTRADICTS``: one
    negates what the other affirms, asks for the opposite, or has another number in its place. ``DIFFERS``: they are
    not the same, and no contradiction either, as "do not enable it" and "disable it", or a number that only one has.
    """

    COMPATIBLE = "compatible"
    CONTRADICTS = "contradicts"
    DIFFERS = "differs"


def compare(one: Claim, other: Claim) -> Relation:
    """Compare what two texts negate, ask for and count; symmetric.

    Examples
    --------
    >>> from consilience.contradiction import read_claim
    >>> index, no_index = read_claim("Add an index"), read_claim("Don't add an index")
    >>> str(compare(index, no_index)), str(compare(index, index))
    ('contradicts', 'compatible')
    >>> str(compare(read_claim("Use 4 shards"), read_claim("Use four shards")))
    'compatible'
    """
    if _read(one) == _read(other) and not _prefixed(one, other):
        return Relation.COMPATIBLE
    turned = [_negation(one, other), _directions(one, other)]
    found = [*turned, _order(one, other), _quantities(one, other)]
    found += [Relation.CONTRADICTS] if _prefixed(one, other) else []
    if all(each is Relation.COMPATIBLE for each in found):
        return Relation.COMPATIBLE
    if all(each is Relation.CONTRADICTS for each in turned):
        return Relation.DIFFERS  # turned twice: "do not enable" and "disable"
    return Relation.CONTRADICTS if Relation.CONTRADICTS in found else Relation.DIFFERS


def _read(claim: Claim) -> tuple[object, ...]:
    return claim.negated, claim.has_negation, claim.directions, claim.order, claim.quantities


def contained(one: Claim, other: Claim) -> bool:
    """Return whether one of two texts has no content word that the other lacks.

    Where each has a word of its own, one may stand for the other: "index the orders", "index the customers".
    """
    return one.words <= other.words or other.words <= one.words


def _negation(one: Claim, other: Claim) -> Relation:
    if one.negated == other.negated and one.has_negation == other.has_negation:
        return Relation.COMPATIBLE
    if one.negated & other.affirmed - other.negated or other.negated & one.affirmed - one.negated:
        return Relation.CONTRADICTS
    if one.has_negation == other.has_negation:
        return Relation.COMPATIBLE
    bare = any(claim.has_negation and not claim.negated for claim in (one, other))
    return Relation.CONTRADICTS if bare else Relation.DIFFERS


def _prefixed(one: Claim, other: Claim) -> bool:
    """Return whether a word stands against itself with a negating prefix: reliable, unreliable."""
    ours, theirs = one.words - other.words, other.words - one.words
    if not ours or not theirs:
        return False
    return any(
        prefix + word in there
        for here, there in ((ours, theirs), (theirs, ours))
        for word in here
        for prefix in _PREFIXES
    )


def _directions(one: Claim, other: Claim) -> Relation:
    if one.directions == other.directions:
        return Relation.COMPATIBLE
    found = Relation.COMPATIBLE
    for axis in {axis for axis, _, _ in one.directions} & {axis for axis, _, _ in other.directions}:
        ours = {(sign, noun) for name, sign, noun in one.directions if name == axis}
        theirs = {(sign, noun) for name, sign, noun in other.directions if name == axis}
        signs, their_signs = {sign for sign, _ in ours}, {sign for sign, _ in theirs}
        if not signs & their_signs or any(_turned(end, ours, theirs) for end in ours):
            return Relation.CONTRADICTS
        if signs != their_signs:
            found = Relation.DIFFERS
    return found


def _turned(end: tuple[int, str], ours: set[tuple[int, str]], theirs: set[tuple[int, str]]) -> bool:
    """Return whether one text has this end of an axis alone, of some noun, and the other has the opposite alone."""
    opposite = (-end[0], end[1])
    return opposite not in ours and opposite in theirs and end not in theirs


def _order(one: Claim, other: Claim) -> Relation:
    for before, word in one.order - other.order:
        for same, theirs in other.order - one.order:
            swapped = word in other.words and theirs in one.words
            if before == same and word and theirs and swapped:
                return Relation.CONTRADICTS
    return Relation.COMPATIBLE


def _quantities(one: Claim, other: Claim) -> Relation:
    ours, theirs = (Counter((each.value, each.unit) for each in claim.quantities) for claim in (one, other))
    if ours != theirs:
        return Relation.DIFFERS if ours <= theirs or theirs <= ours else Relation.CONTRADICTS
    if not ours:
        return Relation.COMPATIBLE
    counted, counted_there = (
        {each.noun: (each.value, each.unit) for each in claim.quantities if each.noun}
        for claim in (one, other)
    )
    if any(counted[noun] != counted_there[noun] for noun in counted.keys() & counted_there.keys()):
        return Relation.CONTRADICTS
    sequence, sequence_there = (tuple((q.value, q.unit) for q in claim.quantities) for claim in (one, other))
    if sequence != sequence_there and not counted.keys() & counted_there.keys():
        return Relation.DIFFERS
    return Relation.COMPATIBLE
