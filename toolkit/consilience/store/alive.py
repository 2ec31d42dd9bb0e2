"""Stores that are open in this process: closed when it ends, emptied in a forked child."""

from __future__ import annotations

import atexit
import logging
import os
import weakref
from typing import Protocol

from consilience.loop import background

_LOG = logging.getLogger("consilience.store")


class Open(Protocol):
    """What holds rows in memory, or a thread."""

    def close(self) -> None:
        """Write what is left."""

    def _forked(self) -> None: ...


alive: weakref.WeakSet[Open] = weakref.WeakSet()


def close_before_duckdb() -> None:
    """See to it that stores are closed before DuckDB is, when the process ends.

    The last registered runs first, and DuckDB 2 registers when it is imported: after its hook no rows can enter.
    """
    atexit.unregister(_close_all)
    atexit.register(_close_all)


def _close_all() -> None:
    background.close()  # runs that are under way write what they heard
    for store in tuple(alive):
        try:
            store.close()
        except Exception as error:  # noqa: BLE001 - the other stores are closed all the same
            _LOG.error("Rows were lost when the process ended: %s", error)


def _fork_all() -> None:
    for store in tuple(alive):
        store._forked()  # noqa: SLF001 - the hook belongs to the class and has no other caller


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_all)
