"""A pool as a card: who uses it, who waits, what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.markup import Displayed, facts, thing

if TYPE_CHECKING:
    from consilience.pools.figures import PoolStats


class PoolDisplayed(Displayed):
    """What a pool looks like; addresses are shown as the text does, without secrets."""

    def _repr_html_(self: Any) -> str:
        stats: PoolStats = self.stats()
        state = repr(self).rpartition(": ")[2].removesuffix(">")
        return thing(type(self).__name__, self.name, state, facts(rows_of(stats)), troubled=self.closed)


class StatsDisplayed(Displayed):
    """What the figures of a pool look like."""

    __slots__ = ()

    def _repr_html_(self: Any) -> str:
        return thing("Pool", "", f"{self.in_use:,} in use, {self.waiting:,} waiting", facts(rows_of(self)))


def rows_of(stats: PoolStats) -> list[tuple[str, str]]:
    """Return the figures with their units."""
    return [
        ("connections", f"{stats.size:,} open, {stats.idle:,} idle, {stats.in_use:,} in use"),
        ("since it was made", f"{stats.made:,} made, {stats.closed:,} closed"),
        ("requests", f"{stats.requests:,}, {stats.errors:,} ended with an error of the connection"),
        ("waiting now", f"{stats.waiting:,}"),
        ("waited", f"{stats.waits:,} times, {stats.wait_total:,.2f} s together"),
        ("p95 of the waits", f"{stats.wait_p95 * 1000:,.1f} ms"),
    ]
