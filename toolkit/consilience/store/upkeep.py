"""What keeps a store small and movable: status, roll-ups and retention, compaction, export and import."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from consilience.errors import InvalidInput
from consilience.store.cards import StatusDisplayed, StoreDisplayed
from consilience.store.history import History
from consilience.store.schema import TABLES

if TYPE_CHECKING:
    import polars as pl

    from consilience.store.keeper import Session

KEEP: Mapping[str, int] = {"metrics": 7, "metrics_1m": 90, "statements": 90}
"""Days by default: raw metrics for a week, minutes and slow statements for a quarter; hours and history for ever."""

#: What hangs together goes together.
_TOGETHER = {"questions": ("questions", "responses", "verdicts", "recommendations", "rounds")}


@dataclass(frozen=True, slots=True)
class Status(StatusDisplayed):
    """What a store holds.

    Parameters
    ----------
    address
        The file, or the server without its password.
    version
        Of its schema; ``None`` before the first rows.
    size
        Bytes of the file, or of the tables with their indexes.
    waiting, waiting_size
        Segments in the spool that nobody has taken yet, and their bytes.
    tables
        ``name, rows, oldest, newest``, one row a table.
    """

    address: str
    version: int | None
    size: int
    waiting: int
    waiting_size: int
    tables: pl.DataFrame

    def __repr__(self) -> str:
        rows = self.tables["rows"].sum()
        return f"<Status of {self.address!r}: version {self.version}, {rows:,} rows, {self.size:,} bytes>"


@dataclass(frozen=True, slots=True)
class Maintained:
    """What `Store.maintain` did.

    Parameters
    ----------
    rolled
        Rows of each table of roll-ups that were new or changed.
    removed
        Rows of each table that were older than is kept.
    """

    rolled: Mapping[str, int]
    removed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Compacted:
    """What `Store.compact` did: bytes of the file, or of the tables, before and after."""

    before: int
    after: int


class Upkeep(History, StoreDisplayed):
    """The faces that keep a store in order. Each runs when it is called, and never by itself."""

    def status(self) -> Status:
        """Return what the store holds; one statement."""
        from consilience.store.queries import STATUS

        frame = self._read(STATUS, ())
        versions = frame.filter(frame["name"] == "schema_version")
        address, size, waiting = self._sizes()
        return Status(
            address=address,
            version=versions["rows"].item() if size else None,
            size=size,
            waiting=len(waiting),
            waiting_size=sum(waiting),
            tables=frame.filter(frame["name"] != "schema_version"),
        )

    def revision(self) -> object:
        """Return what is different as soon as the store holds other rows; of a file it is two looks at folders.

        Raises
        ------
        StoreError
            A server does not answer.
        """
        return self._revision()

    def maintain(self, *, keep: Mapping[str, int] = KEEP, now: datetime | None = None) -> Maintained:
        """Roll metrics up to minutes and hours, then remove whole days that are older than is kept; all or nothing.

        Running it again changes nothing. Roll-ups hold number, sum, least and greatest value exactly, and the 50th,
        95th and 99th percentile, which come from raw rows and cannot be joined: a raw row that arrives when its day
        was removed already is added to the first four, and the percentiles of its bucket become unknown.

        Parameters
        ----------
        keep
            Days by table; what is not named is kept for ever. ``questions`` stands for all of their responses,
            verdicts and recommendations. By default raw metrics are kept for a week, minutes and slow statements for
            90 days.
        now
            The time with its zone; by default that of the clock.

        Raises
        ------
        InvalidInput
            There is no such table, or it goes with another one; or a number of days is below 0.
        StoreBusy, StoreFull, StoreTooNew
            The file cannot be changed now.
        """
        from consilience.store.rollups import maintained

        children = {child for tables in _TOGETHER.values() for child in tables[1:]}
        for table, days in keep.items():
            if table not in TABLES or table in children:
                names = ", ".join(sorted(TABLES.keys() - children))
                raise InvalidInput(f"keep= takes days for {names}; {table!r} came.")
            if days < 0:
                raise InvalidInput(f"keep= takes days from 0 up, {days} came for {table}.")
        by_table = {each: n for table, n in keep.items() for each in _TOGETHER.get(table, (table,))}
        with self._alone() as session:
            return maintained(session, by_table, (now or datetime.now(UTC)).astimezone(UTC))

    def migrate(self) -> int:
        """Bring the store to this version's schema now, instead of with the next write, and return the version.

        Raises
        ------
        StoreTooNew
            It was written by a newer version. It is not changed.
        """
        with self._alone() as session:
            return session.version()

    def compact(self) -> Compacted:
        """Write the file, or the server's tables, anew without the space of what was removed.

        Others wait meanwhile. A process that is killed during it leaves the old file or the new one, whole.

        Raises
        ------
        StoreFull
            The new file needs space beside the old one.
        StoreBusy, StoreTooNew
            The file cannot be changed now.
        """
        raise NotImplementedError

    def export(
        self, folder: str | os.PathLike[str], *, since: date | None = None, until: date | None = None
    ) -> Mapping[str, int]:
        """Write ``history/<table>/day=YYYY-MM-DD/part-<uuid>.parquet`` (zstd), and return the rows of each table.

        Polars, DuckDB and Dask read these folders directly, with the column ``day`` from their names. A process that
        is killed during it leaves whole files only, and a folder ``.exporting-*``.

        Parameters
        ----------
        folder
            Where ``history`` comes to lie; it is made.
        since, until
            Only days from the one on, and before the other, in UTC.

        Raises
        ------
        InvalidInput
            The folder holds a day already that would be written: its rows would be there twice.
        StoreFull, StoreBusy
            The disk is full, or the store cannot be read now.
        """
        raise NotImplementedError

    def import_(self, folder: str | os.PathLike[str]) -> Mapping[str, int]:
        """Take what `export` wrote, and return the rows of each table that were new.

        Rows that are there already are passed over, so that importing twice, or after having been interrupted, adds
        nothing twice.

        Parameters
        ----------
        folder
            Where ``history`` lies.

        Raises
        ------
        InvalidInput
            There is no ``history`` in it, or a table or column that this version does not know.
        StoreError
            A file cannot be read. What came before it is taken.
        """
        raise NotImplementedError

    def _alone(self) -> AbstractContextManager[Session]:
        """Return what changes tables, after all that was written is in them."""
        raise NotImplementedError

    def _revision(self) -> object:
        """Return what changes with the rows that are kept, and with those that wait."""
        raise NotImplementedError

    def _sizes(self) -> tuple[str, int, list[int]]:
        """Return the address, the bytes of the file or tables, and those of each segment that waits."""
        raise NotImplementedError
