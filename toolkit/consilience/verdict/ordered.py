"""Rankings of one question joined into one order."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.models import Ranking, Response
from consilience.verdict.methods import Method


def joined(
    kind: Ranking, ranked: Sequence[tuple[Response, tuple[str, ...]]], method: Method
) -> tuple[tuple[str, ...], ...]:
    """Return the places of the joint order, the best first; items that share a place are in alphabetical order.

    Items that an expert left out, where only the ``top`` are asked for, come after all that the expert ranked.
    """
    from consilience import aggregate

    rule = getattr(aggregate, method)
    listed = [[*map(_alone, order), *_rest(kind, order)] for _, order in ranked]
    frame = {"task": [0] * len(listed), "expert": list(range(len(listed))), "ranking": listed}
    places: dict[int, list[str]] = {}
    for item, rank in rule(frame).rankings.select("item", "rank").iter_rows():
        places.setdefault(rank, []).append(item)
    return tuple(tuple(sorted(places[rank])) for rank in sorted(places))


def _alone(item: str) -> list[str]:
    return [item]


def _rest(kind: Ranking, order: Sequence[str]) -> list[list[str]]:
    left = [item for item in kind.items if item not in order]
    return [left] if left else []
