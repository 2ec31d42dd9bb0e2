"""Groups in which every two members are alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["complete_linkage"]


def complete_linkage(
    n: int, pairs: Iterable[tuple[int, int, float]], links: Callable[[int, int], bool] | None = None
) -> list[int]:
    """Group items so that every two items of a group are a pair: nothing is joined by a chain.

    Parameters
    ----------
    n
        Number of items.
    pairs
        Two items that are alike, the smaller first, and how alike; each pair once. The most alike are joined first,
        equally alike ones in the order of the items, so that the groups depend on nothing else.
    links
        Whether a pair may join two groups; one that may not still counts as alike. None: each may.

    Returns
    -------
    list of int
        The first item of each item's group.

    Notes
    -----
    Each successful look-up uses up a pair, and a pair fails once, so that the work is of the order of the pairs.

    Examples
    --------
    >>> complete_linkage(4, [(0, 1, 0.9), (1, 2, 0.8), (2, 3, 0.7)])
    [0, 0, 2, 2]
    """
    ordered = sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))
    alike = {i * n + j for i, j, _ in ordered}
    group = list(range(n))
    members = {item: [item] for item in range(n)}
    for i, j, _ in ordered:
        one, other = group[i], group[j]
        if one == other or (links is not None and not links(i, j)):
            continue
        if all(min(a, b) * n + max(a, b) in alike for a in members[one] for b in members[other]):
            kept, gone = (one, other) if len(members[one]) >= len(members[other]) else (other, one)
            for item in members[gone]:
                group[item] = kept
            members[kept] += members.pop(gone)
    first = {number: min(held) for number, held in members.items()}
    return [first[number] for number in group]
