"""PostgreSQL connections: lent for a transaction, looked at before, replaced when dead."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput, PoolTimedOut
from consilience.loop import background
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.events import EVENTS, Events
from consilience.pools.figures import Meter
from consilience.pools.pool import Notices, Pool, Shut, lent, required

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

__all__ = ["PostgresPool", "Statements"]

# A server that is back is tried again after a few seconds at most; the driver's backoff would reach minutes.
_RECONNECT = 5.0


class PostgresPool(Pool["AsyncConnectionPool[Any]"]):
    """PostgreSQL connections of psycopg, for any loop and thread; needs the extra ``postgres``.

    A connection is looked at before it is lent (some 0.2 ms), so one that the server closed is replaced and no
    transaction meets it.

    Parameters
    ----------
    conninfo
        As libpq takes it: ``postgresql://user@host/database`` or ``host=... dbname=...``. The password is shown
        nowhere.
    name
        Names the pool in figures and events; by default the name of the database.
    least, limit
        Connections that are kept and that there may be. 1 costs a server little while nobody works; 10 of a server's
        usual 100 leave room for ten processes.
    wait
        Seconds to wait for a connection.
    lifetime, idle
        Seconds after which a connection is replaced, and after which one beyond ``least`` that nobody used is
        closed. An hour and ten minutes are the driver's own.
    check
        Whether a connection is looked at before it is lent.
    clock, events
        Where time comes from, and where `ConnectionReplaced` and `HealthChanged` go.

    Raises
    ------
    InvalidInput
        The extra is not installed, conninfo cannot be read, or a number is out of its range.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own, named by the caller
        self,
        conninfo: str,
        *,
        name: str | None = None,
        least: int = 1,
        limit: int = 10,
        wait: float = 30.0,
        lifetime: float = 3600.0,
        idle: float = 600.0,
        check: bool = True,
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
    ) -> None:
        parts = _parts(conninfo)
        super().__init__(name or str(parts.get("dbname") or "postgres"), clock, events)
        for what, value in {"limit": limit, "wait": wait, "lifetime": lifetime, "idle": idle}.items():
            required(what, value)
        if not 0 <= least <= limit:
            raise InvalidInput(f"least is a number from 0 to limit, {least!r} came with limit={limit!r}.")
        self._conninfo, self._secret = conninfo, str(parts.get("password") or "")
        self._place = f"{parts.get('host') or 'local'}/{parts.get('dbname') or ''}"
        self._least, self.limit, self._wait = least, limit, wait
        self._lifetime, self._idle, self._checks = lifetime, idle, check

    def __repr__(self) -> str:
        stats = self.stats()
        state = "closed" if self.closed else f"{stats.in_use} of {self.limit} in use, {stats.waiting} waiting"
        return f"<PostgresPool {self.name!r} at {self._place}: {state}>"

    @contextlib.asynccontextmanager
    async def transaction(self, wait: float | None = None) -> AsyncIterator[AsyncConnection[Any]]:
        """Lend a connection for one transaction, which is committed at the end of the block.

        An error or a cancellation in the block rolls it back and passes through.

        Parameters
        ----------
        wait
            Seconds to wait for a connection; those of the pool by default.

        Raises
        ------
        PoolClosed
            The pool was closed.
        PoolTimedOut
            No connection became free, or none could be made, in time.
        """
        self._refuse_closed()
        connection = await lent(functools.partial(self._take, wait), self._give_back)
        try:
            async with connection.transaction():
                yield connection
        except BaseException:  # whatever ended the block, a connection that broke under it is counted
            if connection.broken:
                self._meter.errors += 1
            raise
        finally:
            # shielded, so that a cancellation cannot keep the connection from its pool
            await asyncio.shield(asyncio.wrap_future(background.submit(self._give_back(connection))))

    @contextlib.contextmanager
    def transaction_sync(self, wait: float | None = None) -> Iterator[Statements]:
        """Open a transaction from code without a loop; see `transaction`."""
        lending = self.transaction(wait)
        connection = background.wait_sync(_entered(lending))
        try:
            yield Statements(connection)
        except BaseException as error:  # Ctrl-C too must roll the transaction back
            background.wait_sync(_left(lending, error))
            raise
        else:
            background.wait_sync(_left(lending, None))

    def _make(self) -> tuple[AsyncConnectionPool[Any], Shut[AsyncConnectionPool[Any]]]:
        held: list[AsyncConnectionPool[Any]] = []
        pool = _pool_class()(
            self._conninfo,
            connection_class=_counted_class(self._meter),
            min_size=self._least,
            max_size=self.limit,
            open=False,
            check=_checking(held, self._notices) if self._checks else None,
            name=self.name,
            timeout=self._wait,
            max_lifetime=self._lifetime,
            max_idle=self._idle,
            reconnect_timeout=_RECONNECT,
        )
        held.append(pool)
        return pool, _shut

    async def _take(self, wait: float | None) -> AsyncConnection[Any]:
        from psycopg_pool import PoolTimeout

        pool = self._open()
        await pool.open()
        waits = not pool.get_stats()["pool_available"]
        started = self._clock.monotonic()
        self._meter.waiting += waits
        try:
            connection: AsyncConnection[Any] = await pool.getconn(wait)
        except PoolTimeout as error:
            self._meter.errors += 1
            raise PoolTimedOut(
                f"A connection to {self._place} was required and none came within "
                f"{self._wait if wait is None else wait:g} s ({self._meter.in_use} of {self.limit} are in use): "
                "raise limit or wait, or look whether the server answers with health()."
            ) from error
        finally:
            self._meter.waiting -= waits
            self._meter.asked(self._clock.monotonic() - started if waits else 0.0)
        self._meter.in_use += 1
        # a lock remembers the loop on which somebody waited for it, and this connection may go to another one
        connection.lock = asyncio.Lock()
        return connection

    async def _give_back(self, connection: AsyncConnection[Any]) -> None:
        self._meter.in_use -= 1
        if self._held is not None:
            await self._held.putconn(connection)
        else:
            await connection.close()

    async def _probe(self) -> str:
        connection = await self._take(None)
        try:
            async with connection.transaction():
                await connection.execute("SELECT 1")
        finally:
            await self._give_back(connection)
        return f"{self.name} at {self._place} answered."

    def _hide(self, text: str) -> str:
        return text.replace(self._secret, "***") if self._secret else text


class Statements:
    """The connection of a transaction, for code without a loop."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement with its parameters in place of ``%s``, and return its rows; none for one without."""
        return background.wait_sync(self._execute(statement, parameters))

    async def _execute(self, statement: str, parameters: Sequence[object] | None) -> list[tuple[Any, ...]]:
        cursor = await self._connection.execute(statement.encode(), parameters)
        return await cursor.fetchall() if cursor.description else []


class _Aborted(Exception):
    """Stands for an error that must not be raised on the background loop, such as Ctrl-C."""


async def _entered(
    lending: contextlib.AbstractAsyncContextManager[AsyncConnection[Any]],
) -> AsyncConnection[Any]:
    return await lending.__aenter__()


async def _left(
    lending: contextlib.AbstractAsyncContextManager[AsyncConnection[Any]], error: BaseException | None
) -> None:
    if error is None:
        await lending.__aexit__(None, None, None)
        return
    stand_in = _Aborted()
    with contextlib.suppress(_Aborted):
        await lending.__aexit__(_Aborted, stand_in, None)


async def _shut(pool: AsyncConnectionPool[Any]) -> None:
    try:
        await pool.close()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # its workers were cancelled before, with everything else on a loop that is being closed


def _checking(
    held: list[AsyncConnectionPool[Any]], notices: Notices
) -> Callable[[AsyncConnection[Any]], Awaitable[None]]:
    async def check(connection: AsyncConnection[Any]) -> None:
        import psycopg

        try:
            await held[0].check_connection(connection)
        except psycopg.OperationalError as error:
            notices.replaced(error)
            # where one is dead, all may be: those that are idle are looked at before the next is lent
            await held[0].check()
            raise

    return check


def _pool_class() -> type[AsyncConnectionPool[Any]]:
    import psycopg
    from psycopg_pool import AsyncConnectionPool

    class Closing(AsyncConnectionPool[Any]):
        """A pool that closes what it finds dead, where the driver only lets it go."""

        @staticmethod
        async def check_connection(conn: AsyncConnection[Any]) -> None:
            try:
                await AsyncConnectionPool.check_connection(conn)
            except psycopg.OperationalError:
                await conn.close()
                raise

    return Closing


def _counted_class(meter: Meter) -> type[AsyncConnection[Any]]:
    from psycopg import AsyncConnection

    class Counted(AsyncConnection[Any]):
        """A connection that counts when it is closed."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            meter.made += 1
            # the driver drops a broken connection without closing it
            self._gone = weakref.finalize(self, _count_closed, meter)
            self._gone.atexit = False

        async def close(self) -> None:
            self._gone()
            await super().close()

    return Counted


def _count_closed(meter: Meter) -> None:
    meter.closed += 1


def _parts(conninfo: str) -> dict[str, Any]:
    try:
        import psycopg
        import psycopg_pool  # noqa: F401 - said here what is missing, and not at the first transaction
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise InvalidInput(
            "A PostgresPool needs the extra postgres: pip install 'consilience[postgres]'."
        ) from error
    try:
        return conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        pass  # its text can hold the password
    raise InvalidInput(
        "conninfo is required as libpq takes it (postgresql://user@host/database, or host=... dbname=...), and what "
        "came cannot be read; it is not repeated here because it can hold a password."
    )
