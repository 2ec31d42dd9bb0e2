"""Queries to PostgreSQL as a source: extra ``postgres``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput, SourceError
from consilience.loop import background
from consilience.policies import Policy
from consilience.sources.tables import Frames, as_context

if TYPE_CHECKING:
    import polars as pl

_ROWS = 10_000
_Params = Sequence[Any] | Mapping[str, Any] | None


class Postgres:
    """What queries give; every one runs in a transaction that can only read.

    Parameters
    ----------
    conninfo
        ``postgresql://user@host/database``. A password is better left to ``PGPASSWORD`` or ``~/.pgpass``; it is never
        shown.
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
        conninfo: str,
        *,
        ttl: float = 300.0,
        max_bytes: int = 256 * 2**20,
        policy: Policy | None = None,
    ) -> None:
        if not ttl >= 0 or max_bytes < 1:
            raise InvalidInput(f"ttl is 0 or more and max_bytes at least 1, {ttl} and {max_bytes} came.")
        self._conninfo = conninfo
        self._policy = policy or Policy(
            "postgres", concurrency=4, retry=1, timeout=60, deadline=120, registered=False
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
            async with await psycopg.AsyncConnection.connect(self._conninfo) as connection:
                await connection.set_read_only(True)
                async with connection.cursor(name="consilience") as cursor:
                    await cursor.execute(query, params)
                    while found := await cursor.fetchmany(rows):
                        yield _frame(cursor.description, found)
        except psycopg.Error as error:
            raise _told(error) from error

    async def context(self, query: str, params: _Params = None, *, max_chars: int = 20_000) -> str:
        """Return the rows of a query as CSV, cut at a whole row, for a question's ``context``."""
        return as_context(await self.frame(query, params), max_chars)

    async def aclose(self) -> None:
        """Nothing is held: connections live as long as their query."""

    async def _fetch(self, query: str, params: _Params) -> pl.DataFrame:
        psycopg = _driver()
        try:
            async with await psycopg.AsyncConnection.connect(self._conninfo) as connection:
                await connection.set_read_only(True)
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
