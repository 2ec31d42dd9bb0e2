"""The elected ingester: takes segments from the spool into DuckDB, exactly once.

Any process may try; the ingest lock elects one. The rows and the segment's name enter in one transaction, so that a
process that is killed between the commit and the removal of the segment leaves a name that the next one finds in
``ingested``. Rows whose id is there already are passed over: a writer that was interrupted may write them twice.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from consilience.store import segments
from consilience.store.leases import Leases
from consilience.store.locks import Locks
from consilience.store.schema import SCHEMA_VERSION, time_column
from consilience.store.spool import Spool, Waiting

_LOG = logging.getLogger("consilience.store")
_BATCH_SEGMENTS = 512
_BATCH_BYTES = 64 * 2**20
_DATA_ERRORS = (duckdb.DataError, duckdb.NotSupportedError, duckdb.IntegrityError)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that was read: its name and its rows."""

    name: str
    table: pa.Table


class Ingester:
    """Takes what lies in the spool.

    Parameters
    ----------
    spool, locks, leases
        The parts of one store.
    now
        Wall-clock seconds; injected for tests.
    """

    def __init__(
        self, spool: Spool, locks: Locks, leases: Leases, *, now: Callable[[], float] = time.time
    ) -> None:
        self._spool = spool
        self._locks = locks
        self._leases = leases
        self._now = now

    def take(self, timeout: float) -> bool:
        """Take all segments; return whether this process was the ingester.

        Raises
        ------
        StoreBusy
            Readers held the file for longer than ``timeout`` seconds.
        StoreFull, StoreTooNew, StoreError
            The file cannot take them; they stay in the spool.
        """
        with self._locks.ingesting() as elected:
            if not elected:
                return False
            self._spool.sweep()
            for batch in _batches(self._spool.waiting()):
                self._take(self._read(batch), timeout)
            self._stamp()
        return True

    def rested(self, seconds: float) -> bool:
        """Whether no process has taken segments for that long; a clock that was set back counts as rested."""
        try:
            age = self._now() - (self._spool.folder / "ingested.stamp").stat().st_mtime
        except FileNotFoundError:
            return True
        return not 0 <= age < seconds

    def _read(self, batch: Sequence[Waiting]) -> list[Segment]:
        found = []
        for waiting in batch:
            try:
                segment = Segment(waiting.name, segments.decode(self._spool.read(waiting.name)))
            except segments.DamagedSegment as error:
                self._spool.quarantine(waiting.name, str(error))
                continue
            except OSError as error:
                _LOG.warning("Segment %s cannot be read now and waits: %s.", waiting.name, error.strerror)
                continue
            if segments.version(segment.table) > SCHEMA_VERSION:
                _LOG.info("Segment %s was written by a newer version, which will take it.", waiting.name)
                continue
            found.append(segment)
        return found

    def _take(self, batch: Sequence[Segment], timeout: float) -> None:
        if not batch:
            return
        refused = None
        with self._leases.writing(timeout) as connection:
            try:
                _insert(connection, batch)
            except _DATA_ERRORS as error:
                connection.rollback()
                refused = error
        if refused is None:
            self._spool.remove(segment.name for segment in batch)
        elif len(batch) == 1:
            self._spool.quarantine(batch[0].name, type(refused).__name__)
        else:  # One of them is at fault; alone, each shows whether it is.
            for segment in batch:
                self._take([segment], timeout)

    def _stamp(self) -> None:
        with suppress(OSError):
            stamp = self._spool.folder / "ingested.stamp"
            stamp.touch()
            os.utime(stamp, (self._now(), self._now()))


def _insert(connection: duckdb.DuckDBPyConnection, batch: Sequence[Segment]) -> None:
    connection.begin()
    taken = _already_taken(connection, [segment.name for segment in batch])
    fresh = [segment for segment in batch if segment.name not in taken]
    if fresh:
        for name, rows in segments.by_table([segment.table for segment in fresh]):
            _insert_rows(connection, name, rows)
        connection.register("names", _ledger(fresh))
        connection.execute("INSERT INTO ingested SELECT * FROM names")
        connection.unregister("names")
    connection.commit()


def _insert_rows(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    time = time_column(name)
    # Comparing and sorting long rows takes longer than taking them in, and most batches need neither.
    order = "" if _ascending(rows[time]) else f"ORDER BY {time}"
    connection.register("batch", rows)
    if (
        "id" not in rows.column_names
    ):  # Measurements have no id: the segment's name alone says what was taken.
        connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM batch {order}")  # noqa: S608 - of TABLES
        connection.unregister("batch")
        return
    # Only the span of the batch is searched for ids that are there: other row groups are skipped by their bounds.
    span = pc.min_max(rows[time]).as_py()
    unique = pc.count_distinct(rows["id"], mode="all").as_py() == rows.num_rows
    fresh = "batch" if unique else "(SELECT DISTINCT ON (id) * FROM batch)"
    connection.execute(
        f"INSERT INTO {name} BY NAME SELECT * FROM {fresh} fresh WHERE NOT EXISTS "  # noqa: S608 - one of TABLES
        f"(SELECT 1 FROM {name} known WHERE known.{time} BETWEEN ? AND ? AND known.id = fresh.id) {order}",
        [span["min"], span["max"]],
    )
    connection.unregister("batch")


def _ascending(times: pa.ChunkedArray) -> bool:
    # Sorting a million rows takes a third of taking them in.
    numbers = times.combine_chunks().cast(pa.int64())
    return bool(pc.all(pc.less_equal(numbers[:-1], numbers[1:]), skip_nulls=False).as_py())


def _already_taken(connection: duckdb.DuckDBPyConnection, names: list[str]) -> set[str]:
    found = connection.execute(
        "SELECT segment FROM ingested WHERE segment BETWEEN ? AND ? AND list_contains(?::TEXT[], segment)",
        [min(names), max(names), names],
    )
    return {name for (name,) in found.fetchall()}


def _ledger(batch: Sequence[Segment]) -> pa.Table:
    return pa.table(
        {
            "segment": pa.array([segment.name for segment in batch], pa.string()),
            "row_count": pa.array([segment.table.num_rows for segment in batch], pa.int64()),
            "taken_at": pa.array([datetime.now(UTC)] * len(batch), pa.timestamp("us", tz="UTC")),
        }
    )


def _batches(waiting: Sequence[Waiting]) -> Iterator[list[Waiting]]:
    batch: list[Waiting] = []
    size = 0
    for segment in waiting:
        if batch and (len(batch) == _BATCH_SEGMENTS or size + segment.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(segment)
        size += segment.size
    if batch:
        yield batch
