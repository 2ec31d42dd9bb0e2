"""What all pools share: they live on the background loop, are lent from it, and end with it."""

from __future__ import annotations

import asyncio
import weakref
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Self, TypeVar

from consilience.errors import InvalidInput, PoolClosed
from consilience.loop import background
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.events import EVENTS, Events
from consilience.pools.cards import PoolDisplayed
from consilience.pools.figures import Health, Meter, PoolStats
from consilience.pools.pool_events import ConnectionReplaced, HealthChanged

__all__ = ["Notices", "Pool", "Shut", "alive", "lent", "required"]

T = TypeVar("T")
R = TypeVar("R")
Shut = Callable[[R], Awaitable[None]]


class Pool(PoolDisplayed, ABC, Generic[R]):
    """Connections that live on the background loop, whoever uses them and from wherever.

    What holds the connections is made with the first use, and made again when the background loop was closed in
    between. It is closed by `close` or `aclose`, when nobody refers to the pool any more, and at exit.

    Attributes
    ----------
    name
        In figures and messages.
    limit
        Connections that it opens at most.
    """

    limit: int

    def __init__(self, name: str, clock: Clock = SYSTEM, events: Events = EVENTS) -> None:
        self.name = name
        self.closed = False
        _made.add(self)
        self._clock, self._events = clock, events
        self._meter = Meter()
        self._notices = Notices(name, clock, events)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._held: R | None = None
        self._was_ok: bool | None = None

    @abstractmethod
    def _make(self) -> tuple[R, Shut[R]]:
        """Make what holds the connections, on the background loop, and say how it is closed.

        What is made must not refer to the pool, which would then never be let go.
        """

    @abstractmethod
    async def _probe(self) -> str:
        """Ask the other side for something, on the background loop, and say what came."""

    def stats(self) -> PoolStats:
        """Return the figures of this moment."""
        return self._meter.stats()

    async def health(self) -> Health:
        """Look whether the other side answers; never raises for one that does not."""
        self._refuse_closed()
        return await background.wait(self._look())

    def health_sync(self) -> Health:
        """Look whether the other side answers, from any thread."""
        self._refuse_closed()
        return background.wait_sync(self._look())

    async def aclose(self) -> None:
        """Close every connection; the pool cannot be used afterwards. Calling it again changes nothing."""
        self.closed = True
        await background.wait(self._end())

    def close(self) -> None:
        """Close every connection, from any thread, as `aclose` does."""
        self.closed = True
        background.wait_sync(self._end())

    async def __aenter__(self) -> Self:
        self._refuse_closed()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        self._refuse_closed()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refuse_closed(self) -> None:
        if self.closed:
            raise PoolClosed(
                f"The {type(self).__name__} {self.name!r} was closed: make a new one, and close it only when "
                "nothing uses it any more."
            )

    def _open(self) -> R:
        """Return what holds the connections; called on the background loop."""
        loop = asyncio.get_running_loop()
        if self._held is None or self._loop is not loop:
            self._refuse_closed()
            self._held, shut = self._make()
            self._loop = loop
            _register(self, self._held, shut)
        return self._held

    async def _end(self) -> None:
        held, self._held = self._held, None
        if held is not None and self._loop is asyncio.get_running_loop():
            await _end(held)

    async def _look(self) -> Health:
        started = self._clock.monotonic()
        try:
            sentence = await self._probe()
        except Exception as error:  # noqa: BLE001 - whatever a driver raises is what the question was for
            health = Health(False, None, f"{self.name} does not answer: {self._hide(_said(error))}")
        else:
            health = Health(True, self._clock.monotonic() - started, sentence)
        if health.ok is not self._was_ok and not (self._was_ok is None and health.ok):
            self._events.emit(HealthChanged(self.name, self._clock.monotonic(), health.ok, health.sentence))
        self._was_ok = health.ok
        return health

    def _hide(self, text: str) -> str:
        """Take out what nobody is to see."""
        return text


class Notices:
    """Tells what happens to connections. It knows no pool, so that connections keep no pool alive."""

    def __init__(self, source: str, clock: Clock, events: Events) -> None:
        self._source, self._clock, self._events = source, clock, events

    def replaced(self, error: BaseException) -> None:
        """Tell that a connection was found dead."""
        if self._events.listeners:
            reason = type(error).__name__
            self._events.emit(ConnectionReplaced(self._source, self._clock.monotonic(), reason))


_made: weakref.WeakSet[Pool[Any]] = weakref.WeakSet()


def alive() -> tuple[Pool[Any], ...]:
    """Return the pools of this process that are not closed, by name."""
    return tuple(sorted((pool for pool in tuple(_made) if not pool.closed), key=lambda pool: pool.name))


# What is open on the background loop, and how it is closed; a pool that nobody holds any more takes itself out.
_open: dict[int, tuple[object, Shut[Any]]] = {}
_closing_with: list[weakref.ref[asyncio.AbstractEventLoop]] = []


def _register(pool: Pool[R], held: R, shut: Shut[R]) -> None:
    loop = asyncio.get_running_loop()
    if not any(known() is loop for known in _closing_with):
        _closing_with[:] = [weakref.ref(loop)]
        _open.clear()  # what another loop held ended with it
        background.on_close(_end_all)
    _open[id(held)] = (held, shut)
    weakref.finalize(pool, _forgotten, held, weakref.ref(loop)).atexit = False


def _forgotten(held: object, its_loop: weakref.ref[asyncio.AbstractEventLoop]) -> None:
    loop = its_loop()
    if id(held) in _open and loop is not None and loop.is_running():
        asyncio.run_coroutine_threadsafe(_end(held), loop)


async def _end(held: object) -> None:
    known = _open.pop(id(held), None)
    if known is not None:
        await known[1](held)


async def _end_all() -> None:
    for held, _ in list(_open.values()):
        await _end(held)


async def lent(
    make: Callable[[], Coroutine[Any, Any, T]], give_back: Callable[[T], Coroutine[Any, Any, None]]
) -> T:
    """Run ``make`` on the background loop and hand its result over to the caller's loop.

    Between two loops a cancellation can come when the result exists and is not here yet: then it is given back.
    """
    if background.is_current():
        return await make()
    abandoned = False
    results: list[T] = []

    async def work() -> None:
        result = await make()
        if abandoned:
            await give_back(result)
        else:
            results.append(result)

    async def abandon() -> None:
        nonlocal abandoned
        abandoned = True
        while results:
            await give_back(results.pop())

    try:
        await background.wait(work())
    except BaseException:  # a cancellation too: what was lent, or will be, goes back
        background.submit(abandon())
        raise
    return results.pop()


def required(name: str, value: float | None, least: float = 0.0) -> None:
    """Refuse a number of seconds or of connections that cannot be meant."""
    if value is not None and not value > least:
        raise InvalidInput(f"{name} is a number above {least:g}, {value!r} came.")


def _said(error: BaseException) -> str:
    text = str(error).strip().replace("\n", " ")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
