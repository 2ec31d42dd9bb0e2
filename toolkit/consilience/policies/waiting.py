"""A place in a queue that any thread can call up, whatever loop waits there."""

from __future__ import annotations

import asyncio

__all__ = ["Waiter"]


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


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
