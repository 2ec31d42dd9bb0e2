"""Connections to a server, lent for one transaction and looked at before; a server that is away is told soon."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import Connection, RawCursor
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from consilience.errors import StoreBusy, StoreError
from consilience.store.postgres import failures
from consilience.store.postgres.address import Address
from consilience.store.postgres.tables import SCHEMA

_LIMIT = 4
_IDLE_SECONDS = 60.0
_RECONNECT_SECONDS = 5.0
# After so long without a connection a second one is tried by hand, which says why there is none.
_DOUBT_SECONDS = 1.0
_CLOSING_SECONDS = 2.0
_SETTINGS = f"SET search_path TO {SCHEMA}; SET TimeZone TO 'UTC'; SET standard_conforming_strings TO on"

# The pool tells of each attempt; the store tells once, with what it means.
logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())


class Connections:
    """A few connections of one process.

    Parameters
    ----------
    address
        Of the server.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._pool: ConnectionPool[Any] | None = None
        self._left: list[object] = []
        self._pid = os.getpid()

    @contextmanager
    def lent(self, timeout: float) -> Iterator[Connection[Any]]:
        """Lend a connection that commits each statement; what a block left open is rolled back.

        Raises
        ------
        StoreAway
            The server does not answer.
        StoreBusy
            This process's connections were in use for longer than ``timeout`` seconds.
        """
        pool = self._opened()
        connection = self._taken(pool, timeout)
        try:
            yield connection
        except psycopg.Error as error:
            raise failures.translated(error, self._address) from None
        finally:
            with suppress(psycopg.Error):
                connection.rollback()
            pool.putconn(connection)

    def direct(self, timeout: float | None = None) -> Connection[Any]:
        """Return a connection outside the pool, which the caller keeps and closes.

        Parameters
        ----------
        timeout
            Seconds to wait, in whole ones; by default as the URL says, or 5.
        """
        patience: dict[str, Any] = {} if timeout is None else {"connect_timeout": max(1, int(timeout))}
        try:
            connection = psycopg.connect(
                self._address.conninfo, autocommit=True, cursor_factory=RawCursor, **patience
            )
        except psycopg.Error as error:
            raise failures.away(self._address, failures.plain(error, self._address)) from None
        return connection

    def close(self) -> None:
        """Close them all; the next one that is asked for opens the pool again."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close(timeout=_CLOSING_SECONDS)

    def forget(self) -> None:
        """Start anew in a forked child, and leave the parent's connections alone."""
        self._lock = threading.Lock()
        self._left.append(self._pool)  # Not freed: that would close what the parent still uses.
        self._pool = None

    def _opened(self) -> ConnectionPool[Any]:
        with self._lock:
            if self._pool is None:
                self._pool = ConnectionPool(
                    self._address.conninfo,
                    kwargs={"autocommit": True, "cursor_factory": RawCursor, "prepare_threshold": None},
                    min_size=0,
                    max_size=_LIMIT,
                    open=True,
                    configure=_configured,
                    check=ConnectionPool.check_connection,
                    name="consilience-store",
                    max_idle=_IDLE_SECONDS,
                    reconnect_timeout=_RECONNECT_SECONDS,
                    num_workers=1,
                )
            return self._pool

    def _taken(self, pool: ConnectionPool[Any], timeout: float) -> Connection[Any]:
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            try:
                connection: Connection[Any] = pool.getconn(timeout=max(0.001, min(left, _DOUBT_SECONDS)))
            except PoolTimeout:
                self.direct(min(5.0, timeout)).close()
                if left <= 0:
                    raise StoreBusy(
                        f"A connection to {self._address.shown} must be free within {timeout:g} s, this process uses "
                        f"all {_LIMIT}: end a statement that runs, or give Store a longer timeout."
                    ) from None
            except PoolClosed:
                raise StoreError(
                    f"The store {self._address.shown} was closed meanwhile: make a new Store."
                ) from None
            else:
                return connection


def _configured(connection: Connection[Any]) -> None:
    connection.execute(_SETTINGS)
