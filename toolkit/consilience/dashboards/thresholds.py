"""What counts as too much: thresholds that operators set, kept in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from consilience.errors import InvalidInput
from consilience.models.identifiers import new_id

if TYPE_CHECKING:
    from consilience.store import Store

__all__ = ["THRESHOLDS", "Threshold", "read_thresholds", "set_thresholds"]

_PREFIX = "threshold: "
_NEWEST = """
SELECT name, value FROM (
    SELECT name, value, row_number() OVER (PARTITION BY name ORDER BY asked_at DESC, id) AS nth FROM settings
) AS told WHERE nth = 1
"""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit beside a figure of the overview.

    Parameters
    ----------
    name
        Under which it is kept.
    title
        What a person reads.
    unit
        Of the limit.
    default
        Until somebody sets another one; ``None`` for no limit.
    least
        Whether the figure should be at least this, instead of at most.
    """

    name: str
    title: str
    unit: str
    default: float | None
    least: bool = False

    def crossed(self, value: float | None, limit: float | None) -> bool:
        """Return whether a figure is beyond the limit; an unknown one is not.

        Examples
        --------
        >>> Threshold("latency", "Latency", "s", 10.0).crossed(12.0, 10.0)
        True
        """
        if value is None or limit is None:
            return False
        return value < limit if self.least else value > limit


THRESHOLDS: Mapping[str, Threshold] = {
    each.name: each
    for each in (
        Threshold("latency", "Latency p95 at most", "s", 10.0),
        Threshold("errors", "Error rate at most", "%", 5.0),
        Threshold("cache", "Cache hit rate at least", "%", None, least=True),
        Threshold("pool", "Pool use at most", "%", 80.0),
        Threshold("cost", "Cost a day at most", "USD", None),
        Threshold("agreement", "Mean agreement at least", "0 to 1", None, least=True),
        Threshold("reviews", "Open reviews at most", "questions", 50.0),
    )
}


def read_thresholds(store: Store) -> dict[str, float | None]:
    """Return each limit, as it was set last or by default; one statement."""
    told = {
        name.removeprefix(_PREFIX): value
        for name, value in store.read(_NEWEST).iter_rows()
        if name.startswith(_PREFIX)
    }
    return {
        name: (float(told[name]) if told[name] else None) if name in told else each.default
        for name, each in THRESHOLDS.items()
    }


def set_thresholds(store: Store, limits: Mapping[str, float | None], person: str) -> None:
    """Keep limits; ``None`` for no limit. They hold for everybody from the next look on.

    Raises
    ------
    InvalidInput
        There is no such threshold, or a limit is below 0.
    StoreError
        They cannot be written.
    """
    from consilience.store.rows import Bundle

    for name, limit in limits.items():
        if name not in THRESHOLDS:
            raise InvalidInput(f"A threshold is one of {', '.join(THRESHOLDS)}; {name!r} came.")
        if limit is not None and not limit >= 0:
            raise InvalidInput(f"{THRESHOLDS[name].title} takes a number from 0 up, {limit!r} came.")
    now = datetime.now(UTC)
    rows = [
        (new_id(), now, _PREFIX + name, "" if limit is None else repr(float(limit)), person)
        for name, limit in limits.items()
    ]
    store.write(Bundle({"settings": rows}))
