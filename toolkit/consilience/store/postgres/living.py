"""Whether a run on any machine still lives: a lock that its connection holds, which the server lets go with it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf
from typing import Any

import psycopg
from psycopg import Connection

from consilience.errors import StoreError
from consilience.store.locks import in_session, out_of_session
from consilience.store.postgres.connections import Connections

_HELD = """
SELECT ((classid::bigint << 32) | objid::bigint) FROM pg_catalog.pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
"""


_YOUNG = """
SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) < $1::double precision
"""
_STAYS = """
SELECT set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name = 'idle_session_timeout'
"""
# Three signs of life: a run whose connection was cut shows itself again within one.
_GRACE_SECONDS = 3.0


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
    clock
        Monotonic seconds; injected for tests.
    """

    def __init__(
        self,
        connections: Connections,
        run_id: str,
        timeout: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connections = connections
        self._run_id = run_id
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._wanted = False
        self._holder: Connection[Any] | None = None
        self._seen: dict[str, float] = {}

    fades = True

    def begin(self) -> None:  # noqa: D102 - told in Living
        with self._lock:
            self._wanted = True
            self._holder = self._held()

    def keep(self) -> None:  # noqa: D102 - told in Living
        with self._lock:
            if not self._wanted:
                return
            if self._holder is not None:
                try:
                    self._holder.execute("SELECT 1")
                except psycopg.Error:
                    _close(self._holder)
                    self._holder = None
                else:
                    return
            with suppress(StoreError, psycopg.Error):  # the server is away: the next time
                self._holder = self._held()

    def end(self) -> None:  # noqa: D102 - told in Living
        with self._lock:
            self._wanted = False
            holder, self._holder = self._holder, None
        if holder is not None:
            _close(holder)

    def others(self, run_ids: Iterable[str]) -> frozenset[str]:
        """Return those of other runs that live, or did some seconds ago: a server that was away has let go of all.

        One that was started some seconds ago does not know who lives, and all may.
        """
        self.keep()
        keys = {run_id: _key(run_id) for run_id in run_ids}
        if not keys:
            return frozenset()
        with self._connections.lent(self._timeout) as connection:
            held = {key for (key,) in connection.execute(_HELD).fetchall()}
            ((young,),) = connection.execute(_YOUNG, [_GRACE_SECONDS]).fetchall()
        if young:
            return frozenset(keys)
        now = self._clock()
        self._seen.update((run_id, now) for run_id, key in keys.items() if key in held)
        return frozenset(run_id for run_id in keys if now - self._seen.get(run_id, -inf) < _GRACE_SECONDS)

    def undisturbed(self) -> bool:
        """Return that nobody knows: runs of other machines come and go, and have spools of their own."""
        return False

    def _held(self) -> Connection[Any]:
        holder = self._connections.direct()
        try:
            # An idle session is what this is, and servers may end those.
            holder.execute(_STAYS)
            holder.execute("SELECT pg_advisory_lock($1)", [_key(self._run_id)])
        except psycopg.Error:
            holder.close()
            raise
        # A copy in a forked child would keep the session, and the lock with it, when this process is killed.
        in_session(holder.fileno())
        return holder


def _close(holder: Connection[Any]) -> None:
    with suppress(psycopg.Error):
        out_of_session(holder.fileno())
    with suppress(psycopg.Error):
        holder.close()


def _key(run_id: str) -> int:
    # 63 bits, so that both halves come back as they went.
    return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:8], "big") >> 1
