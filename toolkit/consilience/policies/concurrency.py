"""How many calls run at once over all loops and threads, and who comes next."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from enum import IntEnum

from consilience.errors import DeadlineExceeded, InvalidInput, NestedAcquire, QueueFull
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.deadline import Expiry, remaining
from consilience.policies.waiting import Waiter

__all__ = ["Bulkhead", "Permit", "Priority"]


class Priority(IntEnum):
    """Who goes first when calls wait; among equals, who came first."""

    CRITICAL = 0
    HIGH = 1
    MEDIUM = 2
    LOW = 3


_HELD: ContextVar[Permit | None] = ContextVar("consilience_permits", default=None)


class Permit:
    """The right to run one call, given back by `release`.

    Attributes
    ----------
    holder
        What it is for: a function, or a text.
    outer
        The permit that was held already when this one was taken.
    """

    __slots__ = ("active", "bulkhead", "holder", "outer")

    def __init__(self, bulkhead: Bulkhead, holder: object) -> None:
        self.bulkhead = bulkhead
        self.holder = holder
        self.active = False
        self.outer: Permit | None = None

    def mark(self) -> None:
        """Note in the context that the permit is held, for this call and the tasks that it starts."""
        # The mark is not taken back: inactive, it says nothing.
        self.active = True
        outer = _HELD.get()
        while outer is not None and not outer.active:
            outer = outer.outer
        self.outer = outer
        _HELD.set(self)

    def release(self) -> None:
        """Give the permit back; a second time changes nothing."""
        if self.active:
            self.active = False
            self.bulkhead._free()  # noqa: SLF001 - the two are one idea

    @classmethod
    def held(cls, bulkhead: Bulkhead) -> Permit | None:
        """Return the permit of this bulkhead that the current call holds, or that a call holds which started it."""
        permit = _HELD.get()
        while permit is not None and not (permit.bulkhead is bulkhead and permit.active):
            permit = permit.outer
        return permit


class Bulkhead:
    """At most so many calls at once; the others wait by priority, and not more than a queue of them.

    Parameters
    ----------
    limit
        Calls at once, over all loops and threads; ``None`` counts them only.
    queue
        Calls that may wait. 1,000 holds what a notebook maps over a frame; whoever sends more should send it in
        parts.
    name
        Stands in messages.
    clock
        Measures how long a call may wait.

    Examples
    --------
    >>> import asyncio
    >>> async def story():
    ...     bulkhead = Bulkhead(2, name="openai")
    ...     async with bulkhead.permit(Priority.HIGH):
    ...         return bulkhead
    >>> asyncio.run(story())
    <Bulkhead 'openai': 0 of 2 run, 0 wait>
    """

    def __init__(
        self, limit: int | None = None, *, queue: int = 1000, name: str = "", clock: Clock = SYSTEM
    ) -> None:
        self.name = name
        self.running = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._queues: tuple[OrderedDict[Waiter, None], ...] = tuple(OrderedDict() for _ in Priority)
        self._waiting = self._holds = 0
        self._limit = self._room = _checked(limit)
        self.queue = queue

    def __repr__(self) -> str:
        of = "" if self._limit == math.inf else f" of {self._limit:g}"
        return f"<Bulkhead {self.name!r}: {self.running}{of} run, {self.waiting} wait>"

    @property
    def waiting(self) -> int:
        """Calls that wait."""
        return self._waiting

    @property
    def limit(self) -> float:
        """Calls at once, infinite without a limit. A higher one lets waiting calls start at once."""
        return self._limit

    @limit.setter
    def limit(self, limit: float | None) -> None:
        with self._lock:
            self._limit = _checked(limit)
            self._set_room()

    def hold(self) -> None:
        """Let no further call start until `resume`: what runs goes on. Holds add up."""
        with self._lock:
            self._holds += 1
            self._set_room()

    def resume(self) -> None:
        """Take one `hold` back."""
        with self._lock:
            self._holds = max(0, self._holds - 1)
            self._set_room()

    def try_enter(self, permit: Permit) -> bool:
        """Make the permit valid if a place is free."""
        with self._lock:
            # nobody waits while there is room: a place that gets free goes to the first of the queue
            if self.running >= self._room:
                return False
            self.running += 1
        permit.mark()
        return True

    async def enter(
        self, permit: Permit, priority: Priority = Priority.MEDIUM, *, within: float = math.inf
    ) -> None:
        """Wait until the permit is valid; as `acquire` for a permit that the caller has made."""
        self._refuse_nested(permit)
        waiter = Waiter()
        if self._enqueue(waiter, priority):
            await self._wait(waiter, priority, min(within, remaining(self._clock)))
        permit.mark()

    def try_acquire(self, holder: object = "") -> Permit | None:
        """Return a permit if one is free."""
        permit = Permit(self, holder)
        return permit if self.try_enter(permit) else None

    async def acquire(
        self, priority: Priority = Priority.MEDIUM, *, within: float = math.inf, holder: object = ""
    ) -> Permit:
        """Wait for a permit.

        Parameters
        ----------
        priority
            Who goes first.
        within
            Seconds that it may wait; never longer than the surrounding `deadline`.
        holder
            Named to whoever asks for a second permit inside.

        Raises
        ------
        QueueFull
            As many calls wait as may.
        NestedAcquire
            Nothing is free, and this call holds a permit already: it would wait for itself.
        DeadlineExceeded
            Nothing was free in time.
        """
        permit = Permit(self, holder)
        if not self.try_enter(permit):
            await self.enter(permit, priority, within=within)
        return permit

    @asynccontextmanager
    async def permit(
        self, priority: Priority = Priority.MEDIUM, *, holder: object = ""
    ) -> AsyncIterator[Permit]:
        """Hold a permit during an asynchronous block."""
        permit = await self.acquire(priority, holder=holder)
        try:
            yield permit
        finally:
            permit.release()

    async def _wait(self, waiter: Waiter, priority: Priority, seconds: float) -> None:
        message = f"No permit of {self.name!r} got free within {seconds:g} s: {self}."
        try:
            with Expiry(self._clock, seconds, DeadlineExceeded, message):
                await waiter.wait()
        except BaseException:  # a cancellation too leaves the queue
            self._leave(waiter, priority)
            raise

    def _refuse_nested(self, permit: Permit) -> None:
        held = Permit.held(self)
        if held is not None and self.running >= self._room:
            why = (
                f"all {self._limit:g} are taken"
                if self.running >= self._limit
                else "new calls are held back, as the memory guard does while memory is scarce"
            )
            raise NestedAcquire(
                f"{_named(permit.holder)} asks for a permit of {self.name!r} inside {_named(held.holder)}, which holds "
                f"one, while {why}: it would wait for itself. Call it outside, or under a policy of another name."
            )

    def _enqueue(self, waiter: Waiter, priority: Priority) -> bool:
        """Queue up; False when a place got free since the caller looked, and was taken."""
        with self._lock:
            if self.running < self._room:
                self.running += 1
                return False
            if self._waiting >= self.queue:
                raise QueueFull(
                    f"{self._waiting} calls wait for {self.name!r} already, and more than {self.queue} may not: send "
                    f"fewer at once, or raise the queue."
                )
            self._queues[priority][waiter] = None
            self._waiting += 1
        return True

    def _leave(self, waiter: Waiter, priority: Priority) -> None:
        with self._lock:
            if waiter.called:  # a permit came at the same moment: it goes on to the next
                self.running -= 1
                self._call_next()
            else:
                del self._queues[priority][waiter]
                self._waiting -= 1

    def _free(self) -> None:
        with self._lock:
            self.running -= 1
            if self._waiting:
                self._call_next()

    def _set_room(self) -> None:
        self._room = 0 if self._holds else self._limit
        self._call_next()

    def _call_next(self) -> None:
        for queue in self._queues:
            while queue and self.running < self._room:
                waiter, _ = queue.popitem(last=False)
                self._waiting -= 1
                if waiter.call_up():
                    self.running += 1


def _named(holder: object) -> str:
    return str(getattr(holder, "__qualname__", holder) or "a call")


def _checked(limit: float | None) -> float:
    if limit is None:
        return math.inf
    if not limit >= 1:
        raise InvalidInput(f"A limit lets 1 call or more run at once, {limit} came.")
    return limit
