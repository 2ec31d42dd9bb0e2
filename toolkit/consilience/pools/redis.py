"""Redis connections: at most so many, waited for in turn, looked at before they are used."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from consilience.errors import InvalidInput, LoopError, PoolTimedOut
from consilience.loop import background
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.events import EVENTS, Events
from consilience.pools.figures import Meter
from consilience.pools.pool import Pool, Shut, required

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisPool"]

T = TypeVar("T")


class RedisPool(Pool["Redis"]):
    """Redis connections of redis-py, for any loop and thread; needs the extra ``redis``.

    The connections belong to the background loop, and so does the client: `run` takes the work there. A connection
    that the server closed is replaced before a command is sent. A command whose connection breaks under it raises
    and is not sent again, because nobody knows whether Redis has carried it out: `Policy` decides about retries.

    Parameters
    ----------
    url
        As Redis clients take it: ``redis://host:6379/0``, ``rediss://...``, ``unix:///path``. The password is shown
        nowhere.
    name
        Names the pool in figures and events.
    limit
        Connections that there may be; 50 is the driver's own.
    wait
        Seconds to wait for one of them.
    connect, read
        Seconds until a connection stands, and for the answer to a command; 5 is long for a Redis in the same network.
    check_after
        Seconds of silence after which a connection is asked for a sign of life before it is used.
    clock, events
        Where time comes from, and where `ConnectionReplaced` and `HealthChanged` go.

    Raises
    ------
    InvalidInput
        The extra is not installed, the URL cannot be read, or a number is out of its range.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own, named by the caller
        self,
        url: str = "redis://localhost:6379/0",
        *,
        name: str = "redis",
        limit: int = 50,
        wait: float = 20.0,
        connect: float = 5.0,
        read: float = 5.0,
        check_after: float = 30.0,
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
    ) -> None:
        super().__init__(name, clock, events)
        numbers = {"limit": limit, "wait": wait, "connect": connect, "read": read, "check_after": check_after}
        for what, value in numbers.items():
            required(what, value)
        self._url, parts = url, _parts(url)
        self._secret = str(parts.get("password") or "")
        self._place = str(parts.get("path") or f"{parts.get('host', 'localhost')}:{parts.get('port', 6379)}")
        self.limit, self._wait = limit, wait
        self._connect, self._read, self._check_after = connect, read, check_after

    def __repr__(self) -> str:
        stats = self.stats()
        state = "closed" if self.closed else f"{stats.in_use} of {self.limit} in use, {stats.waiting} waiting"
        return f"<RedisPool {self.name!r} at {self._place}: {state}>"

    async def run(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        """Do some work with a client, on the background loop, and return its result.

        Raises
        ------
        PoolClosed
            The pool was closed.
        PoolTimedOut
            No connection became free in time.
        """
        self._refuse_closed()
        return await background.wait(self._run(work))

    def run_sync(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        """Do some work with a client, from any thread; see `run`."""
        self._refuse_closed()
        return background.wait_sync(self._run(work))

    async def execute(self, *command: str | bytes | float) -> Any:
        """Send one command, such as ``execute("SET", "key", "value")``, and return Redis's answer."""
        return await self.run(lambda redis: redis.execute_command(*command))  # type: ignore[no-untyped-call]

    def client(self) -> Redis:
        """Return the client, for code that runs on the background loop.

        Raises
        ------
        LoopError
            Called elsewhere, where the connections could not be used.
        """
        if not background.is_current():
            raise LoopError(
                "The client of a RedisPool works on the background loop only: give the work to run or run_sync."
            )
        return self._open()

    async def _run(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        from redis.exceptions import ConnectionError as Lost
        from redis.exceptions import TimeoutError as Late

        try:
            return await work(self._open())
        except (Lost, Late, PoolTimedOut):
            self._meter.errors += 1
            raise

    def _make(self) -> tuple[Redis, Shut[Redis]]:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        late = functools.partial(_late, self._place, self._wait, self.limit)
        connections = _pool_class(self._meter, self._clock, late).from_url(
            self._url,
            max_connections=self.limit,
            timeout=self._wait,
            socket_connect_timeout=self._connect,
            socket_timeout=self._read,
            health_check_interval=self._check_after,
            retry=Retry(NoBackoff(), 0),
        )
        connections.connection_class = _counted_class(
            connections.connection_class, self._meter, self._notices.replaced
        )
        return Redis.from_pool(connections), _shut

    async def _probe(self) -> str:
        await self._open().ping()
        return f"{self.name} at {self._place} answered."

    def _hide(self, text: str) -> str:
        return text.replace(self._secret, "***") if self._secret else text


async def _shut(redis: Redis) -> None:
    await redis.aclose()
    await redis.connection_pool.aclose()


def _late(place: str, wait: float, limit: int) -> PoolTimedOut:
    return PoolTimedOut(
        f"A connection to {place} was required and none became free within {wait:g} s (all {limit} are in use): "
        "raise limit or wait."
    )


def _pool_class(meter: Meter, clock: Clock, late: Callable[[], PoolTimedOut]) -> type[Any]:
    from redis.asyncio import BlockingConnectionPool

    used: set[object] = set()

    class Metered(BlockingConnectionPool):
        """A pool that tells who waits and for how long."""

        async def get_connection(self, *_arguments: object, **_options: object) -> Any:
            waits = not self.can_get_connection()
            started = clock.monotonic()
            meter.waiting += waits
            try:
                connection = await super().get_connection()  # type: ignore[no-untyped-call]
            except Exception as error:  # the driver wraps a time-out in errors of several kinds
                if isinstance(error.__cause__, TimeoutError):
                    raise late() from error
                raise
            finally:
                meter.waiting -= waits
                meter.asked(clock.monotonic() - started if waits else 0.0)
            used.add(connection)
            meter.in_use = len(used)
            return connection

        async def release(self, connection: Any) -> None:
            used.discard(connection)
            meter.in_use = len(used)
            # shielded: a cancellation that comes here would keep the connection from the pool for ever
            await asyncio.shield(super().release(connection))

    return Metered


def _counted_class(plain: type[Any], meter: Meter, replaced: Callable[[BaseException], None]) -> type[Any]:
    class Counted(plain):  # type: ignore[misc]
        """A connection that counts when it is opened and closed."""

        counted = opened_before = False

        async def connect_check_health(self, *arguments: Any, **options: Any) -> None:
            await super().connect_check_health(*arguments, **options)
            if self.counted:
                return
            meter.made += 1
            if self.opened_before:
                replaced(ConnectionResetError())
            self.counted = self.opened_before = True

        async def disconnect(self, *arguments: Any, **options: Any) -> None:
            meter.closed += self.counted
            self.counted = False
            await super().disconnect(*arguments, **options)

    return Counted


def _parts(url: str) -> dict[str, Any]:
    try:
        from redis.asyncio.connection import parse_url
    except ImportError as error:
        raise InvalidInput("A RedisPool needs the extra redis: pip install 'consilience[redis]'.") from error
    try:
        return dict(parse_url(url))
    except ValueError:
        pass  # its text can hold the password
    raise InvalidInput(
        "A URL of Redis is required (redis://host:6379/0, rediss://... or unix:///path), and what came cannot be "
        "read; it is not repeated here because it can hold a password."
    )
