"""A PostgreSQL server as the keeper of rows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from consilience.errors import StoreAway, StoreError
from consilience.store.mounts import refuse_network
from consilience.store.postgres.address import address_of
from consilience.store.query import POSTGRES
from consilience.store.schema import ALL_TABLES

if TYPE_CHECKING:
    from consilience.store.keeper import Load
    from consilience.store.postgres.connections import Connections
    from consilience.store.postgres.exporter import ServerExporter
    from consilience.store.postgres.living import ServerLiving
    from consilience.store.postgres.reader import ServerReader
    from consilience.store.postgres.session import ServerSession

# A server that was found away is left alone for so long before something that can wait.
_QUIET_SECONDS = 5.0
_LIVING_SECONDS = 30.0


class ServerKeeper:
    """Rows in the schema ``consilience`` of a database; see `Keeper`.

    Parameters
    ----------
    url
        ``postgresql://user@host/database``.

    Raises
    ------
    StoreError
        The extra is not installed, or the URL cannot be read.
    NetworkFileSystem
        The folder for the spool lies on a network file system.
    """

    dialect = POSTGRES

    def __init__(self, url: str) -> None:
        self._address = address_of(url)
        self.path: Path | None = None
        self.address = self._address.shown
        self.spool = self._address.spool
        refuse_network(self.spool)
        self._held: Connections | None = None
        self._checked = False
        self._away_until = 0.0

    def load(self) -> None:  # noqa: D102 - told in Keeper, as all of these
        # What is not loaded when the process ends cannot be loaded any more.
        from consilience.store.postgres import reader, session  # noqa: F401
        from consilience.store.postgres.connections import Connections

        self._held = self._held or Connections(self._address)

    def check(self, timeout: float) -> None:  # noqa: D102
        from consilience.store.postgres.tables import version

        if self._checked:
            return
        if time.monotonic() < self._away_until:
            raise StoreAway(f"The store {self.address} did not answer a moment ago.")
        try:
            with self._connections.lent(timeout) as connection:
                version(connection, self._address)
        except StoreAway:
            self._away_until = time.monotonic() + _QUIET_SECONDS
            raise
        self._checked = True

    def check_writable(self) -> None:  # noqa: D102
        try:
            self.spool.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"Writing to a store needs a folder for its spool, {self.spool.parent} cannot be made "
                f"({error.strerror}): name another one in CONSILIENCE_SPOOLS."
            ) from error
        folder = self.spool if self.spool.exists() else self.spool.parent
        if not os.access(folder, os.W_OK | os.X_OK):
            raise StoreError(
                f"Writing to a store needs a folder that can be written, {folder} cannot: name another one in "
                "CONSILIENCE_SPOOLS. Reading works."
            )

    def guard(self, query: str, params: Sequence[object], timeout: float) -> None:  # noqa: D102
        from consilience.store.postgres.guard import check_reading

        with self._connections.lent(timeout) as connection:
            check_reading(connection, query, params, self._address)

    @contextmanager
    def reading(self, timeout: float) -> Iterator[ServerReader]:  # noqa: D102
        from consilience.store.postgres.reader import ServerReader

        yield ServerReader(self._connections, self._address, timeout)

    @contextmanager
    def changing(self, timeout: float, load: Load | None = None) -> Iterator[ServerSession]:  # noqa: D102, ARG002 - the memory is the server's
        from consilience.store.postgres.session import ServerSession

        with self._connections.lent(timeout) as connection:
            session = ServerSession(connection, self._address, timeout)
            session.prepare()
            yield session

    @contextmanager
    def exporting(self, timeout: float) -> Iterator[ServerExporter]:  # noqa: D102
        from consilience.store.postgres.exporter import ServerExporter
        from consilience.store.postgres.reader import reading

        with (
            self._connections.lent(timeout) as connection,
            reading(connection, self._address, whole=True),
        ):
            yield ServerExporter(connection)

    def compact(self, timeout: float) -> None:  # noqa: D102
        from consilience.store.postgres.tables import LOCK, SCHEMA

        with self._connections.lent(timeout) as connection:
            connection.execute(f"SET lock_timeout = {max(1, int(timeout * 1000))}".encode())
            # Not in a transaction: VACUUM takes one of its own for each table.
            connection.execute("SELECT pg_advisory_lock($1)", [LOCK])
            try:
                for table in ALL_TABLES:
                    connection.execute(f"VACUUM (FULL, ANALYZE) {SCHEMA}.{table}".encode())
            finally:
                if not connection.broken:
                    connection.execute("SELECT pg_advisory_unlock($1)", [LOCK])
                    connection.execute("RESET lock_timeout")

    def size(self) -> int:  # noqa: D102
        from consilience.store.postgres.tables import SCHEMA, SIZE

        with self._connections.lent(_LIVING_SECONDS) as connection:
            return int(connection.execute(SIZE, [SCHEMA]).fetchall()[0][0])

    def revision(self) -> tuple[object, ...]:  # noqa: D102
        from consilience.store.postgres.tables import REVISION, SCHEMA

        with self._connections.lent(_LIVING_SECONDS) as connection:
            if connection.execute("SELECT to_regclass($1)", [f"{SCHEMA}.ingested"]).fetchall()[0][0] is None:
                return (0,)
            return tuple(connection.execute(REVISION).fetchall()[0])

    def living(self, run_id: str) -> ServerLiving:  # noqa: D102
        from consilience.store.postgres.living import ServerLiving

        return ServerLiving(self._connections, run_id, _LIVING_SECONDS)

    def close(self) -> None:  # noqa: D102
        if self._held is not None:
            self._held.close()

    def forget(self) -> None:  # noqa: D102
        if self._held is not None:
            self._held.forget()

    def again(self) -> str:  # noqa: D102
        return self._address.url

    @property
    def _connections(self) -> Connections:
        assert self._held is not None, "load() comes first"
        return self._held
