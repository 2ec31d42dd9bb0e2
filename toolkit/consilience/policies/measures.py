"""Events as rows of numbers, for a table of metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

from consilience.policies.events import Event, Listener

__all__ = ["Measure", "measured", "measures"]

_COMMON = {"source", "at"}


@dataclass(frozen=True, slots=True)
class Measure:
    """One number about one source.

    Parameters
    ----------
    at
        Seconds since 1970, when the event was told.
    source
        Name of the policy, cache or pool.
    name
        The kind of event and its field, such as ``"call finished: seconds"``.
    value
        The number.
    label
        What the event says in words, such as the outcome of a call.
    """

    at: float
    source: str
    name: str
    value: float
    label: str


def measures(event: Event, at: float) -> Iterator[Measure]:
    """Yield a row for each number of an event; an event without one counts as 1.

    Examples
    --------
    >>> from consilience.policies.events import CallFinished
    >>> for row in measures(CallFinished("openai", 12.0, 0.5, "ok", 2), at=1.0):
    ...     print(row.name, row.value, row.label)
    call finished: seconds 0.5 ok
    call finished: attempts 2.0 ok
    """
    own = {field.name: getattr(event, field.name) for field in fields(event) if field.name not in _COMMON}
    label = "; ".join(value for value in own.values() if isinstance(value, str))
    numbers = {
        f"{event.kind}: {name}": float(value) for name, value in own.items() if not isinstance(value, str)
    }
    for name, value in (numbers or {event.kind: 1.0}).items():
        yield Measure(at, event.source, name, value, label)


def measured(put: Callable[[Measure], object], *, wall: Callable[[], float] = time.time) -> Listener:
    """Return a listener that hands each event on as rows, to whatever gathers them for the store.

    Parameters
    ----------
    put
        Takes one row; it is called on the thread of the call that is told about, so it must not write by itself:
        give the ``put`` of a batcher.
    wall
        Seconds since 1970; events carry monotonic seconds, which mean nothing in a table.

    Examples
    --------
    >>> from consilience.policies import Events
    >>> from consilience.policies.events import Hedged
    >>> events, rows = Events(), []
    >>> stop = events.subscribe(measured(rows.append, wall=lambda: 1.0))
    >>> events.emit(Hedged("openai", at=12.5, after=2.0))
    >>> rows
    [Measure(at=1.0, source='openai', name='hedged: after', value=2.0, label='')]
    """

    def listen(event: Event) -> None:
        for row in measures(event, wall()):
            put(row)

    return listen
