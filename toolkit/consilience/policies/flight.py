"""Calls that are equal and under way at the same time run once, whoever of the callers leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Hashable
from contextlib import suppress
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar, cast

from consilience.errors import DeadlineExceeded, NestedAcquire
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.deadline import DEADLINE, Expiry, remaining
from consilience.policies.waiting import Waiter

__all__ = ["SingleFlight"]

T = TypeVar("T")
_LATE = "The deadline passed while a call that others share was still under way."
_INSIDE: ContextVar[tuple[_Work, ...]] = ContextVar("consilience_shared_calls", default=())


class SingleFlight:
    """Run one call for all who ask the same at the same time, over all loops and threads.

    The work runs in a task of its own on the loop of whoever asked first. A caller that is cancelled, or whose
    deadline passes, leaves the others alone; when all have left, the work is cancelled. When the loop of the work
    ends under it, those who wait elsewhere start it once again.

    Parameters
    ----------
    clock
        Measures the deadlines of those who wait.

    Examples
    --------
    >>> runs = []
    >>> async def expensive(x):
    ...     runs.append(x)
    ...     await asyncio.sleep(0)
    ...     return 2 * x
    >>> async def story():
    ...     flight = SingleFlight()
    ...     return await asyncio.gather(*(flight("key", expensive, 21) for _ in range(100)))
    >>> set(asyncio.run(story())), len(runs)
    ({42}, 1)
    """

    def __init__(self, *, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Work] = {}

    @property
    def n_running(self) -> int:
        """Different calls that are under way."""
        return len(self._flights)

    async def __call__(
        self, key: Hashable, function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any, **kwargs: Any
    ) -> T:
        """Await ``function(*args, **kwargs)``, or what another caller with an equal key has started.

        Raises
        ------
        DeadlineExceeded
            The deadline of this caller passed.
        NestedAcquire
            The call asks for itself.
        """
        while True:
            work, waiter = self._join(key, lambda: function(*args, **kwargs))
            try:
                with Expiry(self._clock, remaining(self._clock), DeadlineExceeded, _LATE):
                    await waiter.wait()
            finally:
                self._leave(key, work, waiter)
            if not work.lost:
                return cast("T", work.result())
            if work.loop is asyncio.get_running_loop():
                raise asyncio.CancelledError("the shared call was cancelled from inside")

    def _join(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[_Work, Waiter]:
        waiter = Waiter()
        with self._lock:
            work = self._flights.get(key)
            leads = work is None
            if work is None:
                self._flights[key] = work = _Work(asyncio.get_running_loop())
            elif work in _INSIDE.get():
                raise NestedAcquire(f"The shared call {key!r} asks for itself, and would wait for itself.")
            work.waiters[waiter] = None
        if leads:
            self._start(key, work, start)
        return work, waiter

    def _start(self, key: Hashable, work: _Work, start: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        context = copy_context()
        # the callers' deadlines bound their waiting, not the work that they share
        context.run(DEADLINE.set, None)
        context.run(_INSIDE.set, (*_INSIDE.get(), work))
        work.task = work.loop.create_task(start(), context=context)
        work.task.add_done_callback(lambda _: self._land(key, work))

    def _land(self, key: Hashable, work: _Work) -> None:
        with self._lock:
            work.landed = True
            if self._flights.get(key) is work:
                del self._flights[key]
            waiters = list(work.waiters)
        for waiter in waiters:
            waiter.call_up()
        if not work.lost:
            work.task.exception()  # looked at here, in case that everybody has left

    def _leave(self, key: Hashable, work: _Work, waiter: Waiter) -> None:
        with self._lock:
            del work.waiters[waiter]
            abandoned = not work.waiters and not work.landed
            if abandoned:
                # whoever comes next must not join what is about to stop
                del self._flights[key]
        if abandoned:
            with suppress(RuntimeError):  # the loop is closed, and the work with it
                work.loop.call_soon_threadsafe(work.task.cancel)


class _Work:
    """One call under way, and who waits for it."""

    __slots__ = ("landed", "loop", "task", "waiters")

    task: asyncio.Task[Any]

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiters: dict[Waiter, None] = {}
        self.landed = False

    @property
    def lost(self) -> bool:
        return self.task.cancelled()

    def result(self) -> object:
        return self.task.result()
