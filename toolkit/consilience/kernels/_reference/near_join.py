"""The near-duplicate join by a prefix filter over words, or by MinHash bands; every candidate is verified."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import reduce

import numpy as np

from consilience.kernels._arrays import Codes
from consilience.kernels._reference.union_find import union_find
from consilience.kernels.sets import RankedSets, Words

ALL = 0xFFFFFFFFFFFFFFFF


def mix(x: int) -> int:
    """Return the finalizer of SplitMix64."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & ALL
    x = (x ^ x >> 27) * 0x94D049BB133111EB & ALL
    return x ^ x >> 31


def prefix(words: list[int], fraction: tuple[int, int]) -> list[int]:
    """Return the rarest words, one of which a set shares with everything that is alike."""
    needed = -(-fraction[0] * len(words) // fraction[1])
    return words[: len(words) - needed + 1]


def band_keys(hashes: list[int], bands: int, rows: int) -> list[int]:
    """Return one key a band, the hash of the smallest words under ``rows`` orders of all words."""
    orders = [mix(order + 1) | 1 for order in range(bands * rows)]
    least = [min(mix(h * order & ALL) for h in hashes) for order in orders]
    return [reduce(lambda key, low: mix(key ^ low), least[b * rows :][:rows], b) for b in range(bands)]


def alike(x: frozenset[int], y: frozenset[int], fraction: tuple[int, int]) -> int:
    """Return how many words two sets share if that reaches the threshold, else 0."""
    shared = len(x & y)
    return shared if shared * fraction[1] >= fraction[0] * (len(x) + len(y) - shared) else 0


def candidates(keys: dict[int, list[int]]) -> Iterator[tuple[int, int]]:
    """Yield each pair of rows that share a key, once."""
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for row, row_keys in keys.items():
        met = {other for key in row_keys for other in holders[key]}
        yield from ((other, row) for other in sorted(met))
        for key in row_keys:
            holders[key].append(row)


def near_join(
    sets: RankedSets,
    fraction: tuple[int, int],
    bands: tuple[int, int] = (0, 0),
    threads: int = 1,  # noqa: ARG001 - one thread does
    collect: bool = False,
) -> tuple[Codes, Codes, Words]:
    same = np.arange(len(sets.size), dtype=np.int32)
    first: dict[tuple[int, ...], int] = {}
    for row in np.flatnonzero(sets.size >= 0).tolist():
        same[row] = first.setdefault(tuple(sets.set_of(row).tolist()), row)
    words = {row: frozenset(found) for found, row in first.items() if found}
    keys = {
        row: band_keys(sets.word_hashes[list(found)].tolist(), *bands)
        if bands[0]
        else prefix(list(found), fraction)
        for found, row in first.items()
        if found
    }
    pairs = [(x, y, alike(words[x], words[y], fraction)) for x, y in candidates(keys)]
    edges = np.array(sorted(pair for pair in pairs if pair[2]), dtype=np.uint32).reshape(-1, 3)
    left = np.concatenate([same, edges[:, 0].astype(np.int32)])
    right = np.concatenate([np.arange(len(sets.size), dtype=np.int32), edges[:, 1].astype(np.int32)])
    labels = union_find(left, right, len(sets.size))
    return (labels, same, edges) if collect else (labels, same[:0], edges[:0])
