"""Engines that wait for the next lease: starting one takes 15 ms of CPU, attaching a file to it takes one.

An engine has no file while it waits. None waits across a fork, because its threads would not exist in the child.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress

import duckdb

_MOST = 2


class Engines:
    """Engines of one kind for one store.

    Parameters
    ----------
    start
        Makes one.
    """

    def __init__(self, start: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._start = start
        self._waiting: list[duckdb.DuckDBPyConnection] = []
        self._lock = threading.Lock()
        _all.add(self)

    def take(self) -> duckdb.DuckDBPyConnection:
        """Return an engine; whoever takes it keeps or closes it."""
        with self._lock:
            if self._waiting:
                return self._waiting.pop()
        return self._start()

    def keep(self, engine: duckdb.DuckDBPyConnection) -> None:
        """Let an engine wait that is as it was when it started; too many are closed."""
        with self._lock:
            if len(self._waiting) < _MOST:
                self._waiting.append(engine)
                return
        engine.close()

    def close(self) -> None:
        """Close those that wait."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for engine in waiting:
            with suppress(duckdb.Error):  # without a file there is nothing that closing could lose
                engine.close()


_all: weakref.WeakSet[Engines] = weakref.WeakSet()


def _close_all() -> None:
    for engines in tuple(_all):
        engines.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_all)
