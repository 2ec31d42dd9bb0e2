"""What caches and pools do not tell as events: how often a cache had the answer, and how much of a pool is used."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

from consilience.policies import Cache, Measure
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
        self._told: weakref.WeakKeyDictionary[Cache[Any, Any], tuple[int, int]] = weakref.WeakKeyDictionary()
        for cache in _caches():
            stats = cache.stats()
            self._told[cache] = stats.hits, stats.misses

    def rows(self, at: float) -> Iterator[Measure]:
        """Yield hits and misses of each cache that was asked meanwhile, and the used share of each open pool."""
        for cache in _caches():
            stats = cache.stats()
            before = self._told.get(cache, (0, 0))
            self._told[cache] = stats.hits, stats.misses
            for name, now, then in ((HITS, stats.hits, before[0]), (MISSES, stats.misses, before[1])):
                if now > then:
                    yield Measure(at, cache.name, name, float(now - then), "")
        for pool in alive():
            figures = pool.stats()
            if figures.size or figures.waiting:
                yield Measure(at, pool.name, USE, min(figures.in_use / pool.limit, 1.0), "")


def _caches() -> list[Cache[Any, Any]]:
    return [part for part in MEMORY.registered if isinstance(part, Cache)]
