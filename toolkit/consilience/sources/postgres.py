"""Queries to PostgreSQL as a source: extra ``postgres``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput, SourceError
from consilience.loop import background
from consilience.policies import Policy
from consilience.pools import PostgresPool
from consilience.sources.tables import Frames, as_context

if TYPE_CHECKING:
    import polars as pl

_ROWS = 10_000
_AT_ONCE = 4
_WAIT = 10.0
_Params = Sequence[Any] | Mapping[str, Any] | None


class Postgres:
    """What queries give; every one runs in a transaction that can only read.

    Connections come from a `pools.PostgresPool`, which looks at each before it is lent and replaces dead ones.

    Parameters
    ----------
    place
        ``postgresql://user@host/database``, or a `pools.PostgresPool` that others use too. A password is better left to
        ``PGPASSWORD`` or ``~/.pgpass``; it is never shown.
    ttl
        Seconds for which a query's frame is kept, by its text and parameters; 300 spares a database a notebook's
        re-runs. 0 keeps none.
    max_bytes
        What all kept frames may take.
    policy
        A `policies.Policy`; by default one with 4 queries at once and 60 s each, and a retry after a lost connection.

    Raises
    ------
    InvalidInput
        A setting is out of its range.

    Examples
    --------
    >>> Postgres("postgresql://ana:secret@db.example.org/orders")
    Postgres(...)
    """

    def __init__(
        self,
        place: str | PostgresPool,
        *,
        ttl: float = 300.0,
        max_bytes: int = 256 * 2**20,
        policy: Policy | None = None,
    ) -> None:
        if not ttl >= 0 or max_bytes < 1:
            raise InvalidInput(f"ttl is 0 or more and max_bytes at least 1, {ttl} and {max_bytes} came.")
        self._conninfo = place if isinstance(place, str) else None
        self._pool = None if isinstance(place, str) else place
        self._policy = policy or Policy(
            "postgres", concurrency=_AT_ONCE, retry=1, timeout=60, deadline=120, registered=False
        )
        self._frames = Frames(ttl, max_bytes)

    def __repr__(self) -> str:
        return "Postgres(...)"

    async def frame(self, query: str, params: _Params = None) -> pl.DataFrame:
        """Return the rows of a query.

        Parameters
        ----------
        query, params
            As in psycopg: ``%s`` or ``%(name)s`` stand for parameters, which are never put into the text.

        Raises
        ------
        SourceError
            The database refuses the query, or psycopg is not installed.
        CallError
            The policy refused or ended the call.
        """

        async def make() -> pl.DataFrame:
            made: pl.DataFrame = await self._policy.call(self._fetch, query, params)
            return made

        named = sorted(params.items()) if isinstance(params, Mapping) else params or ()
        key = (query, repr([(type(value).__name__, value) for value in named]))
        kept: pl.DataFrame = await background.wait(self._frames.get(key, make))
        return kept

    async def batches(
        self, query: str, params: _Params = None, *, rows: int = _ROWS
    ) -> AsyncIterator[pl.DataFrame]:
        """Yield the rows of a query in frames of at most so many; the next is fetched when it is asked for.

        Raises
        ------
        SourceError
            As in `frame`.
        """
        if rows < 1:
            raise InvalidInput(f"rows is at least 1, {rows} came.")
        psycopg = _driver()
        try:
            async with self._reading() as connection, connection.cursor(name="consilience") as cursor:
                await cursor.execute(query, params)
                while found := await cursor.fetchmany(rows):
                    yield _frame(cursor.description, found)
        except psycopg.Error as error:
            raise _told(error) from error

    async def context(self, query: str, params: _Params = None, *, max_chars: int = 20_000) -> str:
        """Return the rows of a query as CSV, cut at a whole row, for a question's ``context``."""
        return as_context(await self.frame(query, params), max_chars)

    async def aclose(self) -> None:
        """Close the connections, unless the pool was given; the next query opens others."""
        if self._conninfo is not None and self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.aclose()

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator[Any, None]:
        async with (await self._connected()).transaction() as connection:
            await connection.execute("SET TRANSACTION READ ONLY")
            yield connection

    async def _connected(self) -> PostgresPool:
        if self._pool is None:
            assert self._conninfo is not None
            # a pool would try for as long as it may wait: a server that is not there says so at once
            async with await _driver().AsyncConnection.connect(self._conninfo):
                pass
            self._pool = PostgresPool(self._conninfo, name="source", least=0, limit=_AT_ONCE, wait=_WAIT)
        return self._pool

    async def _fetch(self, query: str, params: _Params) -> pl.DataFrame:
        psycopg = _driver()
        try:
            async with self._reading() as connection:
                cursor = await connection.execute(query, params)
                if cursor.description is None:
                    raise SourceError("A query that returns rows is required, this one returns none.")
                return _frame(cursor.description, await cursor.fetchall())
        except psycopg.OperationalError as error:
            if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
                # the connection failed and not the query: for the policy to judge
                raise ConnectionError(str(error).partition("\n")[0]) from error
            raise _told(error) from error
        except psycopg.Error as error:
            raise _told(error) from error


def _driver() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise SourceError(
            "Queries to PostgreSQL need the extra postgres: pip install 'consilience[postgres]'."
        ) from error
    return psycopg


def _frame(description: Any, rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
    import polars as pl

    names = [column.name for column in description]
    if len(set(names)) < len(names):
        raise SourceError(f"Columns with names of their own are required, {', '.join(names)} came: use AS.")
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def _told(error: Exception) -> SourceError:
    return SourceError(f"The database refuses the query: {str(error).partition(chr(10))[0]}")
