"""The outer part of a policy: a call has a deadline, waits for its place, and its end is told."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

from consilience.errors import InvalidInput
from consilience.policies.clock import Clock
from consilience.policies.concurrency import Bulkhead, Permit, Priority
from consilience.policies.deadline import DEADLINE
from consilience.policies.events import CallFinished, Events
from consilience.policies.memory import MEMORY

__all__ = ["Call", "Gate", "priority"]

_PRIORITY: ContextVar[Priority] = ContextVar("consilience_priority", default=Priority.MEDIUM)


@contextmanager
def priority(which: Priority | str) -> Iterator[None]:
    """Let the calls in this block, and those that they start, wait as `Priority` ``which``.

    Examples
    --------
    >>> with priority("high"):
    ...     _PRIORITY.get()
    <Priority.HIGH: 1>
    """
    if isinstance(which, str):
        if which.upper() not in Priority.__members__:
            known = ", ".join(name.lower() for name in Priority.__members__)
            raise InvalidInput(f"A priority is one of {known}, {which!r} came.")
        which = Priority[which.upper()]
    token = _PRIORITY.set(which)
    try:
        yield
    finally:
        _PRIORITY.reset(token)


class Gate:
    """What the calls of one policy pass first.

    Parameters
    ----------
    name
        Stands in events.
    bulkhead
        Gives out places.
    clock, events
        Where time comes from and the end of a call is told.

    Attributes
    ----------
    deadline
        Seconds that a call may take, everything included.
    """

    def __init__(self, name: str, bulkhead: Bulkhead, *, clock: Clock, events: Events) -> None:
        self.name = name
        self.bulkhead = bulkhead
        self.clock = clock
        self.events = events
        self.deadline = math.inf

    def tell(self, started: float, outcome: str, n_attempts: int) -> None:
        """Tell how a call ended."""
        now = self.clock.monotonic()
        self.events.emit(CallFinished(self.name, now, now - started, outcome, n_attempts))

    def tell_refused(self, outcome: str) -> None:
        """Tell that a call was turned away before it began."""
        self.events.emit(CallFinished(self.name, self.clock.monotonic(), 0.0, outcome, 0))


class Call(Permit):
    """One call, and its permit: what is called, until when, and how often it was tried.

    As a context manager it sets the deadline for everything inside; at its end it gives its place back and tells what
    came of it.
    """

    holder: Callable[..., Any]

    __slots__ = ("_around", "_gate", "_inside", "args", "due", "kwargs", "n_attempts", "started")

    def __init__(
        self, gate: Gate, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        # what the permit's own __init__ does, written out: every call comes through here
        self.bulkhead = gate.bulkhead
        self.holder = function
        self.active = False
        self._gate = gate
        self.args = args
        self.kwargs = kwargs
        self.n_attempts = 0

    def __enter__(self) -> Self:
        if not MEMORY.watching:
            MEMORY.watch()
        gate = self._gate
        self.started = gate.clock.monotonic()
        due = self.started + gate.deadline
        self._around = self._inside = outer = DEADLINE.get()
        if outer is not None and outer[0] is gate.clock and outer[1] < due:
            due = outer[1]
        elif due != math.inf:
            self._inside = gate.clock, due, None
            DEADLINE.set(self._inside)
        self.due = due
        return self

    def ended_from_outside(self) -> bool:
        """Whether the time of the call is that of a block around it, which ends this task when it is over."""
        block = None if self._inside is not self._around or self._around is None else self._around[2]
        return block is not None and block.ends_this_task()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        # its mark may stay in the context: it must not keep what was asked
        self.args, self.kwargs = (), {}
        if self._inside is not self._around:
            DEADLINE.set(self._around)
        if self._gate.events.listeners:
            self._gate.tell(self.started, "ok" if kind is None else kind.__name__, self.n_attempts)

    def resume(self) -> None:
        """Set the deadline for what follows in this context."""
        if self.due != math.inf:
            DEADLINE.set(self._inside)

    def pause(self) -> None:
        """Set the deadline back to what it was around the call."""
        if self.due != math.inf:
            DEADLINE.set(self._around)

    async def admit(self) -> None:
        """Wait for a place if none is free."""
        if not self.bulkhead.try_enter(self):
            await self.bulkhead.enter(self, _PRIORITY.get())
