"""A second attempt beside one that takes unusually long; the first answer counts (Dean and Barroso, 2013)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from consilience.errors import InvalidInput
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.events import EVENTS, Events, Hedged
from consilience.policies.retry import RetryBudget

__all__ = ["Hedge"]

T = TypeVar("T")


class Hedge:
    """Start a call a second time when it has not answered after a while.

    Only for calls that may safely run twice. The other one is cancelled as soon as one succeeds; when the first one
    fails before the second has started, it has failed.

    Parameters
    ----------
    after
        Seconds; about the 95th percentile of the latency, so that one call in twenty runs twice.
    name
        Stands in events.
    budget
        Second attempts are paid from here; a budget of its own by default.
    clock, events
        Where time comes from and second attempts are told.

    Examples
    --------
    >>> async def quick():
    ...     return "answer"
    >>> asyncio.run(Hedge(after=2.0)(quick))
    'answer'
    """

    def __init__(
        self,
        after: float,
        *,
        name: str = "",
        budget: RetryBudget | None = None,
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
    ) -> None:
        if not after > 0:
            raise InvalidInput(f"A second attempt starts after more than 0 seconds, {after} came.")
        self.after = after
        self._name = name
        self._own = budget is None
        self._budget = budget or RetryBudget(clock=clock)
        self._clock = clock
        self._events = events

    async def __call__(
        self, function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any, **kwargs: Any
    ) -> T:
        """Await a coroutine function, and once more beside itself when it takes long."""
        if self._own:
            self._budget.deposit()
        tasks: list[asyncio.Task[T]] = [asyncio.create_task(function(*args, **kwargs))]
        patience = asyncio.create_task(self._clock.sleep(self.after))
        try:
            await asyncio.wait([*tasks, patience], return_when=asyncio.FIRST_COMPLETED)
            if not tasks[0].done() and self._budget.withdraw():
                self._tell()
                tasks.append(asyncio.create_task(function(*args, **kwargs)))
            return await _first_success(tasks)
        finally:
            await _cancel([patience, *tasks])

    def _tell(self) -> None:
        if self._events.listeners:
            self._events.emit(Hedged(self._name, self._clock.monotonic(), self.after))


async def _first_success(tasks: list[asyncio.Task[T]]) -> T:
    """Return what succeeds first; raise the first task's error when none does."""
    running: set[asyncio.Task[T]] = set(tasks)
    while running:
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in (task for task in tasks if task in done):
            if not task.cancelled() and task.exception() is None:
                return task.result()
    return tasks[0].result()


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    # waiting also takes note of errors, so that nobody complains of one that was never looked at
    await asyncio.gather(*tasks, return_exceptions=True)
