"""Export to and import from Parquet, partitioned by day: ``history/<table>/day=YYYY-MM-DD/part-<uuid>.parquet``."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from consilience.errors import InvalidInput, StoreError
from consilience.models.given import check_days
from consilience.store.keeper import Keeper, Session
from consilience.store.schema import TABLES, time_column
from consilience.store.segments import TYPES

_BATCH_BYTES = 64 * 2**20
_KEY = {
    "metrics_1m": ("bucket", "source", "name", "label"),
    "metrics_1h": ("bucket", "source", "name", "label"),
}


def exported(
    keeper: Keeper, timeout: float, folder: Path, since: date | None, until: date | None
) -> dict[str, int]:
    """Write the tables as they are at one moment, and return the rows of each; see `Store.export`."""
    check_days(since=since, until=until)
    fresh = folder / f".exporting-{uuid.uuid4().hex}"
    try:
        with keeper.exporting(timeout) as exporter:
            spans = {table: _span(table, since, until) for table in TABLES}
            for table, span in spans.items():
                _refuse_doubles(exporter.days(table, span), folder / "history" / table)
            fresh.mkdir(parents=True)
            rows = {table: exporter.write(table, span, fresh) for table, span in spans.items()}
        _move(fresh, folder / "history")
    except OSError as error:
        raise StoreError(
            f"An export needs a folder that can be written, {folder}: {error.strerror}."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return rows


def imported(keeper: Keeper, timeout: float, folder: Path) -> dict[str, int]:
    """Take the rows that are not there yet, and return their number by table; see `Store.import_`."""
    root = folder / "history"
    if not root.is_dir():
        raise InvalidInput(
            f"An import needs a folder with 'history' in it, as export() makes it; {folder} came."
        )
    found = {path.name: path for path in sorted(root.iterdir()) if path.is_dir()}
    unknown = sorted(found.keys() - TABLES.keys())
    if unknown:
        raise InvalidInput(
            f"This version knows the tables {', '.join(TABLES)}; {', '.join(unknown)} came: upgrade with pip install "
            "-U consilience."
        )
    rows = dict.fromkeys(found, 0)
    with _seen_by_runs(keeper):
        for table, path in found.items():
            for batch in _batches(path):
                part = _read(table, batch)
                with keeper.changing(timeout) as session, session.transaction():
                    rows[table] += _insert(session, table, part)
    return rows


@contextmanager
def _seen_by_runs(keeper: Keeper) -> Iterator[None]:
    """Show a sign of life, as a run does: runs that live look for what is settled, which may come from here now."""
    keeper.check_writable()
    sign = keeper.living(f"import-{uuid.uuid4().hex}")
    sign.begin()
    try:
        yield
    finally:
        sign.end()


def _span(table: str, since: date | None, until: date | None) -> str:
    time = time_column(table)
    parts = [f"{time} >= TIMESTAMPTZ '{since:%Y-%m-%d}'"] if since else []
    parts += [f"{time} < TIMESTAMPTZ '{until:%Y-%m-%d}'"] if until else []
    return " AND ".join(parts) or "true"


def _refuse_doubles(days: Sequence[str], folder: Path) -> None:
    for day in days:
        place = folder / f"day={day}"
        if any(place.glob("*.parquet")):
            raise InvalidInput(
                f"An export writes days that are not in the folder yet, {place} is there: choose another folder, or "
                "days with since= and until=."
            )


def _move(fresh: Path, history: Path) -> None:
    history.mkdir(exist_ok=True)
    for part in sorted(fresh.glob("*/*/*.parquet")):
        target = history / part.relative_to(fresh)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, target)


def _batches(folder: Path) -> Iterator[list[Path]]:
    # Whole days: rows without an id are compared with what the store has of their day.
    batch: list[Path] = []
    size = 0
    for day in sorted(path for path in folder.iterdir() if path.is_dir()):
        parts = sorted(day.glob("*.parquet"))
        batch += parts
        size += sum(part.stat().st_size for part in parts)
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read(table: str, parts: Sequence[Path]) -> pa.Table:
    return pa.concat_tables([_read_part(table, part) for part in parts])


def _read_part(table: str, part: Path) -> pa.Table:
    columns = TABLES[table]
    try:
        with pq.ParquetFile(part) as file:
            rows = file.read()
        unknown = sorted(set(rows.column_names) - columns.keys() - {"day"})
        if unknown:
            raise InvalidInput(
                f"This version knows the columns {', '.join(columns)} of {table}; {part} has {', '.join(unknown)}: "
                "upgrade with pip install -U consilience."
            )
        arrays = {c: _column(rows, c, TYPES[kind]) for c, kind in columns.items()}
        table_of = pa.table(arrays)
        table_of.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(
            f"{part} cannot be imported: {type(error).__name__}. Files before it are taken."
        ) from error
    return table_of


def _column(rows: pa.Table, column: str, kind: pa.DataType) -> pa.ChunkedArray:
    if column not in rows.column_names:
        return pa.chunked_array([pa.nulls(rows.num_rows, kind)])
    return rows[column].cast(kind)


def _insert(session: Session, table: str, rows: pa.Table) -> int:
    columns = ", ".join(TABLES[table])
    with session.staged(table, rows) as batch:
        return session.changed(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM ({_new(table, columns, batch)}) fresh "  # noqa: S608 - one of TABLES
            f"ORDER BY {time_column(table)}"
        )


def _new(table: str, columns: str, batch: str) -> str:
    if table == "metrics":
        # They have no id: as many of equal rows enter as the store lacks. Those whose raw rows were removed are in the
        # roll-ups already.
        return f"""
            SELECT {columns} FROM {batch} WHERE asked_at >= coalesce(
                (SELECT max(before) FROM removed WHERE table_name = 'metrics'), TIMESTAMPTZ '0001-01-01')
            EXCEPT ALL SELECT {columns} FROM metrics
            WHERE asked_at BETWEEN (SELECT min(asked_at) FROM {batch}) AND (SELECT max(asked_at) FROM {batch})
        """  # noqa: S608 - columns of TABLES
    key = _KEY.get(table, ("id",))
    same = " AND ".join(f"known.{column} = one.{column}" for column in key)
    return f"""
        SELECT * FROM (SELECT DISTINCT ON ({", ".join(key)}) * FROM {batch}) one
        WHERE NOT EXISTS (SELECT 1 FROM {table} known WHERE {same})
    """  # noqa: S608 - one of TABLES
