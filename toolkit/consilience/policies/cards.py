"""Policies and their parts as cards: what state they are in, and what is left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from consilience.markup import Displayed, Html, facts, share_bar, size, thing
from consilience.policies.breaker_settings import BreakerState

if TYPE_CHECKING:
    from consilience.policies.breaker import Breaker
    from consilience.policies.cache_stats import CacheStats
    from consilience.policies.concurrency import Bulkhead
    from consilience.policies.limits import RateLimiter


class PolicyDisplayed(Displayed):
    """What a policy looks like."""

    def _repr_html_(self: Any) -> str:
        rows = [
            ("calls", running(self.bulkhead)),
            ("requests left", left(self.requests, "requests")),
            ("tokens left", left(self.tokens, "tokens")),
            ("p95 of an attempt", "no call yet" if self.p95 is None else f"{self.p95:.3g} s"),
        ]
        watched = self._attempts.breaker
        said = "no breaker" if watched is None else circuit(watched)
        return thing("Policy", self.name, said, facts(rows), troubled=_troubled(watched))


class BreakerDisplayed(Displayed):
    """What a breaker looks like."""

    __slots__ = ()

    def _repr_html_(self: Any) -> str:
        changes = [f"{change.before} to {change.after}" for change in list(self.history)[-3:]]
        shown = facts([("last changes", "; ".join(changes) or "none")])
        return thing("Breaker", self.name, circuit(self), shown, troubled=_troubled(self))


class CacheDisplayed(Displayed):
    """What a cache looks like; what it holds is not shown."""

    __slots__ = ()

    def _repr_html_(self: Any) -> str:
        stats, most, room = self.stats(), self._queues.max_entries, self._queues.max_weight
        rows = [
            ("entries", share_bar(stats.entries, most, f"{stats.entries:,} of {most:,}")),
            ("size", share_bar(stats.bytes, room, f"{size(stats.bytes)} of {size(room)}")),
            *lookups(stats),
        ]
        empty = "Empty: what is asked for the first time comes in."
        return thing(
            "Cache", self.name, f"{stats.entries:,} entries" if stats.entries else empty, facts(rows)
        )


class CacheStatsDisplayed(Displayed):
    """What the counts of a cache look like."""

    __slots__ = ()

    def _repr_html_(self: Any) -> str:
        return thing("Cache", "", f"{self.entries:,} entries, {size(self.bytes)}", facts(lookups(self)))


def lookups(stats: CacheStats) -> list[tuple[str, object]]:
    """Return what was looked up and found, and what left."""
    asked = stats.hits + stats.misses
    found = f"{stats.hits:,} of {asked:,}" if asked else "no lookup yet"
    return [
        ("lookups that found", share_bar(stats.hits, asked, found)),
        ("left to make room", f"{stats.evictions:,}"),
        ("left by age", f"{stats.expirations:,}"),
    ]


def circuit(breaker: Breaker) -> str:
    """Return how a circuit is, in a line."""
    window = breaker.window
    return f"circuit {breaker.state}, {window.failures} of the last {window.calls} calls failed"


def running(bulkhead: Bulkhead) -> Html:
    """Return the calls that run and wait."""
    limit = bulkhead.limit
    of = "" if limit == math.inf else f" of {limit:g}"
    return share_bar(bulkhead.running, limit, f"{bulkhead.running:g}{of} run, {bulkhead.waiting:,} wait")


def left(limiter: RateLimiter, unit: str) -> str:
    """Return the units that would pass now, and who waits."""
    if limiter.left == math.inf:
        return "no limit"
    slowed = ", slowed by the service" if limiter.slowed else ""
    return f"{limiter.left:,.0f} {unit}, {limiter.waiting:,} wait{slowed}"


def _troubled(breaker: Breaker | None) -> bool:
    return breaker is not None and breaker.state is not BreakerState.CLOSED
