"""Roll-ups of metrics to minutes and hours, and the removal of old days, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from consilience.store.schema import time_column
from consilience.store.upkeep import Maintained

if TYPE_CHECKING:
    from consilience.store.keeper import Session

_EVER = datetime(1, 1, 1, tzinfo=UTC)
_LEDGER_DAYS = 90
_UNITS = {"metrics_1m": "minute", "metrics_1h": "hour"}
_SAME = (
    "{0}.bucket = {1}.bucket AND {0}.source = {1}.source AND {0}.name = {1}.name AND {0}.label = {1}.label"
)
_RAW = """
    SELECT date_trunc('{unit}', asked_at) AS bucket, coalesce(source, '') AS source, coalesce(name, '') AS name,
        coalesce(label, '') AS label, value
    FROM metrics WHERE value IS NOT NULL AND {span}
"""
_ROLLED = """
    SELECT bucket, source, name, label, count(*) AS n, sum(value) AS sum, min(value) AS min, max(value) AS max,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS p50,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY value) AS p95,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY value) AS p99
    FROM {rows} GROUP BY bucket, source, name, label
"""
# A bucket whose raw rows are all there is computed again when their number has changed.
_CHANGED = """
CREATE TEMPORARY TABLE fresh AS
WITH raw AS ({raw}), counted AS (
    SELECT bucket, source, name, label, count(*) AS n FROM raw GROUP BY bucket, source, name, label
), changed AS (
    SELECT c.* FROM counted c LEFT JOIN {table} m ON {same} WHERE m.n IS DISTINCT FROM c.n
), chosen AS (
    SELECT r.* FROM raw r JOIN changed m ON {same_raw}
)
{rolled}
"""
# A bucket whose raw rows are gone is joined with what came late.
_LATE = """
CREATE TEMPORARY TABLE fresh AS
WITH raw AS ({raw}), late AS ({rolled})
SELECT c.bucket, c.source, c.name, c.label, c.n + coalesce(m.n, 0) AS n, c.sum + coalesce(m.sum, 0) AS sum,
    least(c.min, coalesce(m.min, c.min)) AS min, greatest(c.max, coalesce(m.max, c.max)) AS max,
    CASE WHEN m.n IS NULL THEN c.p50 END AS p50, CASE WHEN m.n IS NULL THEN c.p95 END AS p95,
    CASE WHEN m.n IS NULL THEN c.p99 END AS p99
FROM late c LEFT JOIN {table} m ON {same}
"""


def maintained(session: Session, keep: Mapping[str, int], now: datetime) -> Maintained:
    """Roll up and remove; in one transaction.

    Parameters
    ----------
    session
        Alone with the tables.
    keep
        Days by table.
    now
        In UTC; buckets that have not ended wait for the next time.
    """
    with session.transaction():
        gone = _removed_before(session, "metrics")
        rolled = {table: _rolled_up(session, table, now, gone) for table in _UNITS}
        if gone is not None:  # What came late is in the roll-ups now, and must not be added again.
            session.changed("DELETE FROM metrics WHERE asked_at < ?", [gone])
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        removed = {
            table: _remove(session, table, midnight - timedelta(days=days), now)
            for table, days in keep.items()
        }
        # Names of segments: they are needed for as long as a segment may lie in the spool after it was taken.
        session.execute("DELETE FROM ingested WHERE taken_at < ?", [midnight - timedelta(days=_LEDGER_DAYS)])
    return Maintained(rolled, removed)


def _rolled_up(session: Session, table: str, now: datetime, gone: datetime | None) -> int:
    unit = _UNITS[table]
    parts = {"table": table, "same": _SAME.format("c", "m"), "same_raw": _SAME.format("r", "m")}
    span = f"asked_at >= ? AND asked_at < date_trunc('{unit}', ?::TIMESTAMPTZ)"
    raw = _RAW.format(unit=unit, span=span)
    sql = _CHANGED.format(raw=raw, rolled=_ROLLED.format(rows="chosen"), **parts)
    n = _replace(session, table, sql, [gone or _EVER, now])
    if gone is not None:
        raw = _RAW.format(unit=unit, span="asked_at < ?")
        n += _replace(
            session, table, _LATE.format(raw=raw, rolled=_ROLLED.format(rows="raw"), **parts), [gone]
        )
    return n


def _replace(session: Session, table: str, sql: str, params: list[datetime]) -> int:
    session.execute(sql, params)
    same = _SAME.format(table, "fresh")
    session.execute(f"DELETE FROM {table} USING fresh WHERE {same}")  # noqa: S608 - one of _UNITS
    n = session.changed(f"INSERT INTO {table} SELECT * FROM fresh ORDER BY bucket", [])  # noqa: S608 - one of _UNITS
    session.execute("DROP TABLE fresh")
    return n


def _remove(session: Session, table: str, before: datetime, now: datetime) -> int:
    n = session.changed(f"DELETE FROM {table} WHERE {time_column(table)} < ?", [before])  # noqa: S608 - of TABLES
    known = _removed_before(session, table)
    if known is None or known < before:
        session.execute("DELETE FROM removed WHERE table_name = ?", [table])
        session.execute("INSERT INTO removed VALUES (?, ?, ?)", [table, before, now])
    return n


def _removed_before(session: Session, table: str) -> datetime | None:
    # As text: the engine gives times with a zone only where pytz is installed.
    rows = session.execute("SELECT CAST(max(before) AS TEXT) FROM removed WHERE table_name = ?", [table])
    return None if rows[0][0] is None else datetime.fromisoformat(rows[0][0])
