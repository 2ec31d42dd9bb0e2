"""Moments as people say them, with the exact one on hover."""

from __future__ import annotations

from datetime import UTC, datetime

from consilience.markup.html import Html, escape

_STEPS = (
    (60, 1, "s"),
    (3_600, 60, "min"),
    (86_400, 3_600, "h"),
    (30 * 86_400, 86_400, "d"),
    (365 * 86_400, 30 * 86_400, "months"),
    (float("inf"), 365 * 86_400, "years"),
)


def ago(when: datetime, now: datetime) -> str:
    """Return how long ago a moment was.

    Examples
    --------
    >>> from datetime import timedelta
    >>> now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    >>> [ago(now - timedelta(seconds=s), now) for s in (0, 42, 600, 90_000, -60)]
    ['now', '42 s ago', '10 min ago', '1 d ago', 'in 1 min']
    """
    seconds = (now - when).total_seconds()
    size = abs(seconds)
    if size < 1:
        return "now"
    unit, name = next((unit, name) for limit, unit, name in _STEPS if size < limit)
    n = int(size // unit)
    word = name.rstrip("s") if n == 1 and len(name) > 3 else name
    return f"{n} {word} ago" if seconds > 0 else f"in {n} {word}"


def moment(when: datetime, now: datetime | None = None) -> Html:
    """Return a moment relative to now; a front end shows the exact one, in UTC, on hover.

    A time without a zone is taken for UTC, in which stores write.
    """
    zoned = when if when.tzinfo else when.replace(tzinfo=UTC)
    exact = zoned.astimezone(UTC)
    said = ago(exact, now or datetime.now(UTC))
    return Html(
        f"<time datetime='{exact.isoformat()}' title='{exact:%Y-%m-%d %H:%M:%S} UTC'>{escape(said)}</time>"
    )
