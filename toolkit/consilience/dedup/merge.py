"""Recommendations of several experts, merged with their sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from consilience.contradiction import Claim, Claims, Relation, compare
from consilience.dedup.conflicts import conflicting_groups
from consilience.dedup.linkage import complete_linkage
from consilience.dedup.merged import Merged, Recommendation, Wording
from consilience.dedup.near_claims import ClaimPairs, near_claims
from consilience.dedup.reading import read_recommendations
from consilience.equivalence import Equivalence
from consilience.errors import InvalidInput
from consilience.frames import Frame

__all__ = ["merge"]


def merge(
    recommendations: Mapping[str, Iterable[str]] | Merged | Frame,
    *,
    threshold: float | None = 0.7,
    equivalence: Equivalence | None = None,
) -> Merged:
    """Merge recommendations that say the same, keep who said them, and mark what contradicts what.

    Three steps, each on what the one before left: the same words (case, white space and closing punctuation aside);
    nearly the same content words; and, where an equivalence is given, what it holds to be the same. In every step the
    guard of `consilience.contradiction` keeps apart what is negated on one side, asks for the opposite, or has
    another number, and links what contradicts. In a row every two wordings are alike: nothing is joined by a chain.

    An expert who lists two things means two things. Two items of one expert that are not the same words are merged
    only where another expert's item is alike to both, and they are alike to each other.

    Parameters
    ----------
    recommendations
        Texts by expert name; or a frame with ``expert`` and ``text`` (or ``label``), one row a recommendation in the
        order of the expert's list, where a null is an expert who was asked and recommended nothing; or a `Merged`,
        whose sources are merged again.
    threshold
        Jaccard similarity of the content words from which two texts are near-duplicates, where only one of them has
        words of its own; see `consilience.equivalence.Lexical`. None leaves this step out.
    equivalence
        `Embeddings`, `Judge`, `Entailment` or one of your own, for what is said in other words. It sees one wording
        of each row that is left.

    Returns
    -------
    Merged
        Ordered by support, then by text; independent of the order of the experts.

    Raises
    ------
    InvalidInput
        A list is not one of texts, an item has no words, the threshold is out of range, or more than 5 million pairs
        are alike.
    InvalidFrame
        A column is missing or of the wrong type, or the frame holds several tasks.

    Examples
    --------
    >>> said = {
    ...     "ana": ["Add an index.", "Shard"],
    ...     "ben": ["add an index", "Don't shard"],
    ...     "cy": ["Please add index"],
    ... }
    >>> for row in merge(said):
    ...     print(row.support, row.text, row.conflicts)
    3 Add an index. ()
    1 Don't shard (2,)
    1 Shard (1,)
    """
    said = read_recommendations(recommendations)
    held = [_Words.of(sources) for sources in said.words.values()]
    claims = Claims(list(said.words))
    found = None if threshold is None else near_claims(claims, _share(threshold))
    groups = _Groups(held, list(range(len(held))) if found is None else _near_groups(found, held))
    conflicts: set[tuple[int, int]] = set()
    if equivalence is not None:
        groups, conflicts = _equivalent_groups(groups, claims, equivalence)
    if found is not None:
        conflicts |= conflicting_groups(found, claims, groups.of, groups.support)
    return Merged(_rows(groups, conflicts), _method(threshold, equivalence), tuple(sorted(said.experts)))


@dataclass(frozen=True, slots=True)
class _Words:
    """All wordings of one canonical form, sorted, and who said them."""

    sources: tuple[Wording, ...]
    experts: frozenset[str]

    @classmethod
    def of(cls, sources: tuple[Wording, ...]) -> _Words:
        return cls(sources, frozenset([source.expert for source in sources]))


class _Groups:
    """Canonical forms in groups; a group bears the number of its first form."""

    def __init__(self, held: Sequence[_Words], of: list[int]) -> None:
        self.held = held
        self.of = of
        self.members: dict[int, list[int]] = {}
        for at, first in enumerate(of):
            self.members.setdefault(first, []).append(at)
        self.experts = {
            first: held[first].experts.union(*[held[at].experts for at in inside[1:]])
            for first, inside in self.members.items()
        }
        self.support = {first: len(experts) for first, experts in self.experts.items()}

    def chosen(self, first: int) -> int:
        """Return the form that most experts of a group chose; among equals that of the first expert by name."""
        held, inside = self.held, self.members[first]
        return (
            first
            if len(inside) == 1
            else min(inside, key=lambda at: (-len(held[at].experts), held[at].sources[0]))
        )

    def text(self, first: int) -> str:
        return self.held[self.chosen(first)].sources[0].text


def _share(threshold: float) -> float:
    if not 0 < threshold <= 1:
        raise InvalidInput(
            f"threshold must be above 0 and at most 1, or None, {threshold!r} came; 0.7 is usual."
        )
    return threshold


def _method(threshold: float | None, equivalence: Equivalence | None) -> str:
    steps = ["same words"]
    steps += [] if threshold is None else [f"content words (Jaccard {threshold:g})"]
    steps += [] if equivalence is None else [equivalence.method]
    return ", ".join(steps)


def _near_groups(found: ClaimPairs, held: Sequence[_Words]) -> list[int]:
    alone = [next(iter(each.experts)) if len(each.experts) == 1 else None for each in held]
    pairs = found.compatible()
    return complete_linkage(len(held), pairs, lambda i, j: alone[i] is None or alone[i] != alone[j])


def _equivalent_groups(
    groups: _Groups, claims: Sequence[Claim], equivalence: Equivalence
) -> tuple[_Groups, set[tuple[int, int]]]:
    """Return the groups after the equivalence, and the pairs whose union the guard refused."""
    firsts = list(groups.members)
    readings = [claims[groups.chosen(first)].worded(groups.text(first)) for first in firsts]
    alike, refused = [], set()
    for i, j, likeness in equivalence.over(readings).pairs(range(len(firsts))):
        inside, other = groups.members[firsts[i]], groups.members[firsts[j]]
        relations = {compare(claims[a], claims[b]) for a, b in product(inside, other)}
        if relations == {Relation.COMPATIBLE}:
            alike.append((i, j, likeness))
        elif Relation.CONTRADICTS in relations:
            refused.add((firsts[i], firsts[j]))
    experts = [groups.experts[first] for first in firsts]
    joined = complete_linkage(len(firsts), alike, lambda i, j: len(experts[i] | experts[j]) > 1)
    place = {first: firsts[to] for first, to in zip(firsts, joined, strict=True)}
    return _Groups(groups.held, [place[first] for first in groups.of]), refused


def _linked(conflicts: Iterable[tuple[int, int]], group: Sequence[int]) -> dict[int, set[int]]:
    """Return the groups that contradict each, both ways."""
    found: dict[int, set[int]] = {}
    for one, other in ((group[a], group[b]) for a, b in conflicts):
        if one != other:
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return found


def _rows(groups: _Groups, conflicts: set[tuple[int, int]]) -> tuple[Recommendation, ...]:
    texts = {first: groups.text(first) for first in groups.members}
    order = sorted(groups.members, key=lambda first: (-groups.support[first], texts[first], first))
    place = {first: row for row, first in enumerate(order)}
    against = _linked(conflicts, groups.of)
    return tuple(
        Recommendation(
            texts[first],
            tuple(sorted(groups.experts[first])),
            tuple(sorted([source for at in groups.members[first] for source in groups.held[at].sources])),
            tuple(sorted([place[other] for other in against.get(first, ())])),
        )
        for first in order
    )
