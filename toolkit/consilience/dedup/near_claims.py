"""Texts with nearly the same content words, whatever they claim with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product

from consilience.contradiction import Claim, Claims, Relation, compare, content_words
from consilience.errors import InvalidInput

__all__ = ["ClaimPairs", "near_claims"]

_MOST_PAIRS = 5_000_000


@dataclass(frozen=True, slots=True)
class ClaimPairs:
    """Sets of content words that are alike, and who has them.

    Parameters
    ----------
    claims
        The claims that were compared.
    holders
        For each different set of words: the claims that have it, ascending.
    alike
        Two sets, how alike they are; only one of them has words of its own.
    """

    claims: Sequence[Claim]
    holders: Sequence[Sequence[int]]
    alike: Sequence[tuple[int, int, float]]

    def compatible(self) -> Iterator[tuple[int, int, float]]:
        """Yield the pairs of claims that are alike and that the guard lets stand, the smaller first.

        Raises
        ------
        InvalidInput
            There are more than 5 million to look at.
        """
        met = {number for one, other, _ in self.alike for number in (one, other)}
        keyed = {
            number: self._by_key(holders)
            for number, holders in enumerate(self.holders)
            if len(holders) > 1 or number in met
        }
        self._refuse_many(keyed)
        within = (
            (i, j, 1.0)
            for groups in keyed.values()
            for same in groups.values()
            for i, j in combinations(same, 2)
        )
        between = (
            (min(i, j), max(i, j), likeness)
            for one, other, likeness in self.alike
            for key in keyed[one].keys() & keyed[other].keys()
            for i, j in product(keyed[one][key], keyed[other][key])
        )
        for i, j, likeness in chain(within, between):
            if compare(self.claims[i], self.claims[j]) is Relation.COMPATIBLE:
                yield i, j, likeness

    def _by_key(self, holders: Sequence[int]) -> dict[object, list[int]]:
        # only claims with the same numbers and a negation or none can be compatible
        found: dict[object, list[int]] = {}
        for at in holders:
            found.setdefault(self.claims[at].key, []).append(at)
        return found

    def _refuse_many(self, keyed: Mapping[int, Mapping[object, list[int]]]) -> None:
        count = sum(len(same) * (len(same) - 1) // 2 for groups in keyed.values() for same in groups.values())
        count += sum(
            len(keyed[one][key]) * len(keyed[other][key])
            for one, other, _ in self.alike
            for key in keyed[one].keys() & keyed[other].keys()
        )
        if count > _MOST_PAIRS:
            raise InvalidInput(
                f"At most {_MOST_PAIRS:,} pairs of recommendations may be alike, there are {count:,}: "
                "raise the threshold, or merge question by question."
            )


def near_claims(claims: Claims, threshold: float) -> ClaimPairs:
    """Return which claims have nearly the same content words; no claim is read for it.

    Examples
    --------
    >>> found = near_claims(Claims(["Add an index", "Do not add any index"]), 0.7)
    >>> found.holders, list(found.compatible())
    ([[0, 1]], [])
    """
    from consilience.dedup.near import near_duplicates

    holders: dict[frozenset[str], list[int]] = {}
    for at, text in enumerate(claims.texts):
        holders.setdefault(content_words(text), []).append(at)
    numbers: dict[str, str] = {}
    # words become numbers, since the kernel would cut some of them again
    texts = [" ".join([numbers.setdefault(word, str(len(numbers))) for word in words]) for words in holders]
    sets = list(holders)
    pairs = near_duplicates(texts, threshold).pairs(most=_MOST_PAIRS).iter_rows()
    alike = [(i, j, likeness) for i, j, likeness in pairs if sets[i] <= sets[j] or sets[j] <= sets[i]]
    return ClaimPairs(claims, list(holders.values()), alike)
