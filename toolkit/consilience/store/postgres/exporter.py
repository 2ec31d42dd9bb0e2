"""The tables of a server at one moment, as Parquet by day."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from psycopg import Connection, RawServerCursor

from consilience.store.postgres.reader import framed
from consilience.store.schema import TABLES, time_column

_ROWS = 20_000


class ServerExporter:
    """A transaction that sees one moment; see `Exporter`."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def days(self, table: str, span: str) -> list[str]:  # noqa: D102 - told in Exporter
        day = f"CAST(CAST({time_column(table)} AS DATE) AS TEXT)"
        text = f"SELECT DISTINCT {day} FROM {table} WHERE {span} ORDER BY 1"  # noqa: S608 - of TABLES
        return [each for (each,) in self._connection.execute(text.encode()).fetchall()]

    def write(self, table: str, span: str, folder: Path) -> int:  # noqa: D102 - told in Exporter
        n = 0
        for day in self.days(table, span):
            part = folder / table / f"day={day}" / f"part-{uuid.uuid4()}.parquet"
            part.parent.mkdir(parents=True)
            writer: pq.ParquetWriter | None = None
            for frame in self._batches(table, span, day):
                rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
                writer = writer or pq.ParquetWriter(part, rows.schema, compression="zstd")
                writer.write_table(rows)
                n += frame.height
            if writer is not None:
                writer.close()
        return n

    def _batches(self, table: str, span: str, day: str) -> Iterator[pl.DataFrame]:
        time = time_column(table)
        text = (
            f"SELECT {', '.join(TABLES[table])} FROM {table} WHERE {span} "  # noqa: S608 - of TABLES
            f"AND {time} >= $1::timestamptz AND {time} < $1::timestamptz + interval '1 day' ORDER BY {time}"
        )
        with RawServerCursor(self._connection, "consilience_export") as portal:
            portal.execute(text.encode(), [f"{day} 00:00:00+00"], binary=True)
            while rows := portal.fetchmany(_ROWS):
                described = [(column.name, column.type_code) for column in portal.description or ()]
                yield framed(described, rows, {})
