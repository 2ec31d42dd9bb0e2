"""Operations: how the machinery does that calls experts and keeps what they say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import panel as pn

from consilience.dashboards.query import Query
from consilience.dashboards.section import empty
from consilience.dashboards.tiles import Tile, amount, share, tiles
from consilience.dashboards.visit import Visit
from consilience.markup import Html, details, escape, table

if TYPE_CHECKING:
    import polars as pl

    from consilience.policies import MemoryUse
    from consilience.store import Store
    from consilience.store.upkeep import Status

_HINT = "from consilience.store import KeptMetrics\nkept = KeptMetrics(store)  # until kept.stop()"
_HOUR = timedelta(hours=1)
# Events carry what changed in their label: "closed; open; 5 of 10 failed".
_CALLS = """
SELECT source, count(*) AS n, count(*) FILTER (WHERE label <> 'ok') AS bad,
    percentile_cont(0.50) WITHIN GROUP (ORDER BY value) AS p50,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY value) AS p95
FROM metrics WHERE asked_at >= ? AND name = 'call finished: seconds' GROUP BY source ORDER BY n DESC, source LIMIT 50
"""
_CHANGES = """
SELECT source, name, label, value, asked_at FROM (
    SELECT source, name, label, value, asked_at,
        row_number() OVER (PARTITION BY source, name ORDER BY asked_at DESC) AS nth
    FROM metrics WHERE asked_at >= ? AND (name LIKE 'breaker changed%' OR name LIKE 'limit changed%'
        OR name LIKE 'throttled%' OR name LIKE 'memory pressure%' OR name LIKE 'health changed%'
        OR name LIKE 'connection replaced%' OR name LIKE 'cache: %' OR name LIKE 'pool: %' OR name LIKE 'queue: %')
) AS told WHERE nth = 1 ORDER BY source, name LIMIT 200
"""


@dataclass(frozen=True, slots=True)
class Machinery:
    """What the page shows, read at once."""

    calls: pl.DataFrame
    changes: pl.DataFrame
    slow: pl.DataFrame
    status: Status
    memory: MemoryUse | None


def read_machinery(store: Store, now: datetime | None = None) -> Machinery:
    """Return how calls, caches, pools and the store do, as of now; four statements."""
    from consilience.policies import read_memory

    since = (now or datetime.now(UTC)) - _HOUR
    return Machinery(
        calls=store.read(_CALLS, since),
        changes=store.read(_CHANGES, since - 23 * _HOUR),
        slow=store.slow(20),
        status=store.status(),
        memory=read_memory(),
    )


MACHINERY: Query[Html] = Query(("operations",), lambda store: drawn(read_machinery(store)), ages=10.0)


def build(visit: Visit) -> Any:
    """Return the page."""
    return pn.Column(visit.section(MACHINERY, Html, rows=8), sizing_mode="stretch_width", margin=0)


def drawn(found: Machinery) -> Html:
    """Return the page's markup; all sessions see the same."""
    parts = [
        tiles(_tiles(found)),
        _headed("Calls by policy, last hour", _calls(found.calls)),
        _headed("Breakers, limits, caches, pools: last change", _changes(found.changes)),
        _headed("Slow statements", _slow(found.slow)),
        _headed("Store", _tables(found.status)),
    ]
    return Html("".join(parts))


def _headed(title: str, body: str) -> str:
    told = escape(title)
    return f"<h2>{told}</h2><div class=cs-scroll tabindex=0 role=region aria-label='{told}'>{body}</div>"


def _tiles(found: Machinery) -> list[Tile]:
    status, memory = found.status, found.memory
    opened = found.changes.filter(found.changes["name"].str.starts_with("breaker changed"))
    n_open = sum("; open" in label for label in opened["label"])
    return [
        Tile(
            "Breakers open",
            f"{n_open}",
            f"of {opened.height} that changed in 24 hours",
            "open" if n_open else "",
        ),
        Tile(
            "Waiting in the spool",
            f"{status.waiting:,}",
            f"segments, {amount(status.waiting_size / 1e6, 'MB', 1)}",
        ),
        Tile(
            "Store", amount(status.size / 1e6, "MB", 1), f"schema version {status.version or 'not made yet'}"
        ),
        Tile(
            "Memory of this server",
            "\u2013" if memory is None else amount(memory.used / 1e6, "MB", 0),
            "" if memory is None else f"{share(memory.share)} of {amount(memory.limit / 1e6, 'MB', 0)}",
        ),
    ]


def _calls(frame: pl.DataFrame) -> str:
    if not frame.height:
        return empty(
            "No calls in the last hour were kept. Keep them from the notebook or worker that calls:", _HINT
        )
    rows = [
        (source, f"{n:,}", share(bad / n), amount(p50, "", 3), amount(p95, "", 3))
        for source, n, bad, p50, p95 in frame.iter_rows()
    ]
    columns = ("policy", "calls", "failed", "p50, s", "p95, s")
    return table(columns, rows, numeric=columns[1:])


def _changes(frame: pl.DataFrame) -> str:
    if not frame.height:
        return "<p class=cs-m>Nothing changed in the last 24 hours, or nothing was kept.</p>"
    rows = [
        (source, name, label, amount(value, "", 2), f"{asked_at:%Y-%m-%d %H:%M:%S}")
        for source, name, label, value, asked_at in frame.iter_rows()
    ]
    return table(("source", "what", "how", "value", "when, UTC"), rows, numeric=("value",))


def _slow(frame: pl.DataFrame) -> str:
    if not frame.height:
        return "<p class=cs-m>No statement took longer than a second.</p>"
    rows = [
        (
            f"{asked_at:%Y-%m-%d %H:%M:%S}",
            amount(seconds, "", 2),
            None if n is None else f"{n:,}",
            Html(
                details(" ".join(text.split())[:80], Html(f"<pre><code>{escape(plan, 4_000)}</code></pre>"))
            ),
        )
        for asked_at, seconds, n, text, plan in frame.iter_rows()
    ]
    return table(("when, UTC", "seconds", "rows", "statement and plan"), rows, numeric=("seconds", "rows"))


def _tables(status: Status) -> str:
    rows = [
        (name, f"{n:,}", *("" if at is None else f"{at:%Y-%m-%d %H:%M}" for at in (oldest, newest)))
        for name, n, oldest, newest in status.tables.iter_rows()
    ]
    return table(("table", "rows", "oldest, UTC", "newest, UTC"), rows, numeric=("rows",))
