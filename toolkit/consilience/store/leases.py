"""Leases: the DuckDB file is open only between lock and unlock, for one statement or one transaction.

A lease attaches the file to an engine and detaches it at its end, which makes a checkpoint where rows were written.
Readers' engines attach it read-only, reach no other file, and their settings are locked. Engines are kept, open files
are not.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TypeVar

import duckdb

from consilience.errors import StoreBusy, StoreError, StoreTooNew
from consilience.kernels.files import sync_folder
from consilience.store import failures
from consilience.store.engines import Engines
from consilience.store.forking import gate
from consilience.store.keeper import Load, MemoryShort
from consilience.store.locks import Locks
from consilience.store.places import Place, check_file
from consilience.store.schema import MIGRATIONS, SCHEMA_VERSION, older

T = TypeVar("T")

_STORAGE_VERSION = "v1.5.0"
_PAUSE = 0.02
# A checkpoint writes the last row group of each table anew, and needs some five times its bytes of memory: DuckDB's own
# 122,880 rows are too many. It is the same for every file and every lease, since a checkpoint under a larger size would
# join all smaller groups, and read the whole file for that. Only compacting makes larger ones.
_GROUP_ROWS = 4_096
_LEAST_MEMORY = 40 * 2**20
_MEMORY_A_BYTE = 4
_ENGINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # Otherwise a name in a statement could mean a variable of the calling Python function.
    "python_enable_replacements": "false",
}


class Leases:
    """Access to one DuckDB file.

    Parameters
    ----------
    place
        The file and its spool.
    locks
        The locks of the store.
    clock, sleep
        Monotonic seconds and how to wait; injected for tests.
    """

    def __init__(
        self,
        place: Place,
        locks: Locks,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place = place
        self._locks = locks
        self._clock = clock
        self._sleep = sleep
        self._checked = False
        self._name = str(place.file).replace("'", "''")
        self._readers = Engines(self._sealed)
        self._writers = Engines(self._limited)
        self._memory = _LEAST_MEMORY
        self._most = 0

    def close(self) -> None:
        """Close the engines that wait; the next lease starts another one."""
        self._readers.close()
        self._writers.close()

    @contextmanager
    def reading(self, timeout: float, *, files: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield an engine that sees the store's tables and can change nothing; an empty store has empty tables.

        With ``files`` it reaches other files too: for statements of this package, never for a user's.
        """
        # Where nothing was written yet there is nothing to lock, and reading makes no folder.
        new = not self._place.file.exists() and not self._place.spool.exists()
        with (
            nullcontext() if new else self._locks.reading(timeout),
            gate.passed(),
            self._reader(timeout, files=files) as connection,
        ):
            try:
                if not self._checked:
                    self._check(version(connection))
                yield connection
            except duckdb.Error as error:
                raise failures.translated(error, self._place.file) from None

    @contextmanager
    def writing(self, timeout: float, load: Load | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection alone with the file, migrated to this version; closing it makes a checkpoint.

        With ``load``, the rows that are to be added, the engine takes as much memory as these need: otherwise it keeps
        each block that the checkpoint reads and writes, up to most of the machine's memory. When it was too little
        `MemoryShort` is raised, and the next time it is twice as much; when there is no more, `StoreError`.
        """
        with self._locks.writing(timeout), gate.passed(), self._opened(timeout, load) as connection:
            yield connection

    def compact(self, timeout: float) -> None:
        """Write the file anew and put it in the old one's place; the caller is the ingester.

        The new file is made under a name that is swept when its maker dies, and takes the old one's place whole.
        """
        file = self._place.file
        with self._locks.writing(timeout), gate.passed():
            fresh = self._place.spool / f".writing-{uuid.uuid4().hex}.duckdb"
            try:
                with self._opened(timeout) as connection:
                    _copy(connection, fresh)
                # Closed, so that no log is left that the new file would take for its own.
                if file.with_name(file.name + ".wal").exists():
                    raise StoreError(
                        f"{file} still has a log, and was not compacted: make space, and try again."
                    )
                shutil.copymode(file, fresh)
                _sync(fresh)
                os.replace(fresh, file)
                sync_folder(file.parent)
            except OSError as error:
                raise failures.translated(error, file) from error
            finally:
                for left in (fresh, fresh.with_name(fresh.name + ".wal")):
                    with suppress(OSError):
                        left.unlink()

    @contextmanager
    def _opened(self, timeout: float, load: Load | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        self._make()
        self._refuse_newer()
        engine = _started() if load is None else self._writers.take()
        as_it_was = False
        memory = self._most
        try:
            if load is not None:
                memory = min(max(self._memory, _MEMORY_A_BYTE * load.n_bytes), self._most)
                engine.execute(f"SET memory_limit = '{memory} B'")
            attach = f"ATTACH '{self._name}' AS store (ROW_GROUP_SIZE {_GROUP_ROWS})"
            self._retried(lambda: _attached(engine, attach), timeout)
            found = version(engine)
            self._check(found)
            migrate(engine, found)
            yield engine
            _detach(engine)
            as_it_was = load is not None
        except (duckdb.Error, MemoryShort) as error:
            failure = failures.translated(error, self._place.file)
            if isinstance(failure, MemoryShort):
                if memory == self._most:
                    raise StoreError(str(failure)) from error
                self._memory = 2 * memory
            raise failure from error
        finally:
            if as_it_was:
                self._writers.keep(engine)
            else:
                failures.closed(engine, self._place.file)

    def check(self, timeout: float) -> None:
        """Raise what stands against using the file, such as `StoreTooNew`; later calls cost nothing."""
        if not self._checked and self._place.file.exists():
            with self.reading(timeout):
                pass

    def _make(self) -> None:
        # Made under another name: a process that is killed half way leaves no half file at the store's path.
        file = self._place.file
        if file.exists():
            return
        fresh = self._place.spool / f".writing-{uuid.uuid4().hex}.duckdb"
        engine = self._writers.take()
        try:
            name = str(fresh).replace("'", "''")
            _attached(engine, f"ATTACH '{name}' AS store (STORAGE_VERSION '{_STORAGE_VERSION}')")
            migrate(engine, 0)
            _detach(engine)
            _sync(fresh)
            os.replace(fresh, file)
            sync_folder(file.parent)
        except (duckdb.Error, OSError) as error:
            engine.close()
            with suppress(OSError):
                fresh.unlink()
            raise failures.translated(error, file) from error
        self._writers.keep(engine)

    def _refuse_newer(self) -> None:
        # Opening for writing replays a log that a crash left behind: a newer version's file would change by that.
        if self._checked and not self._place.file.with_name(self._place.file.name + ".wal").exists():
            return
        try:
            with self._reader(0.0) as connection:
                self._check(version(connection))
        except duckdb.Error as error:
            raise failures.translated(error, self._place.file) from error

    def _check(self, found: int | None) -> None:
        if found is None:
            raise StoreError(
                f"A store of Consilience is required, {self._place.file} is a DuckDB file with other tables: choose "
                "another path."
            )
        if found > SCHEMA_VERSION:
            raise StoreTooNew(
                f"This version of Consilience reads stores up to version {SCHEMA_VERSION}, {self._place.file} has "
                f"version {found}: upgrade with pip install -U consilience. The file was not changed."
            )
        self._checked = True

    @contextmanager
    def _reader(self, timeout: float, *, files: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        engine = _started() if files else self._readers.take()
        as_it_was = False
        try:
            attached = self._retried(lambda: self._attached_for_reading(engine), timeout)
            yield engine
            if attached and not files:
                _detach(engine)
                as_it_was = True
        finally:
            if as_it_was:
                self._readers.keep(engine)
            else:
                engine.close()

    def _attached_for_reading(self, engine: duckdb.DuckDBPyConnection) -> bool:
        """Attach the file, and return whether detaching it leaves the engine as it was."""
        if not self._place.file.exists():
            migrate(engine, 0)
            return False
        _attached(engine, f"ATTACH '{self._name}' AS store (READ_ONLY)")
        if 0 < (version(engine) or 0) < SCHEMA_VERSION:
            engine.execute("USE memory" + "".join(_views(engine)))
            return False
        return True

    def _sealed(self) -> duckdb.DuckDBPyConnection:
        engine = _started()
        # beside the file and its log, what an ingester that was killed in a checkpoint leaves
        allowed = ", ".join(
            f"'{self._name}{end}'" for end in ("", ".wal", ".wal.checkpoint", ".wal.recovery")
        )
        engine.execute(
            f"SET allowed_paths = [{allowed}]; SET enable_external_access = false; SET lock_configuration = true"
        )
        return engine

    def _limited(self) -> duckdb.DuckDBPyConnection:
        engine = _started()
        # Otherwise it would write what exceeds its memory into the folder in which the user works.
        engine.execute("SET temp_directory = ''")
        own = engine.execute("SELECT parse_formatted_bytes(current_setting('memory_limit'))").fetchall()
        self._most = int(own[0][0])
        return engine

    def _retried(self, opened: Callable[[], T], timeout: float) -> T:
        # Our own locks are held: only a program of another make, or a connection of the user's, can be in the way.
        deadline = self._clock() + timeout
        while True:
            try:
                return opened()
            except duckdb.Error as error:
                check_file(self._place.file)
                failure = failures.translated(error, self._place.file)
                if not isinstance(failure, StoreBusy) or self._clock() >= deadline:
                    raise failure from error
            self._sleep(_PAUSE)


def version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """Return the schema version, 0 for a database without tables, ``None`` for one that is no store."""
    try:
        # Every row is fetched: in DuckDB 2 a result that was not read to its end keeps the connection.
        rows = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):  # no such table, or one of another make
        tables = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_catalog = current_database()"
        ).fetchall()
        return None if tables[0][0] else 0
    return int(rows[0][0])


def migrate(connection: duckdb.DuckDBPyConnection, before: int | None = None) -> None:
    """Apply the migrations that the database lacks, each in a transaction with its line in ``schema_version``."""
    if before is None:
        before = version(connection) or 0
    for number, text in enumerate(MIGRATIONS[before:], start=before + 1):
        connection.begin()
        connection.execute(text)
        connection.execute("INSERT INTO schema_version VALUES (?, now())", [number])
        connection.commit()


def _started() -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(":memory:", config=_ENGINE)
    # No bar on the standard output of a program that reads a store.
    engine.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return engine


def _attached(engine: duckdb.DuckDBPyConnection, statement: str) -> None:
    engine.execute(statement)
    engine.execute("USE store")


def _detach(engine: duckdb.DuckDBPyConnection) -> None:
    engine.execute("USE memory")
    engine.execute("DETACH store")


def _views(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield what makes an older file look like one of this version: what it lacks is empty or NULL."""
    found = connection.execute(
        "SELECT table_name, list(column_name) FROM information_schema.columns WHERE table_catalog = 'store' GROUP BY 1"
    ).fetchall()
    there = {name: set(columns) for name, columns in found}
    for name, rows in older(there, "store"):
        yield f"; CREATE VIEW {name} AS {rows}"


def _copy(connection: duckdb.DuckDBPyConnection, fresh: Path) -> None:
    ((name,),) = connection.execute("SELECT current_database()").fetchall()
    target, source = str(fresh).replace("'", "''"), name.replace('"', '""')
    connection.execute(f"ATTACH '{target}' AS fresh (STORAGE_VERSION '{_STORAGE_VERSION}')")
    connection.execute(f'COPY FROM DATABASE "{source}" TO fresh')
    connection.execute("DETACH fresh")


def _sync(file: Path) -> None:
    fd = os.open(file, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
