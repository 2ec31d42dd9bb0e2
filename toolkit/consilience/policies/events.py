"""What happens to calls, as records that others listen to.

A policy writes no metrics and no logs. It emits frozen records; exporters, the store and notebooks subscribe. A
listener is called on the thread on which the event happened, so it has to be quick and must not block.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

__all__ = [
    "EVENTS",
    "BreakerChanged",
    "CallFinished",
    "Event",
    "Events",
    "Hedged",
    "LimitChanged",
    "Listener",
    "Retrying",
    "Throttled",
    "subscribe",
]

_log = logging.getLogger("consilience.policies")


@dataclass(frozen=True, slots=True)
class Event:
    """What every event tells.

    Parameters
    ----------
    source
        Name of the policy, cache or pool where it happened.
    at
        Monotonic seconds by the clock of the source.
    """

    kind: ClassVar[str] = "event"

    source: str
    at: float


@dataclass(frozen=True, slots=True)
class CallFinished(Event):
    """A call ended, with whatever came of it.

    Parameters
    ----------
    seconds
        From the call to its end, waiting included.
    outcome
        ``"ok"``, or the name of the error's class.
    attempts
        How often the function was called; 0 when the call was turned away.
    """

    kind: ClassVar[str] = "call finished"

    seconds: float
    outcome: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Retrying(Event):
    """An attempt failed and another one follows.

    Parameters
    ----------
    attempt
        Number of the attempt that failed, from 1.
    delay
        Seconds until the next one.
    reason
        Name of the error's class.
    """

    kind: ClassVar[str] = "retrying"

    attempt: int
    delay: float
    reason: str


@dataclass(frozen=True, slots=True)
class Hedged(Event):
    """A second attempt was started beside one that takes long.

    Parameters
    ----------
    after
        Seconds that the first one had run.
    """

    kind: ClassVar[str] = "hedged"

    after: float


@dataclass(frozen=True, slots=True)
class BreakerChanged(Event):
    """A breaker went from one state to another.

    Parameters
    ----------
    before, after
        ``"closed"``, ``"open"`` or ``"half-open"``.
    reason
        Why, in words.
    """

    kind: ClassVar[str] = "breaker changed"

    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class Throttled(Event):
    """The other side said that it gets too much, and the limiter slows down.

    Parameters
    ----------
    pause
        Seconds for which nothing is sent.
    share
        Share of the configured rate that is used from now on, 0 to 1.
    """

    kind: ClassVar[str] = "throttled"

    pause: float
    share: float


@dataclass(frozen=True, slots=True)
class LimitChanged(Event):
    """An adaptive concurrency limit moved.

    Parameters
    ----------
    limit
        Calls that may run at once from now on.
    """

    kind: ClassVar[str] = "limit changed"

    limit: int


Listener = Callable[[Event], object]


class Events:
    """Where records are emitted and subscribed to.

    Attributes
    ----------
    listeners
        Who listens; a source may look here and make no record when nobody does.

    Examples
    --------
    >>> events, seen = Events(), []
    >>> stop = events.subscribe(seen.append)
    >>> events.emit(Hedged("openai", at=12.5, after=2.0))
    >>> stop()
    >>> events.emit(Hedged("openai", at=13.5, after=2.0))
    >>> seen
    [Hedged(source='openai', at=12.5, after=2.0)]
    """

    def __init__(self) -> None:
        self.listeners: tuple[Listener, ...] = ()
        self._failed: list[Listener] = []
        self._lock = threading.Lock()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call the listener with every event from now on.

        A listener that raises harms no call: its first error is logged under ``consilience.policies``, and it is
        called again for the next event.

        Returns
        -------
        Callable
            Ends the subscription; calling it again changes nothing.
        """
        with self._lock:
            self.listeners = (*self.listeners, listener)
        return partial(self._stop, [listener])

    def emit(self, event: Event) -> None:
        """Give the event to everybody who listens."""
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - a listener is foreign code, and a call must not fail for it
                self._report(listener, event)

    def _stop(self, subscribed: list[Listener]) -> None:
        with self._lock:
            while subscribed:
                listener, listeners = subscribed.pop(), list(self.listeners)
                listeners.remove(listener)
                self.listeners = tuple(listeners)
                if listener in self._failed:
                    self._failed.remove(listener)

    def _report(self, listener: Listener, event: Event) -> None:
        with self._lock:
            if listener in self._failed:
                return
            self._failed.append(listener)
        _log.exception(
            "The subscriber %r failed on %r: the call is not affected, and its later errors are not reported.",
            listener,
            event,
        )


EVENTS = Events()


def subscribe(listener: Listener) -> Callable[[], None]:
    """Call the listener with every event of every policy of this process, as `Events.subscribe` does."""
    return EVENTS.subscribe(listener)
