"""Items one by one, work in batches: by number or by time, whichever comes first."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import logging
import os
import random
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sized
from concurrent.futures import Future
from typing import Any, Generic, Literal, Self, TypeVar, cast

from consilience.errors import CallError, DeadlineExceeded, InvalidInput, LoopError, QueueFull
from consilience.kernels.threads import wait_for_news
from consilience.loop import background, call_in_thread
from consilience.policies.batch_events import BatchFailed, BatchFlushed
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.deadline import Expiry, remaining
from consilience.policies.events import EVENTS, Events
from consilience.policies.waiting import Waiter

__all__ = ["Batcher"]

T = TypeVar("T")

_log = logging.getLogger("consilience.policies")
_CLOSING_ATTEMPTS = 3


class Batcher(Generic[T]):
    """Collects items and flushes them together, when there are enough or the oldest has waited long enough.

    Items may come from any thread. Batches go one after another, in order, on the package's background loop. A flush
    that fails is tried again until it works, so a batch may be seen twice and is never left out; what comes meanwhile
    waits in the buffer. At the end of the process what is left is flushed.

    Parameters
    ----------
    flush
        Takes a list of items; a coroutine function, or a plain one, which runs in a thread.
    size
        Items in a batch at most.
    interval
        Seconds that an item waits at most before its batch is flushed.
    capacity
        Items that are held at most, those of a batch that fails included.
    full
        What happens to an item that comes when it is full: it waits for room (``"wait"``), or `QueueFull` is raised
        (``"raise"``). Nothing is ever dropped.
    first, longest
        Seconds that bound the random wait after a failure: the first time, doubled each further time, up to the
        second.
    name
        Stands in messages and events.
    clock, events
        Where time comes from, and where `BatchFlushed` and `BatchFailed` go.
    draw
        Random numbers from 0 to 1 that spread the waits.

    Raises
    ------
    InvalidInput
        A setting is out of its range.

    Examples
    --------
    >>> written = []
    >>> with Batcher(written.append, size=2, full="wait") as batcher:
    ...     for number in range(5):
    ...         batcher.put_sync(number)
    >>> written
    [[0, 1], [2, 3], [4]]
    """

    def __init__(  # noqa: PLR0913 - when, how many, what if not, and what tests put in their place
        self,
        flush: Callable[[list[T]], object],
        *,
        full: Literal["wait", "raise"],
        size: int = 500,
        interval: float = 1.0,
        capacity: int = 10_000,
        first: float = 0.5,
        longest: float = 30.0,
        name: str = "batcher",
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
        draw: Callable[[], float] = random.random,
    ) -> None:
        if not 1 <= size <= capacity:
            raise InvalidInput(f"1 <= size <= capacity is required, {size} and {capacity} came.")
        if min(interval, first, longest) <= 0:
            raise InvalidInput(
                f"interval, first and longest are seconds above 0, {interval}, {first} and {longest} came."
            )
        if full not in ("wait", "raise"):
            raise InvalidInput(f"full is 'wait' or 'raise', {full!r} came.")
        self.name = name
        self._flush, self._size, self._interval = flush, size, interval
        self._capacity, self._full = capacity, full
        self._first, self._longest, self._draw = first, longest, draw
        self._clock, self._events = clock, events
        self._items: deque[_Item[T]] = deque()
        self._room = threading.Condition()
        self._waiters: deque[Waiter] = deque()
        self._running: Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._enough = self._hurry = asyncio.Event()
        self._closed = False
        _alive.add(self)

    def __repr__(self) -> str:
        state = ", closed" if self._closed else ""
        return f"<Batcher {self.name!r}: {len(self._items)} of {self._capacity} items wait{state}>"

    @property
    def pending(self) -> int:
        """Items that were not flushed yet."""
        return len(self._items)

    async def put(self, item: T) -> None:
        """Add an item; when it is full, do as `full` says.

        Raises
        ------
        QueueFull
            It is full, and nobody is to wait.
        CallError
            It is closed.
        """
        await self._put(_Item(self._clock.monotonic(), item))

    async def ask(self, item: T) -> Any:
        """Add an item, and return what its flush returned for it: one result for each item, in their order.

        Raises
        ------
        DeadlineExceeded
            The surrounding deadline passed; the item goes with its batch all the same.
        QueueFull, CallError
            As in `put`.
        """
        waiting = _Item(self._clock.monotonic(), item, Future[Any]())
        late = f"The deadline passed before {self.name!r} flushed an item."
        with Expiry(self._clock, remaining(self._clock), DeadlineExceeded, late):
            await self._put(waiting)
            assert waiting.result is not None
            return await asyncio.wrap_future(waiting.result)

    def put_sync(self, item: T) -> None:
        """Do as `put` in any thread, without a loop.

        Raises
        ------
        LoopError
            It is full, and the background loop, which makes room, would wait for itself.
        """
        entry = _Item(self._clock.monotonic(), item)
        with self._room:
            while not self._try_put(entry):
                if background.is_current():
                    raise LoopError(
                        f"{self!r} is full, and put_sync on the background loop would wait for itself: await put()."
                    )
                wait_for_news(self._room)
        self._wake()

    def close(self) -> None:
        """Flush what is left and take no more. A second call tries again what could not be flushed.

        Raises
        ------
        Exception
            What the flush raised at its third attempt. What it did not take is still held.
        """
        background.wait_sync(self._close())

    async def aclose(self) -> None:
        """Do as `close`, on any loop."""
        await background.wait(self._close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _put(self, entry: _Item[T]) -> None:
        while True:
            with self._room:
                if self._try_put(entry):
                    break
                waiter = Waiter()
                self._waiters.append(waiter)
            await waiter.wait()
        self._wake()

    def _try_put(self, entry: _Item[T]) -> bool:
        """Add an item if there is room; the caller holds the lock."""
        if self._closed:
            raise CallError(f"{self!r} takes no more items: make a new one.")
        if len(self._items) >= self._capacity:
            if self._full == "raise":
                raise QueueFull(
                    f"{len(self._items)} items wait to be flushed by {self.name!r}, and more than {self._capacity} may "
                    f"not: come slower, raise the capacity, or say full='wait'."
                )
            return False
        self._items.append(entry)
        return True

    def _wake(self) -> None:
        """See to it that somebody flushes, at once when there is enough."""
        with self._room:
            if self._running is None and self._items:
                self._running = background.submit(self._run())
            elif len(self._items) == self._size and self._loop is not None:
                self._loop.call_soon_threadsafe(self._enough.set)

    async def _run(self) -> None:
        """Flush until nothing is left."""
        self._loop = asyncio.get_running_loop()
        self._enough = asyncio.Event()
        self._hurry = asyncio.Event()
        if self._closed:
            self._hurry.set()
        try:
            while not self._is_done():
                await self._gather()
                await self._flush_first()
        except BaseException:  # also a cancellation: the next item starts another loop
            with self._room:
                self._running = self._loop = None
            raise

    def _is_done(self) -> bool:
        with self._room:
            if self._items:
                return False
            # Under the same lock as a put, which finds that nobody flushes and starts again.
            self._running = self._loop = None
            return True

    async def _gather(self) -> None:
        """Wait until there is enough, or the oldest item has waited for the interval."""
        self._enough.clear()
        left = self._items[0].at + self._interval - self._clock.monotonic()
        if len(self._items) < self._size and left > 0:
            await self._pause(left, self._enough, self._hurry)

    async def _flush_first(self) -> None:
        batch = [self._items[n] for n in range(min(self._size, len(self._items)))]
        started = self._clock.monotonic()
        returned = await self._insist([entry.value for entry in batch])
        with self._room:
            for _ in batch:
                self._items.popleft()
            self._call_up()
        self._answer(batch, returned)
        now = self._clock.monotonic()
        self._events.emit(BatchFlushed(self.name, now, len(batch), now - started))

    def _call_up(self) -> None:
        """Let everybody who waits for room look again; the caller holds the lock."""
        self._room.notify_all()
        while self._waiters:
            self._waiters.popleft().call_up()

    def _answer(self, batch: list[_Item[T]], returned: object) -> None:
        asking = [(n, entry.result) for n, entry in enumerate(batch) if entry.result is not None]
        if not asking:
            return
        n_results = len(returned) if isinstance(returned, Sized) else 0
        results = list(cast("Iterable[object]", returned)) if n_results == len(batch) else []
        for n, future in asking:
            if not future.set_running_or_notify_cancel():
                continue
            if results:
                future.set_result(results[n])
            else:
                future.set_exception(
                    InvalidInput(
                        f"The flush of {self.name!r} returns one result for each of {len(batch)} items when they are "
                        f"asked for, {n_results} came: return a list in their order."
                    )
                )

    async def _insist(self, values: list[T]) -> object:
        """Flush until it works; when it is being closed, three times."""
        attempt = 0
        while True:
            try:
                return await self._call(values)
            except Exception as error:  # whatever a caller's flush raises, its items are still held
                attempt += 1
                if self._closed and attempt >= _CLOSING_ATTEMPTS:
                    error.add_note(f"{self!r} still holds what it could not flush: close() tries again.")
                    raise
                delay = self._draw() * min(self._longest, self._first * 2.0 ** min(attempt - 1, 60))
                self._tell_failure(error, len(values), attempt, delay)
                await self._pause(delay, self._hurry)

    async def _call(self, values: list[T]) -> object:
        if inspect.iscoroutinefunction(self._flush):
            return await self._flush(values)
        if _ending.is_set():
            return self._flush(values)  # no thread can be started any more
        returned = await call_in_thread(self._flush, values)
        return await returned if inspect.isawaitable(returned) else returned

    def _tell_failure(self, error: Exception, n_items: int, attempt: int, delay: float) -> None:
        reason = f"{type(error).__name__}: {error}"
        self._events.emit(BatchFailed(self.name, self._clock.monotonic(), n_items, attempt, delay, reason))

    async def _pause(self, seconds: float, *events: asyncio.Event) -> None:
        """Sleep so long, or until one of the events is set."""
        tasks: list[asyncio.Future[Any]] = [asyncio.create_task(event.wait()) for event in events]
        tasks.append(asyncio.ensure_future(self._clock.sleep(seconds)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def _close(self) -> None:
        with self._room:
            self._closed = True
            self._call_up()
            if self._running is None and self._items:
                self._running = background.submit(self._run())
            running = self._running
        self._hurry.set()
        if running is not None:
            await asyncio.shield(asyncio.wrap_future(running))

    def _forked(self) -> None:
        """Hold nothing in a forked child: the parent flushes it."""
        self._room = threading.Condition()
        self._items.clear()
        self._waiters.clear()
        self._running = self._loop = None


class _Item(Generic[T]):
    """A value, when it came, and who waits for its result."""

    __slots__ = ("at", "result", "value")

    def __init__(self, at: float, value: T, result: Future[Any] | None = None) -> None:
        self.at = at
        self.value = value
        self.result = result


_ending = threading.Event()
_alive: weakref.WeakSet[Batcher[Any]] = weakref.WeakSet()


# Registered after the loop's own, so that the loop still runs.
@atexit.register
def _close_all() -> None:
    _ending.set()
    for batcher in tuple(_alive):
        try:
            batcher.close()
        except Exception:  # noqa: BLE001 - the edge of the process: the others are to be closed too
            _log.exception("%r lost its items when the process ended.", batcher)


def _fork_all() -> None:
    for batcher in tuple(_alive):
        batcher._forked()  # noqa: SLF001 - the hook belongs to the class and has no other caller


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_all)
