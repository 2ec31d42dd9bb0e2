"""Whether a run on any machine still lives: a lock that its connection holds, which the server lets go with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Connection

from consilience.store.postgres.connections import Connections

_HELD = """
SELECT ((classid::bigint << 32) | objid::bigint) FROM pg_catalog.pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
"""


class ServerLiving:
    """The sign of life of one run; see `Living`.

    Parameters
    ----------
    connections
        To the server.
    run_id
        Of the run.
    timeout
        Seconds to wait for a connection.
    """

    def __init__(self, connections: Connections, run_id: str, timeout: float) -> None:
        self._connections = connections
        self._run_id = run_id
        self._timeout = timeout
        self._holder: Connection[Any] | None = None

    def begin(self) -> None:  # noqa: D102 - told in Living
        holder = self._connections.direct()
        holder.execute("SELECT pg_advisory_lock($1)", [_key(self._run_id)])
        self._holder = holder

    def end(self) -> None:  # noqa: D102 - told in Living
        if self._holder is not None:
            with suppress(psycopg.Error):
                self._holder.close()
            self._holder = None

    def others(self, run_ids: Iterable[str]) -> frozenset[str]:  # noqa: D102 - told in Living
        self._hold()
        keys = {run_id: _key(run_id) for run_id in run_ids}
        if not keys:
            return frozenset()
        with self._connections.lent(self._timeout) as connection:
            held = {key for (key,) in connection.execute(_HELD).fetchall()}
        return frozenset(run_id for run_id, key in keys.items() if key in held)

    def undisturbed(self) -> bool:
        """Return that nobody knows: runs of other machines come and go, and have spools of their own."""
        return False

    def _hold(self) -> None:
        """Show again that the run lives when the server was away meanwhile, and forgot what was held."""
        if self._holder is None:
            return
        try:
            self._holder.execute("SELECT 1")
        except psycopg.OperationalError:
            self._holder.close()
            self.begin()


def _key(run_id: str) -> int:
    # 63 bits, so that both halves come back as they went.
    return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:8], "big") >> 1
