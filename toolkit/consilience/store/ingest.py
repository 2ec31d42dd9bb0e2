"""The elected ingester: takes segments from the spool into their tables, exactly once.

Any process may try; the ingest lock elects one. The rows and the segment's name enter in one transaction, so that a
process that is killed between the commit and the removal of the segment leaves a name that the next one finds in
``ingested``. Rows whose id is there already are passed over: a writer that was interrupted may write them twice.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from consilience.store import segments
from consilience.store.keeper import Keeper, Load, MemoryShort, RowsRefused, Session
from consilience.store.locks import Locks
from consilience.store.schema import SCHEMA_VERSION, time_column
from consilience.store.spool import Spool, Waiting

_LOG = logging.getLogger("consilience.store")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH_SEGMENTS = 512
_BATCH_BYTES = 10 * 2**20


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that was read: its name and its rows."""

    name: str
    table: pa.Table


class Ingester:
    """Takes what lies in the spool.

    Parameters
    ----------
    spool, locks, keeper
        The parts of one store.
    now
        Wall-clock seconds; injected for tests.
    """

    def __init__(
        self, spool: Spool, locks: Locks, keeper: Keeper, *, now: Callable[[], float] = time.time
    ) -> None:
        self._spool = spool
        self._locks = locks
        self._keeper = keeper
        self._now = now

    def take(self, timeout: float) -> bool:
        """Take all segments; return whether this process was the ingester.

        Raises
        ------
        StoreBusy
            Others held the store for longer than ``timeout`` seconds.
        StoreFull, StoreTooNew, StoreError
            The store cannot take them now; they stay in the spool.
        """
        with self._locks.ingesting() as elected:
            if not elected:
                return False
            self._spool.sweep()
            for batch in _batches(self._read(self._spool.waiting())):
                self._take(batch, timeout)
                del batch  # the next one is read now
            self._stamp()
        return True

    def rested(self, seconds: float) -> bool:
        """Whether no process has taken segments for that long; a clock that was set back counts as rested."""
        try:
            age = self._now() - (self._spool.folder / "ingested.stamp").stat().st_mtime
        except FileNotFoundError:
            return True
        return not 0 <= age < seconds

    def _read(self, waiting: Iterable[Waiting]) -> Iterator[Segment]:
        """Yield the segments that can be taken, each read when it is wanted."""
        for each in waiting:
            try:
                segment = Segment(each.name, segments.decode(self._spool.read(each.name)))
            except segments.DamagedSegment as error:
                self._spool.quarantine(each.name, str(error))
                continue
            except OSError as error:
                _LOG.warning("Segment %s cannot be read now and waits: %s.", each.name, error.strerror)
                continue
            if segments.version(segment.table) > SCHEMA_VERSION:
                _LOG.info("Segment %s was written by a newer version, which will take it.", each.name)
                continue
            yield segment

    def _take(self, batch: Sequence[Segment], timeout: float) -> None:
        refused = self._entered(batch, timeout)
        if refused is None:
            self._spool.remove(segment.name for segment in batch)
        elif len(batch) == 1:
            self._spool.quarantine(batch[0].name, refused.reason)
        else:  # One of them is at fault; alone, each shows whether it is.
            for segment in batch:
                self._take([segment], timeout)

    def _entered(self, batch: Sequence[Segment], timeout: float) -> RowsRefused | None:
        load = _load(batch)
        while True:
            try:
                return self._once(batch, timeout, load)
            except MemoryShort as error:  # the next time it may take more, up to what the machine has
                _LOG.info("Rows are taken again, with more memory: %s", error)

    def _once(self, batch: Sequence[Segment], timeout: float, load: Load) -> RowsRefused | None:
        with self._keeper.changing(timeout, load) as session:
            try:
                with session.transaction():
                    _insert(session, batch)
            except RowsRefused as error:
                return error
        return None

    def _stamp(self) -> None:
        with suppress(OSError):
            stamp = self._spool.folder / "ingested.stamp"
            stamp.touch()
            os.utime(stamp, (self._now(), self._now()))


def _load(batch: Sequence[Segment]) -> Load:
    tables = [segment.table for segment in batch]
    return Load(sum(table.num_rows for table in tables), sum(table.nbytes for table in tables))


def _insert(session: Session, batch: Sequence[Segment]) -> None:
    taken = _already_taken(session, [segment.name for segment in batch])
    fresh = [segment for segment in batch if segment.name not in taken]
    if fresh:
        for name, rows in segments.by_table([segment.table for segment in fresh]):
            _insert_rows(session, name, rows)
        session.append("ingested", _ledger(fresh))


def _insert_rows(session: Session, name: str, rows: pa.Table) -> None:
    time = time_column(name)
    # Comparing and sorting long rows takes longer than taking them in, and most batches need neither.
    times = rows[time].combine_chunks(memory_pool=segments.POOL).cast(pa.int64())
    ascending = _ascending(times)
    if (
        "id" not in rows.column_names
    ):  # Measurements have no id: the segment's name alone says what was taken.
        session.append(name, rows if ascending else rows.sort_by(time))
        return
    # Only the span of the batch is searched for ids that are there: other row groups are skipped by their bounds.
    span = pc.min_max(times, memory_pool=segments.POOL).as_py()
    unique = pc.count_distinct(rows["id"], mode="all", memory_pool=segments.POOL).as_py() == rows.num_rows
    columns = ", ".join(rows.column_names)
    with session.staged(name, rows) as batch:
        fresh = batch if unique else f"(SELECT DISTINCT ON (id) * FROM {batch})"  # noqa: S608 - of this package
        session.execute(
            f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {fresh} fresh WHERE NOT EXISTS "  # noqa: S608 - one of TABLES
            f"(SELECT 1 FROM {name} known WHERE known.{time} BETWEEN ? AND ? AND known.id = fresh.id) "
            + ("" if ascending else f"ORDER BY {time}"),
            [_moment(span["min"]), _moment(span["max"])],
        )


def _moment(microseconds: int | None) -> datetime | None:
    # An Arrow scalar with a time zone would import pandas to say this.
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


def _ascending(times: pa.Int64Array) -> bool:
    # Sorting a million rows takes a third of taking them in.
    in_order = pc.less_equal(times[:-1], times[1:], memory_pool=segments.POOL)
    return bool(pc.all(in_order, skip_nulls=False).as_py())


def _already_taken(session: Session, names: list[str]) -> set[str]:
    found = session.execute(
        "SELECT segment FROM ingested WHERE segment BETWEEN ? AND ? AND segment = ANY(?::TEXT[])",
        [min(names), max(names), names],
    )
    return {name for (name,) in found}


def _ledger(batch: Sequence[Segment]) -> pa.Table:
    now = datetime.now(UTC)
    return segments.table_of("ingested", [(each.name, each.table.num_rows, now) for each in batch])


def _batches(found: Iterable[Segment]) -> Iterator[list[Segment]]:
    batch: list[Segment] = []
    size = 0
    for segment in found:
        own = segment.table.nbytes
        if batch and (len(batch) == _BATCH_SEGMENTS or size + own > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(segment)
        size += own
    if batch:
        yield batch
