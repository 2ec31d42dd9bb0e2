"""A timeout that does not count the time in which the loop itself stood still."""

from __future__ import annotations

import asyncio
from types import TracebackType

__all__ = ["Patience"]

# A timer that is later than this was held up by the loop.
_LATE = 0.05


class Patience:
    """End a block by ``TimeoutError`` after so many seconds in which the loop could work.

    When ten thousand calls start in one turn of a loop, it stands still for seconds, and a connection that stood
    after a millisecond would count as one that took too long. So a timer that comes late waits for as long again as
    it was late.

    Parameters
    ----------
    seconds
        How long; ``None`` for ever.
    """

    __slots__ = ("_due", "_expired", "_loop", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._expired = False

    async def __aenter__(self) -> None:
        if self._seconds is not None:
            self._task, self._loop = asyncio.current_task(), asyncio.get_running_loop()
            self._due = self._loop.time() + self._seconds
            self._timer = self._loop.call_at(self._due, self._expire)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._expired or self._task is None:
            return
        # somebody else's cancellation that came at the same time goes before
        alone = self._task.uncancel() == 0
        if alone and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def _expire(self) -> None:
        late = self._loop.time() - self._due
        if late > _LATE:
            self._due = self._loop.time() + min(late, self._seconds or late)
            self._timer = self._loop.call_at(self._due, self._expire)
        elif self._task is not None:
            self._expired = True
            self._task.cancel()
