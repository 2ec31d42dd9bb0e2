"""Statements that change the tables of a server, by the one process that holds the lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import Connection

from consilience.store.keeper import RowsRefused
from consilience.store.postgres import failures, tables
from consilience.store.postgres.address import Address
from consilience.store.postgres.scan import numbered
from consilience.store.schema import ALL_TABLES, SCHEMA_VERSION

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 50_000


class ServerSession:
    """A connection whose transactions wait for the lock; see `Session`.

    Parameters
    ----------
    connection
        That commits each statement by itself.
    address
        Of the server.
    timeout
        Seconds to wait for the lock.
    """

    def __init__(self, connection: Connection[Any], address: Address, timeout: float) -> None:
        self._connection = connection
        self._address = address
        self._timeout = timeout

    def prepare(self) -> None:
        """Bring the schema to this version; a newer one is refused and not touched."""
        if self.version() == SCHEMA_VERSION:
            return
        with self._locked():
            before = self.version()
            if before < SCHEMA_VERSION:
                tables.migrate(self._connection, self._address, before)

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:  # noqa: D102 - Session
        cursor = self._connection.execute(numbered(sql)[0].encode(), list(params))
        return cursor.fetchall() if cursor.description else []

    def changed(self, sql: str, params: Sequence[object] = ()) -> int:  # noqa: D102 - told in Session
        return max(self._connection.execute(numbered(sql)[0].encode(), list(params)).rowcount, 0)

    @contextmanager
    def transaction(self) -> Iterator[None]:  # noqa: D102 - told in Session
        try:
            with self._locked():
                self.version()  # Another process may have brought it to a newer one meanwhile.
                yield
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            refused = RowsRefused(str(failures.translated(error, self._address)))
            refused.reason = type(error).__name__
            raise refused from None

    @contextmanager
    def staged(self, table: str, rows: pa.Table) -> Iterator[str]:  # noqa: D102 - told in Session
        columns = ", ".join(f"{name} {ALL_TABLES[table][name]}" for name in rows.column_names)
        # Made once a connection: a new one each time would fill the server's own tables.
        self._connection.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS fresh_{table} ({columns}) ON COMMIT DELETE ROWS".encode()
        )
        self.append(f"fresh_{table}", rows)
        yield f"fresh_{table}"

    def append(self, table: str, rows: pa.Table) -> None:  # noqa: D102 - told in Session
        columns = ", ".join(rows.column_names)
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)".encode()) as copy,
        ):
            for part in _csv(rows):
                copy.write(part)

    def version(self) -> int:  # noqa: D102 - told in Session
        return tables.version(self._connection, self._address)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._connection.execute(
            f"BEGIN; SET LOCAL lock_timeout = {max(1, int(self._timeout * 1000))}".encode()
        )
        try:
            self._connection.execute("SELECT pg_advisory_xact_lock($1)", [tables.LOCK])
            yield
            self._connection.execute("COMMIT")
        except BaseException:  # Ctrl-C too must not leave the lock with an open transaction
            with suppress(psycopg.Error):
                self._connection.execute("ROLLBACK")
            raise


def _csv(rows: pa.Table) -> Iterator[bytes]:
    """Yield rows as CSV in which every text is quoted and NULL is nothing, as COPY reads it."""
    import pyarrow as pa
    from pyarrow import csv

    columns = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in rows.columns
    ]
    plain = pa.table(columns, names=rows.column_names)
    for start in range(0, plain.num_rows, _ROWS):
        sink = pa.BufferOutputStream()
        csv.write_csv(plain.slice(start, _ROWS), sink, csv.WriteOptions(include_header=False))
        yield bytes(sink.getvalue())
