"""Statements that read from a server, as Polars frames."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import polars as pl
import psycopg
from psycopg import Connection, RawServerCursor

from consilience.store.postgres import failures, tables
from consilience.store.postgres.address import Address
from consilience.store.postgres.connections import Connections
from consilience.store.postgres.scan import numbered
from consilience.store.query import POSTGRES, Listed, Query
from consilience.store.schema import SCHEMA_VERSION
from consilience.store.statement import Reading, given_values, timed_out

_UTC = pl.Datetime("us", "UTC")
_KINDS: Mapping[str, pl.DataType] = {
    "TEXT": pl.String(),
    "BIGINT": pl.Int64(),
    "DOUBLE PRECISION": pl.Float64(),
    "BOOLEAN": pl.Boolean(),
    "TIMESTAMPTZ": _UTC,
}
# By the numbers of pg_type; whatever is not here comes as text.
_TYPES: Mapping[int, pl.DataType] = {
    **dict.fromkeys((20, 21, 23, 26), pl.Int64()),
    **dict.fromkeys((700, 701, 1700), pl.Float64()),
    16: pl.Boolean(),
    1184: _UTC,
    1114: pl.Datetime("us"),
    1082: pl.Date(),
    1083: pl.Time(),
    1186: pl.Duration("us"),
    **dict.fromkeys((1009, 1015), pl.List(pl.String())),
    **dict.fromkeys((1005, 1007, 1016), pl.List(pl.Int64())),
    **dict.fromkeys((1021, 1022, 1231), pl.List(pl.Float64())),
    1000: pl.List(pl.Boolean()),
    1185: pl.List(_UTC),
}
_NUMERIC = 1700
_INT64 = 2**63
_FOREVER = (psycopg.errors.QueryCanceled,)


class ServerReader:
    """Statements in transactions that can only read, each on a connection of its own; see `Reader`."""

    def __init__(self, connections: Connections, address: Address, timeout: float) -> None:
        self._connections = connections
        self._address = address
        self._timeout = timeout

    def run(  # noqa: D102 - told in Reader
        self, query: Query, params: Sequence[object], timeout: float | None = None, limit: int | None = None
    ) -> Reading:
        text = numbered(POSTGRES.text(query))[0].encode()
        for again in (True, False):
            try:
                with self._connections.lent(self._timeout) as connection:
                    return self._rows(connection, text, query.lists, given_values(params), timeout, limit)
            except _Lost as error:
                # The server ended the connection in the middle: reading once more changes nothing.
                if not again:
                    raise failures.away(self._address, str(error)) from None
        raise AssertionError

    def plan(self, query: Query, params: Sequence[object]) -> str:  # noqa: D102 - told in Reader
        text = b"EXPLAIN " + numbered(POSTGRES.text(query))[0].encode()
        with (
            self._connections.lent(self._timeout) as connection,
            reading(connection, self._address),
            suppress(psycopg.ProgrammingError, psycopg.DataError),
        ):
            rows = connection.execute(text, given_values(params), binary=True).fetchall()
            return "\n".join(line for (line,) in rows)
        return ""

    def _rows(
        self,
        connection: Connection[Any],
        text: bytes,
        lists: Mapping[str, Listed],
        params: list[object],
        timeout: float | None,
        limit: int | None,
    ) -> Reading:
        started = time.monotonic()
        try:
            with reading(connection, self._address, timeout):
                if limit is None:
                    cursor = connection.execute(text, params, binary=True)
                    rows = cursor.fetchall()
                    columns = cursor.description
                else:
                    with RawServerCursor(connection, "consilience") as portal:
                        portal.execute(text, params, binary=True)
                        rows = portal.fetchmany(limit)
                        columns = portal.description
        except _FOREVER:
            if timeout is None:
                raise
            raise timed_out(timeout) from None
        except psycopg.Error as error:
            if not failures.lost(error):
                raise
            raise _Lost(failures.plain(error, self._address)) from None
        seconds = time.monotonic() - started
        described = [(column.name, column.type_code) for column in columns or ()]
        return Reading(framed(described, rows, lists), seconds)


class _Lost(Exception):
    """The connection ended in the middle of a statement."""


@contextmanager
def reading(
    connection: Connection[Any], address: Address, timeout: float | None = None, *, whole: bool = False
) -> Iterator[None]:
    """Open a transaction that can only read, over tables as this version knows them.

    Parameters
    ----------
    connection, address
        Where.
    timeout
        Seconds that each statement may run.
    whole
        Whether all statements see one moment.
    """
    level = " ISOLATION LEVEL REPEATABLE READ" if whole else ""
    limit = "" if timeout is None else f"SET LOCAL statement_timeout = {max(1, int(timeout * 1000))}; "
    connection.execute(f"BEGIN{level}; {limit}SET LOCAL cursor_tuple_fraction = 1".encode())
    try:
        if tables.version(connection, address) < SCHEMA_VERSION:
            connection.execute(tables.views(connection).encode())
        # From here on nothing in this transaction can make it write again.
        connection.execute("SET TRANSACTION READ ONLY")
        yield
    finally:
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")


def framed(
    columns: Sequence[tuple[str, int]], rows: Sequence[tuple[Any, ...]], lists: Mapping[str, Listed]
) -> pl.DataFrame:
    """Return rows as a frame whose types follow from the statement, also when there are none."""
    series: dict[str, pl.Series] = {}
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    for (name, code), cells in zip(columns, values, strict=True):
        unique = name if name not in series else f"{name}_{len(series)}"
        series[unique] = _series(unique, code, cells, lists.get(name))
    return pl.DataFrame(list(series.values()))


def _series(name: str, code: int, cells: Sequence[Any], listed: Listed | None) -> pl.Series:
    if listed is not None:
        names = tuple(listed.columns)
        fields = {each: _KINDS[kind] for each, kind in listed.columns.items()}
        found = [None if c is None else [dict(zip(names, row, strict=True)) for row in c] for c in cells]
        return pl.Series(name, found, pl.List(pl.Struct(fields)))
    kind = _TYPES.get(code)
    if kind is None:
        return pl.Series(name, [None if cell is None else _text(cell) for cell in cells], pl.String())
    if code == _NUMERIC and _whole(cells):  # A sum of integers, as it is in DuckDB.
        return pl.Series(name, [cell if cell is None else int(cell) for cell in cells], pl.Int64())
    if code == _NUMERIC:
        cells = [None if cell is None else float(cell) for cell in cells]
    return pl.Series(name, cells, kind)


def _whole(cells: Sequence[Any]) -> bool:
    some = [cell for cell in cells if cell is not None]
    return bool(some) and all(cell.as_tuple().exponent == 0 and abs(cell) < _INT64 for cell in some)


def _text(cell: object) -> str:
    if isinstance(cell, (dict, list, tuple)):
        return json.dumps(cell, ensure_ascii=False, default=str)
    return cell.isoformat() if isinstance(cell, datetime) else str(cell)
