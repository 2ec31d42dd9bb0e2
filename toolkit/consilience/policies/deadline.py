"""Deadlines that nest, inner ones only shorter, and the timeout of one block."""

from __future__ import annotations

import asyncio
import math
from contextvars import ContextVar
from types import TracebackType
from typing import Self

from consilience.errors import CallError, DeadlineExceeded, InvalidInput
from consilience.policies.clock import SYSTEM, Clock, Timer

__all__ = ["DEADLINE", "Deadline", "Expiry", "deadline", "remaining"]


# The clock that measures it, the moment by which everything inside must be done, and the block that sees to it, if any.
Deadline = tuple[Clock, float, "Expiry | None"]

_OVER = "The deadline of this block is over."

DEADLINE: ContextVar[Deadline | None] = ContextVar("consilience_deadline", default=None)


def remaining(clock: Clock = SYSTEM) -> float:
    """Return the seconds that the surrounding deadlines leave, infinite without one.

    A deadline on another clock says nothing here, because two monotonic clocks have no common start.
    """
    outer = DEADLINE.get()
    return math.inf if outer is None or outer[0] is not clock else outer[1] - clock.monotonic()


class Expiry(Timer):
    """Cancel the task in a block after so many seconds and raise an error of ours instead.

    It tells its own cancellation from one that comes from outside, as ``asyncio.timeout`` does.

    Parameters
    ----------
    clock
        Measures the seconds.
    seconds
        Infinite: the block has all the time it wants.
    error, message
        Raised when the time is over.
    shared
        Whether many blocks have the same number of seconds; see `Clock.start`.
    """

    __slots__ = ("_cancelling", "_clock", "_error", "_message", "_seconds", "_shared", "_task", "expired")

    def __init__(
        self, clock: Clock, seconds: float, error: type[CallError], message: str, *, shared: bool = False
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._error = error
        self._message = message
        self._shared = shared
        self._task: asyncio.Task[object] | None = None
        self.expired = False

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.end(kind, error)

    def begin(self) -> None:
        """Start the timer, or raise when no time is left."""
        if self._seconds <= 0:
            raise self._error(self._message)
        if self._seconds != math.inf:
            task = asyncio.current_task()
            assert task is not None, "a timeout needs a task to cancel"
            self._task = task
            self._cancelling = task.cancelling()
            self._clock.start(self, self._seconds, shared=self._shared)

    def end(self, kind: type[BaseException] | None, error: BaseException | None) -> None:
        """Stop the timer, and raise in place of the cancellation that it caused."""
        task = self._task
        if task is None:
            return
        self._task = None
        if not self.expired:
            self._clock.stop(self)
        elif task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise self._error(self._message) from error

    def ends_this_task(self) -> bool:
        """Whether it cancels the running task when its time is over, so that nobody else has to."""
        return self._task is not None and self._task is asyncio.current_task()

    def expire(self) -> None:
        """Cancel the task."""
        if self._task is not None:
            self.expired = True
            self._task.cancel()


class deadline(Expiry):  # noqa: N801 - read as a verb's object: with deadline(5)
    """End the asynchronous block after so many seconds, and all policies inside it with it.

    A deadline inside another one can only shorten it. Tasks and threads of policies that start inside inherit it.

    Parameters
    ----------
    seconds
        From the beginning of the block.
    clock
        Measures them.

    Raises
    ------
    DeadlineExceeded
        The time is over.

    Examples
    --------
    >>> from consilience.policies import ManualClock
    >>> clock = ManualClock()
    >>> async def story():
    ...     with deadline(10, clock=clock):
    ...         with deadline(60, clock=clock):
    ...             return remaining(clock)
    >>> asyncio.run(story())
    10.0
    """

    __slots__ = ("_around",)

    def __init__(self, seconds: float, *, clock: Clock = SYSTEM) -> None:
        if not seconds > 0:
            raise InvalidInput(f"A deadline lies more than 0 seconds ahead, {seconds} came.")
        super().__init__(clock, seconds, DeadlineExceeded, _OVER, shared=True)

    def __enter__(self) -> Self:
        self._around = DEADLINE.get()
        left = remaining(self._clock)
        if left < self._seconds:
            self._seconds, self._shared = left, False
        self.begin()
        if self._seconds != math.inf:
            DEADLINE.set((self._clock, self.due, self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        DEADLINE.set(self._around)
        self.end(kind, error)
