"""The figures of the overview, read from the store for all sessions at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from consilience.dashboards.thresholds import read_thresholds

if TYPE_CHECKING:
    import polars as pl

    from consilience.store import Store

__all__ = ["OPEN_REVIEWS", "Standing", "read_standing"]

# Recorded and scripted answers take no time, and a person's time is their own.
_ASKED = """
SELECT count(*) AS n,
    count(*) FILTER (WHERE outcome IN ('unparseable', 'timed out', 'circuit open', 'failed')) AS bad,
    percentile_cont(0.50) WITHIN GROUP (ORDER BY latency_s) AS p50,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_s) AS p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY latency_s) AS p99
FROM responses WHERE asked_at >= ? AND source NOT IN ('recorded', 'scripted', 'person')
"""
_HOURS = """
SELECT date_trunc('hour', asked_at) AS hour, count(*) AS n,
    percentile_cont(0.50) WITHIN GROUP (ORDER BY latency_s) AS p50,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_s) AS p95
FROM responses WHERE asked_at >= ? AND source NOT IN ('recorded', 'scripted', 'person')
GROUP BY 1 ORDER BY 1
"""
_COST = """
SELECT sum(cost_usd) FILTER (WHERE asked_at >= ?) AS today,
    count(*) FILTER (WHERE asked_at >= ? AND cost_usd IS NULL AND source = 'model') AS unknown,
    sum(cost_usd) FILTER (WHERE asked_at < ?) AS before,
    min(asked_at) FILTER (WHERE asked_at < ?) AS since
FROM responses WHERE asked_at >= ?
"""
_AGREEMENT = """
SELECT date_trunc('day', asked_at) AS day, avg(agreement) AS agreement, count(agreement) AS n
FROM verdicts WHERE asked_at >= ? AND agreement IS NOT NULL GROUP BY 1 ORDER BY 1
"""
OPEN_REVIEWS = """
WITH newest AS (
    SELECT question_id, asked_at, decision, degraded,
        row_number() OVER (PARTITION BY question_id ORDER BY decided_at DESC, id) AS nth
    FROM verdicts WHERE asked_at >= ?
), unsure AS (
    SELECT question_id, asked_at FROM newest
    WHERE nth = 1 AND (degraded OR decision IN ('tie', 'no majority', 'no answer', 'no quorum'))
), seen AS (
    SELECT DISTINCT question_id FROM responses
    WHERE asked_at >= ? AND source = 'person' AND outcome = 'answered'
)
SELECT count(*) AS n FROM unsure u LEFT JOIN seen s ON s.question_id = u.question_id WHERE s.question_id IS NULL
"""
"""Questions since a time (given twice) whose verdict is unsure and that no person has answered."""
_REUSED = """
SELECT sum(asked) AS asked, sum(reused) AS reused FROM (
    SELECT asked, reused, row_number() OVER (PARTITION BY run_id ORDER BY asked_at DESC, id) AS nth
    FROM runs WHERE asked_at >= ?
) AS told WHERE nth = 1
"""
_GAUGES = """
SELECT name, sum(value) AS total, avg(value) AS mean, max(value) AS most FROM metrics
WHERE asked_at >= ? AND name IN ('cache: hits', 'cache: misses', 'pool: use')
GROUP BY name
"""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the circle does; ``None`` where nothing is known.

    Parameters
    ----------
    n, bad
        Answers of the last 24 hours that were asked for, and those that failed.
    p50, p95, p99
        Their latency in seconds.
    cost, unknown
        USD since midnight UTC, and responses of models whose price is unknown.
    forecast
        USD by the end of the day, at the pace of the last seven days or of today.
    hit_rate
        Share of answers that needed no call, in the last 24 hours.
    pool_use
        Greatest share of a pool's connections in use, in the last hour.
    reviews
        Questions of the last 30 days that wait for a person.
    hours
        ``hour, n, p50, p95`` of the last 24 hours.
    days
        ``day, agreement, n`` of the last 30 days.
    limits
        The thresholds.
    """

    n: int
    bad: int
    p50: float | None
    p95: float | None
    p99: float | None
    cost: float | None
    unknown: int
    forecast: float | None
    hit_rate: float | None
    pool_use: float | None
    reviews: int
    hours: pl.DataFrame
    days: pl.DataFrame
    limits: dict[str, float | None]

    @property
    def error_rate(self) -> float | None:
        """Share of answers that failed."""
        return self.bad / self.n if self.n else None

    @property
    def agreement(self) -> float | None:
        """Mean agreement of the last seven days with any, by verdict."""
        last = self.days.tail(7)
        n = int(last["n"].sum())
        return float((last["agreement"] * last["n"]).sum()) / n if n else None

    def equals(self, other: Standing) -> bool:
        """Return whether all figures are the same."""
        frames = self.hours.equals(other.hours) and self.days.equals(other.days)
        plain = (
            "n",
            "bad",
            "p50",
            "p95",
            "p99",
            "cost",
            "unknown",
            "forecast",
            "hit_rate",
            "pool_use",
            "reviews",
            "limits",
        )
        return frames and all(getattr(self, name) == getattr(other, name) for name in plain)


def read_standing(store: Store, now: datetime | None = None) -> Standing:
    """Return the figures as of now; eight statements, each of which reads a span of time only."""
    now = now or datetime.now(UTC)
    day, week, month = now - _DAY, now - 7 * _DAY, now - 30 * _DAY
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    n, bad, p50, p95, p99 = store.read(_ASKED, day).row(0)
    today, unknown, before, since = store.read(_COST, midnight, midnight, midnight, midnight, week).row(0)
    gauges = {
        name: (total, most) for name, total, _, most in store.read(_GAUGES, now - _DAY / 24).iter_rows()
    }
    return Standing(
        n=n,
        bad=bad,
        p50=p50,
        p95=p95,
        p99=p99,
        cost=today,
        unknown=unknown,
        forecast=_forecast(today, before, since, midnight, now),
        hit_rate=_hit_rate(store.read(_REUSED, day).row(0), gauges),
        pool_use=gauges["pool: use"][1] if "pool: use" in gauges else None,
        reviews=store.read(OPEN_REVIEWS, month, month).item(),
        hours=store.read(_HOURS, day),
        days=store.read(_AGREEMENT, month),
        limits=read_thresholds(store),
    )


def _forecast(
    today: float | None, before: float | None, since: datetime | None, midnight: datetime, now: datetime
) -> float | None:
    """Return today's cost by midnight: what was spent, and for the hours left the pace of the week before.

    Examples
    --------
    >>> noon = datetime(2026, 1, 8, 12, tzinfo=UTC)
    >>> midnight = noon.replace(hour=0)
    >>> _forecast(2.0, 24.0, midnight - _DAY, midnight, noon)
    14.0
    >>> _forecast(2.0, None, None, midnight, noon)
    4.0
    """
    hour = timedelta(hours=1)
    left = (midnight + _DAY - now) / hour
    if before is not None and since is not None:
        return (today or 0.0) + before / max((midnight - since) / hour, 1.0) * left
    if today is None:
        return None
    return today + today / max((now - midnight) / hour, 1.0) * left


def _hit_rate(runs: tuple[int | None, int | None], gauges: dict[str, tuple[float, float]]) -> float | None:
    # an engine's sum of integers is a decimal
    asked, reused = (float(told or 0) for told in runs)
    hits = gauges.get("cache: hits", (0.0, 0.0))[0] + reused
    misses = gauges.get("cache: misses", (0.0, 0.0))[0] + asked
    return hits / (hits + misses) if hits + misses else None
