"""A circuit breaker: stop asking what fails, and find out with few calls when it is well again.

States and names follow Nygard, "Release It!" (2007), and resilience4j. What differs from the published Python
breakers: the lock is never held during a call, each permit carries the generation of the state that gave it, and a
permit that is given back without a result (cancelled, excluded) leaves the state as it was.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from consilience.errors import CircuitOpen
from consilience.policies.breaker_settings import BreakerSettings, BreakerState, Transition
from consilience.policies.cards import BreakerDisplayed
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.events import EVENTS, BreakerChanged, Events
from consilience.policies.judgement import Classifier, Judgement, judge
from consilience.policies.windows import FAILED, SLOW, Window

__all__ = ["Breaker", "Guard"]

T = TypeVar("T")
_HISTORY = 100


class Guard:
    """A block whose end a breaker judges."""

    __slots__ = ("_breaker", "_permit", "_started")

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker

    def __enter__(self) -> None:
        self._permit = self._breaker.acquire()
        self._started = self._breaker.clock.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._breaker.record(self._permit, error, self._breaker.clock.monotonic() - self._started)


class Breaker(BreakerDisplayed):
    """Counts results and refuses calls while the other side is unwell; from any loop and thread.

    Parameters
    ----------
    name
        Stands in messages and events.
    settings
        When it opens and closes; see `BreakerSettings` for the defaults.
    classify
        What an error means; see `judge` for the default.
    clock, events
        Where time comes from and changes go.

    Examples
    --------
    >>> from consilience.policies import ManualClock
    >>> clock = ManualClock()
    >>> breaker = Breaker("openai", BreakerSettings(consecutive=2, open_for=30), clock=clock)
    >>> for _ in range(2):
    ...     breaker.failure(breaker.acquire())
    >>> breaker.state
    <BreakerState.OPEN: 'open'>
    >>> clock.advance(30)
    >>> breaker.success(breaker.acquire())
    >>> [str(change.after) for change in breaker.history]
    ['open', 'half-open', 'closed']
    """

    def __init__(
        self,
        name: str,
        settings: BreakerSettings | None = None,
        *,
        classify: Classifier = judge,
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
    ) -> None:
        self.name = name
        self.history: deque[Transition] = deque(maxlen=_HISTORY)
        self._settings = settings or BreakerSettings()
        self._classify = classify
        self.clock = clock
        self._events = events
        self._lock = threading.Lock()
        self._window = self._settings.make_window()
        self._state = BreakerState.CLOSED
        self._forced = False
        self._generation = 0
        # the generation to hand out without looking further; None unless closed
        self._passing: int | None = 0
        self._row = self._trips = self._probing = self._probed = 0
        self._until = 0.0
        self._why = ""

    def __repr__(self) -> str:
        window = self._window
        return f"<Breaker {self.name!r}: {self._state}, {window.failures} of {window.calls} failed>"

    @property
    def state(self) -> BreakerState:
        """The state; *open* also when the next call would be a probe."""
        return self._state

    @property
    def window(self) -> Window:
        """The counts of the last calls."""
        with self._lock:
            self._window.expire(self.clock.monotonic())
            return self._window

    @property
    def settings(self) -> BreakerSettings:
        """When it opens and closes."""
        return self._settings

    def configure(self, settings: BreakerSettings, classify: Classifier = judge) -> None:
        """Change settings and classifier. The state stays; a window of another length starts empty."""
        with self._lock:
            self._classify = classify
            if (settings.window, settings.over) != (self._settings.window, self._settings.over):
                self._window = settings.make_window()
            self._settings = settings

    def acquire(self) -> int:
        """Return a permit, to be given back once to `success`, `failure` or `release`.

        Raises
        ------
        CircuitOpen
            The breaker is open, or half-open and all probes are out.
        """
        passing = self._passing
        return passing if passing is not None else self._probe()

    @property
    def passing(self) -> bool:
        """Whether every call passes: it is closed."""
        return self._passing is not None

    def refusing(self) -> bool:
        """Whether `acquire` would raise because it is open; take nothing."""
        return self._state is BreakerState.OPEN and self.clock.monotonic() < self._until

    def refusal(self) -> CircuitOpen:
        """Return the error to raise while it is `refusing`."""
        error = CircuitOpen(self._why)
        if self._until != math.inf:
            error.retry_after = max(0.0, self._until - self.clock.monotonic())
        return error

    def holds(self, permit: int) -> bool:
        """Whether the state is still the one that gave the permit."""
        return permit == self._generation

    def success(self, permit: int, seconds: float = 0.0) -> None:
        """Count a call that went well after so many seconds."""
        with self._lock:
            if permit != self._generation:
                return
            if self._passing is None:
                change = self._probe_passed()
            else:
                self._row = 0
                slow = seconds >= self._settings.slow_after
                self._window.add(self.clock.monotonic(), SLOW if slow else 0)
                change = self._judge_rates() if slow else None
        self._tell(change)

    def failure(self, permit: int, seconds: float = 0.0) -> None:
        """Count a call that failed after so many seconds."""
        with self._lock:
            if permit != self._generation:
                return
            change: Transition | None
            if self._passing is None:
                change = self._probe_failed()
            else:
                self._row += 1
                slow = SLOW if seconds >= self._settings.slow_after else 0
                self._window.add(self.clock.monotonic(), FAILED | slow)
                change = self._judge_rates()
        self._tell(change)

    def release(self, permit: int) -> None:
        """Give a permit back without a result: the call was cancelled, or says nothing about the other side."""
        with self._lock:
            if permit == self._generation and self._state is BreakerState.HALF_OPEN:
                self._probing -= 1

    def record(self, permit: int, error: BaseException | None, seconds: float = 0.0) -> None:
        """Give a permit back with what came of the call, judged by the classifier."""
        if error is None:
            self.success(permit, seconds)
            return
        try:
            failed = self._classify(error) is Judgement.FAILURE
        except BaseException:  # a probe that is not given back would be the last one
            self.release(permit)
            raise
        if failed:
            self.failure(permit, seconds)
        else:
            self.release(permit)

    def guard(self) -> Guard:
        """Judge a block: ``with breaker.guard(): ...``."""
        return Guard(self)

    async def __call__(
        self, function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any, **kwargs: Any
    ) -> T:
        """Await a coroutine function under the breaker."""
        with self.guard():
            return await function(*args, **kwargs)

    def force_open(self, reason: str = "forced by hand") -> None:
        """Let nothing pass until `reset`."""
        self._force(BreakerState.OPEN, reason)

    def force_closed(self, reason: str = "forced by hand") -> None:
        """Let everything pass, whatever comes of it, until `reset`."""
        self._force(BreakerState.CLOSED, reason)

    def reset(self, reason: str = "reset by hand") -> None:
        """Close, forget the window and how often it opened, and judge by itself again."""
        with self._lock:
            self._forced = False
            self._trips = 0
            change = self._go(BreakerState.CLOSED, reason)
        self._tell(change)

    def _force(self, state: BreakerState, reason: str) -> None:
        with self._lock:
            self._forced = True
            self._until = math.inf
            change = self._go(state, reason)
        self._tell(change)

    def _probe(self) -> int:
        change: Transition | None = None
        with self._lock:
            if self._passing is not None:  # closed since the caller looked
                return self._passing
            if self._state is BreakerState.OPEN:
                if self.refusing():
                    raise self.refusal()
                change = self._go(BreakerState.HALF_OPEN, f"open for {self._open_seconds():g} s")
            if self._probing + self._probed >= self._settings.probes:
                raise CircuitOpen(self._why)
            self._probing += 1
            permit = self._generation
        self._tell(change)
        return permit

    def _probe_passed(self) -> Transition | None:
        self._probing -= 1
        self._probed += 1
        if self._probed < self._settings.probes:
            return None
        self._trips = 0
        return self._go(BreakerState.CLOSED, f"{self._probed} of {self._settings.probes} probes succeeded")

    def _probe_failed(self) -> Transition:
        return self._trip("a probe failed")

    def _judge_rates(self) -> Transition | None:
        reason = None if self._forced else self._reason()
        return self._trip(reason) if reason else None

    def _reason(self) -> str | None:
        wanted, window = self._settings, self._window
        if wanted.consecutive is not None and self._row >= wanted.consecutive:
            return f"{self._row} failures in a row"
        if window.calls < wanted.minimum:
            return None
        if wanted.failure_rate is not None and window.failures >= wanted.failure_rate * window.calls:
            return f"{window.failures} of {window.calls} calls failed"
        if wanted.slow_rate is not None and window.slow >= wanted.slow_rate * window.calls:
            return f"{window.slow} of {window.calls} calls took {wanted.slow_after:g} s or longer"
        return None

    def _trip(self, reason: str) -> Transition:
        self._trips += 1
        self._until = self.clock.monotonic() + self._open_seconds()
        return self._go(BreakerState.OPEN, reason)

    def _open_seconds(self) -> float:
        wanted = self._settings
        doublings = min(self._trips - 1, 60)  # beyond, the cap has long been reached
        return min(wanted.open_for * 2.0**doublings, max(wanted.open_for, wanted.open_at_most))

    def _go(self, state: BreakerState, reason: str) -> Transition:
        change = Transition(self.clock.monotonic(), self._state, state, reason)
        self.history.append(change)
        self._state = state
        self._generation += 1
        self._passing = self._generation if state is BreakerState.CLOSED else None
        self._row = self._probing = self._probed = 0
        self._window.clear()
        if state is BreakerState.OPEN:
            self._why = self._explain(reason)
        return change

    def _explain(self, reason: str) -> str:
        if self._forced:
            return f"The circuit {self.name!r} is held open ({reason}): close it with reset()."
        return (
            f"The circuit {self.name!r} opened: {reason}. After {self._open_seconds():g} s a probe finds out whether "
            f"it is well again; until then wait, give a fallback, or call reset()."
        )

    def _tell(self, change: Transition | None) -> None:
        if change is not None and self._events.listeners:
            self._events.emit(
                BreakerChanged(self.name, change.at, change.before, change.after, change.reason)
            )
