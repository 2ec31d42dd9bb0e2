"""Waiting: for a place in a queue that any thread can call up, whatever loop waits there, and for several tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextvars import copy_context
from typing import Any

from consilience.policies.clock import SYSTEM, Timer

__all__ = ["Countdown", "Waiter"]


class Waiter:
    """One task that waits on its own loop.

    Attributes
    ----------
    called
        Set by whoever calls it up, under the lock of the queue: a task that is cancelled at the same moment sees
        there that it has to pass on what it was given.
    """

    __slots__ = ("_future", "_loop", "called")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self._loop.create_future()
        self.called = False

    async def wait(self) -> None:
        """Wait until it is called up."""
        await self._future

    def call_up(self) -> bool:
        """Wake the task; False when its loop is closed and nobody waits any more."""
        self.called = True
        if _running_loop() is self._loop:
            self._wake()
            return True
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            return False
        return True

    def _wake(self) -> None:
        if not self._future.done():
            self._future.set_result(None)


class Countdown(Timer):
    """The end of some tasks of the running loop, or of their time: `asyncio.wait` makes a timer of its own each time.

    Examples
    --------
    >>> async def story():
    ...     tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(2)]
    ...     await Countdown(tasks).over(60)
    ...     return [task.done() for task in tasks]
    >>> asyncio.run(story())
    [True, True]
    """

    __slots__ = ("_left", "_over")

    def __init__(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        self._left = len(tasks)
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        context = copy_context()  # one for all, where each would be given its own
        for task in tasks:
            task.add_done_callback(self._count, context=context)

    async def over(self, seconds: float) -> None:
        """Wait until all have ended, or so many seconds."""
        SYSTEM.start(self, seconds)
        try:
            await self._over
        finally:
            SYSTEM.stop(self)

    def _count(self, _: asyncio.Task[Any]) -> None:
        self._left -= 1
        if not self._left:
            self.expire()

    def expire(self) -> None:
        """Wait no longer."""
        if not self._over.done():
            self._over.set_result(None)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
