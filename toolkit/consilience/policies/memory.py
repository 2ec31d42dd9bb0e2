"""When memory gets scarce, caches give half of theirs back, and then new calls wait."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from consilience.errors import InvalidInput
from consilience.loop import background
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.events import EVENTS, Event, Events
from consilience.policies.memory_use import MemoryUse, read_memory

__all__ = ["MEMORY", "Holdable", "MemoryGuard", "MemoryPressure", "Shrinkable"]

T = TypeVar("T")

# Memory that Python has freed often stays with the process: without a margin, caches would shrink to nothing.
_MARGIN = 0.05
_ROUNDING = 1e-9


@runtime_checkable
class Shrinkable(Protocol):
    """What can give memory back: a `Cache`, or anything of yours that is registered."""

    def shrink(self, share: float) -> int:
        """Keep no more than this share of what is there now; return how many entries left."""


@runtime_checkable
class Holdable(Protocol):
    """What can keep new calls waiting: a `Bulkhead`."""

    def hold(self) -> None:
        """Let no further call start."""

    def resume(self) -> None:
        """Take one `hold` back."""


@dataclass(frozen=True, slots=True)
class MemoryPressure(Event):
    """Memory got scarce, or is there again.

    Parameters
    ----------
    share
        Used part of the memory.
    scope
        Whose memory; see `MemoryUse`.
    action
        ``"shrink"``: caches gave half back; ``"hold"``: new calls wait; ``"resume"``: they no longer do.
    """

    kind: ClassVar[str] = "memory pressure"

    share: float
    scope: str
    action: str


class MemoryGuard:
    """Looks at memory once a second, has caches shrink and calls wait.

    What is registered is held weakly: a registration keeps nothing alive. The process has one, `MEMORY`, at which
    every `Cache` and the bulkhead of every `Policy` is registered; it begins to look when one of them is used.

    Parameters
    ----------
    shrink_at
        Share of memory at which caches shrink to half; again for each 5 points more.
    wait_at
        Share at which new calls wait, until it is 5 points lower.
    interval
        Seconds between two looks.
    read
        Returns the `MemoryUse`, ``None`` where it cannot be known.
    clock, events
        Where time comes from and pressure is told.

    Examples
    --------
    >>> from consilience.policies import Cache
    >>> answers = Cache()
    >>> answers.update({number: "text" for number in range(100)})
    >>> guard = MemoryGuard(read=lambda: MemoryUse("process", used=85, limit=100))
    >>> guard.register(answers)
    >>> guard.check()
    >>> len(answers)
    50
    """

    def __init__(
        self,
        *,
        shrink_at: float = 0.8,
        wait_at: float = 0.9,
        interval: float = 1.0,
        read: Callable[[], MemoryUse | None] = read_memory,
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
    ) -> None:
        if not 0 < shrink_at <= wait_at:
            raise InvalidInput(
                f"Caches shrink before calls wait: 0 < shrink_at <= wait_at is required, {shrink_at} and {wait_at} "
                f"came."
            )
        self.shrink_at, self.wait_at, self.interval = shrink_at, wait_at, interval
        self.watching = False
        self._read = read
        self._clock = clock
        self._events = events
        self._lock = threading.Lock()
        self._shrinkable: _Weakly[Shrinkable] = _Weakly()
        self._holdable: _Weakly[Holdable] = _Weakly()
        self._held: _Weakly[Holdable] = _Weakly()
        self._next_shrink = shrink_at

    def register(self, part: Shrinkable | Holdable) -> None:
        """Have a part shrink, or its calls wait, when memory is scarce.

        Raises
        ------
        InvalidInput
            It can do neither.
        """
        if isinstance(part, Shrinkable):
            self._shrinkable.add(part)
        elif isinstance(part, Holdable):
            self._holdable.add(part)
        else:
            raise InvalidInput(
                f"What is registered has shrink(share), or hold() and resume(); a {type(part).__name__} came."
            )

    @property
    def registered(self) -> tuple[Shrinkable | Holdable, ...]:
        """What is registered and alive."""
        return (*self._shrinkable.alive(), *self._holdable.alive())

    @property
    def holding(self) -> bool:
        """Whether new calls wait."""
        return bool(self._held.alive())

    def check(self) -> None:
        """Look at memory once and act on it."""
        use = self._read()
        if use is None:
            return
        if use.share >= self._next_shrink - _ROUNDING:
            self._shrink(use)
        elif use.share < self.shrink_at - _MARGIN:
            self._next_shrink = self.shrink_at
        if use.share >= self.wait_at:
            self._hold(use)
        elif self.holding and use.share < self.wait_at - _MARGIN:
            self._resume(use)

    def watch(self) -> None:
        """Look every `interval` seconds from now on, on the background loop; costs nothing when it does already."""
        if self.watching:
            return
        with self._lock:
            if not self.watching:
                self.watching = True
                background.submit(self._watch())

    def forget(self) -> None:
        """Watch anew in a forked child, where the background loop does not run."""
        self._lock = threading.Lock()
        self.watching = False

    def stop(self) -> None:
        """Watch no more: the process ends."""
        self.watching = True

    async def _watch(self) -> None:
        try:
            while True:
                self.check()
                await self._clock.sleep(self.interval)
        finally:
            self.watching = False

    def _shrink(self, use: MemoryUse) -> None:
        self._next_shrink = use.share + _MARGIN
        for part in self._shrinkable.alive():
            part.shrink(0.5)
        self._tell(use, "shrink")

    def _hold(self, use: MemoryUse) -> None:
        held = self._held.alive()
        fresh = [part for part in self._holdable.alive() if not any(part is known for known in held)]
        for part in fresh:
            part.hold()
            self._held.add(part)
        if fresh:
            self._tell(use, "hold")

    def _resume(self, use: MemoryUse) -> None:
        for part in self._held.alive():
            part.resume()
        self._held = _Weakly()
        self._tell(use, "resume")

    def _tell(self, use: MemoryUse, action: str) -> None:
        self._events.emit(MemoryPressure("memory", self._clock.monotonic(), use.share, use.scope, action))


class _Weakly(Generic[T]):
    """A bag of weak references, by identity: a cache compares by its entries and has no hash."""

    def __init__(self) -> None:
        self._references: list[weakref.ref[T]] = []

    def add(self, part: T) -> None:
        self._references.append(weakref.ref(part, self._references.remove))

    def alive(self) -> list[T]:
        return [part for reference in tuple(self._references) if (part := reference()) is not None]


MEMORY = MemoryGuard()
# Registered after the loop's own: at the end of the process this comes first, and no write starts the loop again.
atexit.register(MEMORY.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=MEMORY.forget)
