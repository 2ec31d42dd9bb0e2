"""Which merged rows contradict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product

from consilience.contradiction import Claim, Relation, compare
from consilience.dedup.near_claims import ClaimPairs

__all__ = ["conflicting_groups"]

_MOST = 20  # groups of one set of words that are compared with each other
_MOST_BETWEEN = 5  # and with those of another set that is alike


def conflicting_groups(
    found: ClaimPairs, claims: Sequence[Claim], group: Sequence[int], support: Mapping[int, int]
) -> set[tuple[int, int]]:
    """Return two claims for each two groups that speak of the same and contradict.

    They speak of the same if their content words are alike. Where a hundred rows differ by nothing but a number, all
    would contradict all: of those with the very same words the 20 best supported are linked with each other, and the
    5 best supported with those whose words are alike.

    Parameters
    ----------
    found
        What is alike.
    claims, group
        All claims, and the group of each.
    support
        Experts behind each group.
    """
    shown = [_best(holders, group, support) for holders in found.holders]
    pairs = [pair for best in shown for pair in combinations(best, 2)]
    pairs += [
        pair
        for one, other, _ in found.alike
        for pair in product(shown[one][:_MOST_BETWEEN], shown[other][:_MOST_BETWEEN])
    ]
    return {
        (i, j)
        for i, j in pairs
        if group[i] != group[j] and compare(claims[i], claims[j]) is Relation.CONTRADICTS
    }


def _best(holders: Sequence[int], group: Sequence[int], support: Mapping[int, int]) -> list[int]:
    """Return one claim of each group that has the words, best supported first."""
    first = {group[at]: at for at in reversed(holders)}
    return sorted(first.values(), key=lambda at: (-support[group[at]], at))[:_MOST]
