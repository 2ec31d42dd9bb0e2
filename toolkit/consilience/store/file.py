"""A DuckDB file as the keeper of rows: open for one statement or one transaction at a time, see `leases`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from consilience.store.living import LockFiles
from consilience.store.locks import Locks
from consilience.store.places import check_writable, place
from consilience.store.query import DUCKDB, Query
from consilience.store.statement import Reading

if TYPE_CHECKING:
    import duckdb

    from consilience.store.file_session import FileExporter, FileSession
    from consilience.store.keeper import Load
    from consilience.store.leases import Leases


class FileKeeper:
    """Rows in a DuckDB file that processes of one machine share by locks; see `Keeper`.

    Parameters
    ----------
    path
        The file; its spool lies beside it.
    """

    dialect = DUCKDB

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._place = place(path)
        self.path: Path | None = self._place.file
        self.address = os.fspath(self._place.file)
        self.spool = self._place.spool
        self._leases: Leases | None = None

    def load(self) -> None:  # noqa: D102 - told in Keeper, as all of these
        # What is not loaded when the process ends cannot be loaded any more.
        from consilience.store import file_session, frames  # noqa: F401
        from consilience.store.leases import Leases

        self._leases = self._leases or Leases(self._place, Locks(self.spool))

    def check(self, timeout: float) -> None:  # noqa: D102
        self._loaded.check(timeout)

    def check_writable(self) -> None:  # noqa: D102
        check_writable(self._place)

    def guard(self, query: str, params: Sequence[object], timeout: float) -> None:  # noqa: D102, ARG002 - parsing waits for nobody
        from consilience.store.forking import gate
        from consilience.store.guard import check_reading

        with gate.passed():
            check_reading(query)

    @contextmanager
    def reading(self, timeout: float) -> Iterator[FileReader]:  # noqa: D102
        with self._loaded.reading(timeout) as connection:
            yield FileReader(connection)

    @contextmanager
    def changing(self, timeout: float, load: Load | None = None) -> Iterator[FileSession]:  # noqa: D102
        from consilience.store.file_session import FileSession

        check_writable(self._place)
        with self._loaded.writing(timeout, load) as connection:
            yield FileSession(connection, self._place.file)

    @contextmanager
    def exporting(self, timeout: float) -> Iterator[FileExporter]:  # noqa: D102
        from consilience.store.file_session import FileExporter

        with self._loaded.reading(timeout, files=True) as connection:
            yield FileExporter(connection)

    def compact(self, timeout: float) -> None:  # noqa: D102
        self._loaded.compact(timeout)

    def size(self) -> int:  # noqa: D102
        return self._place.file.stat().st_size if self._place.file.exists() else 0

    def revision(self) -> tuple[int, int]:  # noqa: D102
        file = self._place.file
        if not file.exists():
            return 0, 0
        found = file.stat()
        return found.st_mtime_ns, found.st_size

    def living(self, run_id: str) -> LockFiles:  # noqa: D102
        file = self._place.file
        return LockFiles(file.with_name(f"{file.name}.runs"), run_id)

    def close(self) -> None:  # noqa: D102
        if self._leases is not None:
            self._leases.close()

    def forget(self) -> None:
        """Do nothing: the locks see to it."""

    def again(self) -> str:  # noqa: D102
        return self.address

    @property
    def _loaded(self) -> Leases:
        assert self._leases is not None, "load() comes first"
        return self._leases


class FileReader:
    """Statements on an open file; see `Reader`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def run(  # noqa: D102 - told in Reader
        self, query: Query, params: Sequence[object], timeout: float | None = None, limit: int | None = None
    ) -> Reading:
        from consilience.store.frames import run

        return run(self._connection, DUCKDB.text(query), params, timeout, limit)

    def plan(self, query: Query, params: Sequence[object]) -> str:  # noqa: D102 - told in Reader
        from consilience.store.frames import plan

        return plan(self._connection, DUCKDB.text(query), params)
