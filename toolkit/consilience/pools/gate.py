"""Who may have a connection: at most so many in all and so many a host, in the order in which they asked."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Hashable

from consilience.pools.figures import Meter

__all__ = ["Gate", "Late"]


class Late(Exception):
    """No place became free in time."""


class Gate:
    """Places for requests on one event loop.

    A place that becomes free is given to the one who waits for longest among those whose host has room, so nobody
    who comes later can take it first. One who is cancelled or gives up passes it on.

    Parameters
    ----------
    total
        Places in all.
    per_host
        Places for one host.
    meter
        Where requests and waits are counted.
    """

    def __init__(self, total: int, per_host: int, meter: Meter) -> None:
        self._total, self._per_host, self._meter = total, per_host, meter
        self._of_host: defaultdict[Hashable, int] = defaultdict(int)
        self._queues: dict[Hashable, deque[tuple[int, asyncio.Future[None]]]] = {}
        self._number = 0

    async def enter(self, host: Hashable, seconds: float | None) -> None:
        """Take a place; ``Late`` after so many seconds without one."""
        if self._meter.in_use < self._total and self._of_host[host] < self._per_host:
            self._take(host)
            self._meter.asked(0.0)
            return
        await self._wait(host, seconds)

    def leave(self, host: Hashable) -> None:
        """Give a place back."""
        self._meter.in_use -= 1
        self._of_host[host] -= 1
        self._pass_on()

    def _take(self, host: Hashable) -> None:
        self._meter.in_use += 1
        self._of_host[host] += 1

    async def _wait(self, host: Hashable, seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        self._number += 1
        self._queues.setdefault(host, deque()).append((self._number, place))
        timer = None if seconds is None else loop.call_later(seconds, _be_late, place)
        started = loop.time()
        self._meter.waiting += 1
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave(host)
            raise
        finally:
            if timer is not None:
                timer.cancel()
            self._meter.waiting -= 1
            self._meter.asked(max(loop.time() - started, 1e-9))

    def _pass_on(self) -> None:
        while self._meter.in_use < self._total and (host := self._next_host()) is not None:
            _, place = self._queues[host].popleft()
            self._take(host)
            place.set_result(None)

    def _next_host(self) -> Hashable | None:
        """Return the host with the oldest waiting request among those that have room."""
        found, oldest = None, self._number + 1
        for host, queue in list(self._queues.items()):
            while queue and queue[0][1].done():
                queue.popleft()
            if not queue:
                del self._queues[host]
            elif self._of_host[host] < self._per_host and queue[0][0] < oldest:
                found, oldest = host, queue[0][0]
        return found


def _be_late(place: asyncio.Future[None]) -> None:
    if not place.done():
        place.set_exception(Late())
