"""Time as a dependency: a monotonic clock that sleeps and sets timers, and a manual one for tests.

The system clock keeps one queue of timers for each loop and duration. Timers of one duration expire in the order in
which they started, so one timer of the loop, set for the oldest, serves them all: starting and stopping one costs a
dictionary entry, where ``asyncio.timeout`` costs a timer of the loop each (Varghese and Lauck, "Hashed and
Hierarchical Timing Wheels", 1987, scheme 1).
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from consilience.errors import InvalidInput

__all__ = ["SYSTEM", "Clock", "ManualClock", "SystemClock", "Timer"]

# After each moment that a manual clock reaches, tasks get this many turns: more than any chain of awaits here needs.
_TURNS = 64


class Timer:
    """Something that happens once, on the loop on which it was started, unless it is stopped before.

    Attributes
    ----------
    due
        When it expires, in the clock's monotonic seconds; set by the clock.
    slot
        The clock's own note of where the timer waits.
    """

    __slots__ = ("due", "slot")

    due: float
    slot: object

    def expire(self) -> None:
        """Do what is to be done; called on the loop's thread."""
        raise NotImplementedError


class Clock(Protocol):
    """What the policies need to know of time. Seconds are monotonic: no step of the wall clock moves them."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never less than before."""

    async def sleep(self, seconds: float) -> None:
        """Sleep; cancellation ends it."""

    def start(self, timer: Timer, seconds: float, *, shared: bool = True) -> None:
        """Let the timer expire after so many seconds.

        ``shared`` is for durations that come again and again, ``shared=False`` for one that comes once.
        """

    def stop(self, timer: Timer) -> None:
        """Forget the timer; nothing happens when it has expired."""


class SystemClock:
    """The monotonic clock of the operating system, with the sleep and the timers of the running loop.

    Examples
    --------
    >>> clock = SystemClock()
    >>> clock.monotonic() <= clock.monotonic()
    True
    """

    def __init__(self) -> None:
        self.monotonic: Callable[[], float] = time.monotonic
        self._queues: dict[asyncio.AbstractEventLoop, dict[float, _TimerQueue]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "SystemClock()"

    async def sleep(self, seconds: float) -> None:
        """Sleep on the running loop."""
        await asyncio.sleep(seconds)

    def start(self, timer: Timer, seconds: float, *, shared: bool = True) -> None:
        """Let the timer expire on the running loop after so many seconds."""
        loop = asyncio.get_running_loop()
        timer.due = time.monotonic() + seconds
        if not shared:
            timer.slot = loop.call_later(seconds, timer.expire)
            return
        try:
            queue = self._queues[loop][seconds]
        except KeyError:
            queue = self._queue(loop, seconds)
        timer.slot = queue
        queue.timers[timer] = None
        if not queue.armed:
            queue.arm(timer.due)

    def stop(self, timer: Timer) -> None:
        """Forget the timer."""
        slot = timer.slot
        if slot.__class__ is _TimerQueue:
            slot.timers.pop(timer, None)
        else:
            assert isinstance(slot, asyncio.Handle)
            slot.cancel()

    def _queue(self, loop: asyncio.AbstractEventLoop, seconds: float) -> _TimerQueue:
        with self._lock:
            for closed in [known for known in self._queues if known.is_closed()]:
                del self._queues[closed]
            return self._queues.setdefault(loop, {}).setdefault(seconds, _TimerQueue(loop))


class _TimerQueue:
    """Timers of one duration on one loop, the oldest first; only that loop's thread touches them."""

    __slots__ = ("armed", "loop", "timers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.timers: dict[Timer, None] = {}
        self.armed = False

    def arm(self, due: float) -> None:
        self.armed = True
        self.loop.call_later(due - time.monotonic(), self.sweep)

    def sweep(self) -> None:
        self.armed = False
        while self.timers:
            timer = next(iter(self.timers))
            if timer.due > time.monotonic():
                self.arm(timer.due)
                return
            del self.timers[timer]
            timer.expire()


SYSTEM = SystemClock()


class ManualClock:
    """A clock that stands still until it is moved: the double for tests, from any thread.

    Parameters
    ----------
    now
        Seconds at which it starts.

    Examples
    --------
    >>> clock = ManualClock()
    >>> clock.advance(90)
    >>> clock.monotonic()
    90.0

    Tasks that sleep on it are woken in the order of their moments, without waiting:

    >>> async def doze(seconds):
    ...     await clock.sleep(seconds)
    ...     return clock.monotonic()
    >>> async def story():
    ...     tasks = [asyncio.create_task(doze(seconds)) for seconds in (20, 10)]
    ...     await clock.run_for(60)
    ...     return [task.result() for task in tasks]
    >>> asyncio.run(story())
    [110.0, 100.0]
    """

    def __init__(self, now: float = 0.0) -> None:
        self._now = float(now)
        self._lock = threading.Lock()
        self._waiting: list[_Entry] = []
        self._numbers = itertools.count()

    def __repr__(self) -> str:
        return f"ManualClock({self._now:g})"

    def monotonic(self) -> float:
        """Return the seconds that this clock shows."""
        return self._now

    @property
    def n_waiting(self) -> int:
        """Sleepers and timers that wait for a moment to come."""
        with self._lock:
            return len(self._waiting)

    async def sleep(self, seconds: float) -> None:
        """Sleep until the clock was moved that far; 0 or less only lets other tasks run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper = _Sleeper(asyncio.get_running_loop().create_future())
        self.start(sleeper, seconds)
        try:
            await sleeper.future
        finally:
            self.stop(sleeper)

    def start(self, timer: Timer, seconds: float, *, shared: bool = True) -> None:  # noqa: ARG002 - one heap holds both kinds
        """Let the timer expire on the running loop when the clock was moved that far."""
        loop = asyncio.get_running_loop()
        with self._lock:
            timer.due = self._now + seconds
            timer.slot = entry = (timer.due, next(self._numbers), loop, timer)
            heapq.heappush(self._waiting, entry)

    def stop(self, timer: Timer) -> None:
        """Forget the timer."""
        with self._lock, suppress(ValueError):
            entry, timer.slot = timer.slot, None
            self._waiting.remove(entry)  # type: ignore[arg-type]
            heapq.heapify(self._waiting)

    def advance(self, seconds: float) -> None:
        """Move the clock and wake what is due, in order; the tasks run when their loops come to them."""
        end = self._end(seconds)
        while self._reach(end):
            pass

    async def run_for(self, seconds: float) -> None:
        """Move the clock from one due moment to the next, and let the tasks of this loop run at each."""
        end = self._end(seconds)
        await _settle()
        while self._reach(end):
            await _settle()

    def _end(self, seconds: float) -> float:
        if not seconds >= 0:
            raise InvalidInput(
                f"A monotonic clock moves forward: seconds of 0 or more are required, {seconds} came."
            )
        return self._now + seconds

    def _reach(self, end: float) -> bool:
        """Go to the next due moment up to `end` and expire one timer; False when none is left."""
        with self._lock:
            if not self._waiting or self._waiting[0][0] > end:
                self._now = max(self._now, end)
                return False
            entry = heapq.heappop(self._waiting)
            self._now = max(self._now, entry[0])
        with suppress(RuntimeError):  # the loop was closed: nobody waits there any more
            entry[2].call_soon_threadsafe(_expire, entry)
        return True


_Entry = tuple[float, int, asyncio.AbstractEventLoop, Timer]


class _Sleeper(Timer):
    __slots__ = ("future",)

    def __init__(self, future: asyncio.Future[None]) -> None:
        self.future = future

    def expire(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


async def _settle() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _expire(entry: _Entry) -> None:
    timer = entry[3]
    if timer.slot is entry:  # not stopped since the clock was moved
        timer.expire()
