"""Statements that change a DuckDB file, and those that export it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from consilience.store import failures, leases
from consilience.store.keeper import RowsRefused
from consilience.store.schema import time_column

_DATA_ERRORS = (duckdb.DataError, duckdb.NotSupportedError, duckdb.IntegrityError)
DAY = "CAST(CAST({time} AS DATE) AS TEXT)"


class FileSession:
    """Statements on a file that is open alone; see `Session`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: Path) -> None:
        self._connection = connection
        self._file = file

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:  # noqa: D102 - Session
        return self._connection.execute(sql, list(params)).fetchall()

    def changed(self, sql: str, params: Sequence[object] = ()) -> int:  # noqa: D102 - told in Session
        ((n,),) = self.execute(sql, params)
        return int(n)

    @contextmanager
    def transaction(self) -> Iterator[None]:  # noqa: D102 - told in Session
        self._connection.begin()
        try:
            yield
        except _DATA_ERRORS as error:
            self._connection.rollback()
            refused = RowsRefused(str(failures.translated(error, self._file)))
            refused.reason = type(error).__name__
            raise refused from None
        self._connection.commit()

    @contextmanager
    def staged(self, table: str, rows: pa.Table) -> Iterator[str]:  # noqa: D102, ARG002 - told in Session
        self._connection.register("batch", rows)
        yield "batch"
        self._connection.unregister("batch")

    def append(self, table: str, rows: pa.Table) -> None:  # noqa: D102 - told in Session
        with self.staged(table, rows) as batch:
            self.execute(f"INSERT INTO {table} BY NAME SELECT * FROM {batch}")  # noqa: S608 - one of TABLES

    def version(self) -> int:  # noqa: D102 - told in Session
        return leases.version(self._connection) or 0


class FileExporter:
    """A file as it is at one moment, written by the engine; see `Exporter`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def days(self, table: str, span: str) -> list[str]:  # noqa: D102 - told in Exporter
        day = DAY.format(time=time_column(table))
        found = self._connection.execute(f"SELECT DISTINCT {day} FROM {table} WHERE {span} ORDER BY 1")  # noqa: S608 - of TABLES
        return [each for (each,) in found.fetchall()]

    def write(self, table: str, span: str, folder: Path) -> int:  # noqa: D102 - told in Exporter
        time = time_column(table)
        target = str(folder / table).replace("'", "''")
        copied = self._connection.execute(
            f"COPY (SELECT *, {DAY.format(time=time)} AS day FROM {table} WHERE {span} ORDER BY {time}) TO '{target}' "  # noqa: S608 - one of TABLES
            "(FORMAT parquet, COMPRESSION zstd, PARTITION_BY (day), FILENAME_PATTERN 'part-{uuid}')"
        ).fetchall()
        return int(copied[0][0])
