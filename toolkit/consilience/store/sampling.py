"""What caches and pools do not tell as events: how often a cache had the answer, and how much of a pool is used."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

from consilience.policies import Cache, CacheStats, Measure
from consilience.policies.memory import MEMORY
from consilience.pools.pool import alive

HITS, MISSES, USE = "cache: hits", "cache: misses", "pool: use"


class Sampling:
    """Looks at the caches and pools of this process, and tells what happened since it looked last.

    Examples
    --------
    >>> cache = Cache("answers")
    >>> sampling = Sampling()
    >>> _ = cache.get("question")
    >>> [(row.name, row.value) for row in sampling.rows(0.0) if row.source == "answers"]
    [('cache: misses', 1.0)]
    """

    def __init__(self) -> None:
        # by id, since a cache is a mapping and has no hash; the reference tells a new one at the same place
        self._told: dict[int, tuple[weakref.ref[Cache[Any, Any]], int, int]] = {}
        for cache in _caches():
            self._since(cache, cache.stats())

    def rows(self, at: float) -> Iterator[Measure]:
        """Yield hits and misses of each cache that was asked meanwhile, and the used share of each open pool."""
        for cache in _caches():
            stats = cache.stats()
            for name, n in zip((HITS, MISSES), self._since(cache, stats), strict=True):
                if n > 0:
                    yield Measure(at, cache.name, name, float(n), "")
        for pool in alive():
            figures = pool.stats()
            if figures.size or figures.waiting:
                yield Measure(at, pool.name, USE, min(figures.in_use / pool.limit, 1.0), "")

    def _since(self, cache: Cache[Any, Any], stats: CacheStats) -> tuple[int, int]:
        """Return the hits and misses since this was last called."""
        told = self._told.get(id(cache))
        hits, misses = told[1:] if told is not None and told[0]() is cache else (0, 0)
        self._told[id(cache)] = weakref.ref(cache), stats.hits, stats.misses
        return stats.hits - hits, stats.misses - misses


def _caches() -> list[Cache[Any, Any]]:
    return [part for part in MEMORY.registered if isinstance(part, Cache)]
