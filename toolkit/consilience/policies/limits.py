"""Requests and tokens a minute, over all loops and threads, first come first served."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from typing import Protocol

from consilience.errors import InvalidInput, RateLimited
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.deadline import Expiry, remaining
from consilience.policies.events import EVENTS, Events, Throttled
from consilience.policies.rates import Gcra, Rate
from consilience.policies.waiting import Waiter

__all__ = ["RateLimiter", "SharedQuota"]

# Nobody is paused for longer than this by one answer, whatever it says: the next answer can say it again.
_LONGEST_PAUSE = 3600.0
_SMALLEST_SHARE = 1 / 16
_EASE = 1.02


class SharedQuota(Protocol):
    """A quota that several processes share, asked after the process's own; see `RedisQuota`."""

    async def take(self, name: str, cost: float, rate: Rate, burst: float) -> float:
        """Take the cost and return 0, or return the seconds after which to ask again.

        A cost may be below 0, where earlier calls cost less than was taken for them.
        """


class RateLimiter:
    """Lets units pass at a rate; who comes too early waits in the order of coming.

    Parameters
    ----------
    rate
        Such as ``"500/min"``; ``None`` has no rate, and only pauses when it is told to.
    burst
        Units that may come at once; a tenth of the rate's units by default, so that no period sees more than 1.1
        times the rate.
    name
        Stands in messages and events, and is the key of a shared quota.
    clock, events
        Where time comes from and slowing down goes.
    shared
        A quota of several processes, see `SharedQuota`; this process alone by default. It has no say without a rate.

    Attributes
    ----------
    slowed
        Whether it gives out less than the rate, after the other side throttled.

    Examples
    --------
    >>> limiter = RateLimiter("60/min", burst=2)
    >>> limiter.try_acquire(), limiter.try_acquire(), limiter.try_acquire() > 0
    (0.0, 0.0, True)
    """

    def __init__(
        self,
        rate: str | Rate | None,
        *,
        burst: float | None = None,
        name: str = "",
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
        shared: SharedQuota | None = None,
    ) -> None:
        self.name = name
        self._clock = clock
        self._events = events
        self._lock = threading.Lock()
        self._queue: OrderedDict[Waiter, float] = OrderedDict()
        self._queued = 0.0
        self._paused_until = -math.inf
        self._gcra: Gcra | None = None
        self._owed = 0.0  # to the shared quota, which hears of it with the next call
        self.slowed = False
        self.configure(rate, burst, shared=shared)

    def __repr__(self) -> str:
        if self._gcra is None:
            return f"<RateLimiter {self.name!r}: no rate>"
        return f"<RateLimiter {self.name!r}: {self._gcra.rate}, {self.left:.0f} left, {self.waiting} wait>"

    def configure(
        self, rate: str | Rate | None, burst: float | None = None, *, shared: SharedQuota | None = None
    ) -> None:
        """Change rate, burst and shared quota; what was taken stays taken."""
        self._shared = shared
        if rate is None:
            self._gcra = None
            return
        read = Rate.read(rate)
        burst = max(1.0, read.units / 10) if burst is None else burst
        with self._lock:
            if self._gcra is None:
                self._gcra = Gcra(read, burst)
            else:
                self._gcra.configure(read, burst)

    @property
    def left(self) -> float:
        """Units that would pass now, infinite without a rate; below 0 after a call that cost more than expected."""
        gcra = self._gcra
        return math.inf if gcra is None else gcra.left(self._clock.monotonic())

    @property
    def waiting(self) -> int:
        """Calls that wait."""
        return len(self._queue)

    @property
    def share(self) -> float:
        """Share of the rate that is given out; below 1 after the other side throttled."""
        return 1.0 if self._gcra is None else self._gcra.share

    def try_acquire(self, cost: float = 1.0) -> float:
        """Take the cost and return 0, or return the seconds after which it would pass; own process only."""
        with self._lock:
            now = self._clock.monotonic()
            if self._queue or now < self._paused_until:
                return self._estimate(cost)
            return 0.0 if self._gcra is None else self._gcra.take(now, cost)

    async def acquire(self, cost: float = 1.0, *, within: float = math.inf) -> None:
        """Wait until the cost passes, and take it.

        Parameters
        ----------
        cost
            Units.
        within
            Seconds that it may wait; never longer than the surrounding `deadline`.

        Raises
        ------
        RateLimited
            It would not pass in time. Nothing was taken, and no time was spent waiting.
        """
        if not cost >= 0:
            raise InvalidInput(f"A cost is 0 or more, {cost} came.")
        if self.try_acquire(cost):
            await self._wait(cost, min(within, remaining(self._clock)))
        if self._shared is not None and self._gcra is not None:
            await self._ask_shared(self._shared, self._gcra, cost, min(within, remaining(self._clock)))

    def settle(self, difference: float) -> None:
        """Take what a call cost more than was taken for it, or give back what it cost less."""
        if self._gcra is not None:
            with self._lock:
                self._gcra.charge(self._clock.monotonic(), difference)
                if self._shared is not None:
                    self._owed += difference

    def throttle(self, pause: float | None = None) -> None:
        """Slow down, because the other side gets too much: pause as long as it says and halve the rate.

        Without a word from it the pause is a second. The rate comes back with what succeeds, 2 % a call.
        """
        now = self._clock.monotonic()
        pause = min(1.0 if pause is None else pause, _LONGEST_PAUSE)
        with self._lock:
            # the answers to one burst come together, and halve the rate once
            fresh = now >= self._paused_until
            self._paused_until = max(self._paused_until, now + pause)
            if self._gcra is not None and fresh:
                self._gcra.share = max(_SMALLEST_SHARE, self._gcra.share / 2)
                self.slowed = True
        if self._events.listeners:
            self._events.emit(Throttled(self.name, now, pause, self.share))

    def ease(self) -> None:
        """Give back a little of the rate that `throttle` took: a call succeeded."""
        gcra = self._gcra
        if gcra is not None and gcra.share < 1:
            with self._lock:
                gcra.share = min(1.0, gcra.share * _EASE)
                self.slowed = gcra.share < 1

    def _estimate(self, cost: float) -> float:
        """Seconds after which the cost would pass behind those that wait, at the present rate."""
        now = self._clock.monotonic()
        wait = max(0.0, self._paused_until - now)
        if self._gcra is not None:
            behind = self._queued * self._gcra.rate.seconds / self._gcra.rate.units / self._gcra.share
            wait = max(wait, self._gcra.wait(now, cost)) + behind
        return max(wait, 1e-9)

    async def _wait(self, cost: float, within: float) -> None:
        waiter = self._enqueue(cost, within)
        due = self._clock.monotonic() + within
        try:
            if not waiter.called:
                with Expiry(
                    self._clock, within, RateLimited, f"Others wait for {self.name!r} longer than expected."
                ):
                    await waiter.wait()
            while wait := self._first_takes(cost):
                await self._clock.sleep(self._affordable(wait, due))
        finally:
            self._leave(waiter)

    def _enqueue(self, cost: float, within: float) -> Waiter:
        waiter = Waiter()
        with self._lock:
            wait = self._estimate(cost)
            if wait > within:
                raise self._late(wait, within)
            waiter.called = (
                not self._queue
            )  # the first of the queue watches the clock, the others wait for it
            self._queue[waiter] = cost
            self._queued += cost
        return waiter

    def _first_takes(self, cost: float) -> float:
        with self._lock:
            now = self._clock.monotonic()
            if now < self._paused_until:
                return self._paused_until - now
            return 0.0 if self._gcra is None else self._gcra.take(now, cost)

    def _affordable(self, wait: float, due: float) -> float:
        """Return the wait, unless somebody throttled meanwhile and it would now end too late."""
        left = due - self._clock.monotonic()
        if wait > left:
            raise self._late(wait, left)
        return wait

    def _leave(self, waiter: Waiter) -> None:
        with self._lock:
            self._queued -= self._queue.pop(waiter)
            while self._queue:
                first = next(iter(self._queue))
                if first.called or first.call_up():
                    return
                self._queued -= self._queue.pop(first)
            self._queued = 0.0

    async def _ask_shared(self, shared: SharedQuota, gcra: Gcra, cost: float, within: float) -> None:
        due = self._clock.monotonic() + within
        with self._lock:
            owed, self._owed = self._owed, 0.0
        try:
            while wait := await shared.take(self.name, cost + owed, gcra.rate, gcra.burst):
                await self._clock.sleep(self._affordable(wait, due))
        except BaseException:  # a cancellation too: what is owed is not forgotten
            with self._lock:
                self._owed += owed
            raise

    def _late(self, wait: float, within: float) -> RateLimited:
        error = RateLimited(
            f"The quota of {self.name!r} lets this call pass in {wait:.3g} s, and it may wait {max(0.0, within):.3g} "
            f"s: come again later, send less, or allow a longer deadline."
        )
        error.retry_after = wait
        return error
