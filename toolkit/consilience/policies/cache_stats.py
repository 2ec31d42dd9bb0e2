"""What a cache tells of itself, and why an entry left it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from consilience.policies.cards import CacheStatsDisplayed

__all__ = ["CacheStats", "Removal"]


class Removal(StrEnum):
    """Why an entry left a cache by itself."""

    EVICTED = "evicted"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CacheStats(CacheStatsDisplayed):
    """Counts of a cache since it was made.

    Parameters
    ----------
    hits, misses
        Lookups that found something, and that did not. They are counted without a lock: on a free-threaded
        interpreter some may be missing.
    evictions
        Entries that left to make room.
    expirations
        Entries that were too old.
    entries, bytes
        What is there now; bytes by the cache's weight.

    Examples
    --------
    >>> CacheStats(hits=3, misses=1, evictions=0, expirations=0, entries=1, bytes=80).hit_rate
    0.75
    """

    hits: int
    misses: int
    evictions: int
    expirations: int
    entries: int
    bytes: int

    @property
    def hit_rate(self) -> float:
        """Hits among the lookups; NaN before the first."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else float("nan")
