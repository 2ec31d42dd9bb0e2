"""The background thread that sees to it that what was written is taken, twice a second by default."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from consilience.errors import StoreError, StoreFull
from consilience.store.outbox import Outbox

if TYPE_CHECKING:
    from consilience.store.ingest import Ingester

_LOG = logging.getLogger("consilience.store")
_PATIENCE = 2.0


class Worker:
    """A daemon thread that sleeps until something was written, and then takes turns with other processes.

    Parameters
    ----------
    outbox, ingester
        The parts of one store.
    interval
        Seconds between two ingests of this process; another process's ingest half an interval ago counts for it.
    """

    def __init__(self, outbox: Outbox, ingester: Ingester, interval: float) -> None:
        self._outbox = outbox
        self._ingester = ingester
        self._interval = interval
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._said = ""

    def wake(self) -> None:
        """Say that something was written; the first call starts the thread."""
        self._wanted.set()
        with self._lock:
            if not self._stopped.is_set() and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="consilience-store", daemon=True)
                self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self, *, wait: bool = True) -> None:
        """End the thread; with ``wait``, return when it has ended."""
        with self._lock:
            self._stopped.set()
            self._wanted.set()
            thread = self._thread
        if wait and thread is not None and thread is not threading.current_thread():
            thread.join()

    def forget(self) -> None:
        """Start anew, in a forked child, where the thread does not exist."""
        self.__init__(self._outbox, self._ingester, self._interval)  # type: ignore[misc]

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wanted.wait()
            if self._stopped.wait(self._interval):
                break
            self._wanted.clear()
            if not self._turn():
                self._wanted.set()
        self._turn()

    def _turn(self) -> bool:
        """Flush and ingest; return whether nothing of this process is left."""
        try:
            self._outbox.flush()
            if self._ingester.rested(self._interval / 2):
                self._ingester.take(_PATIENCE)
        except (StoreError, OSError) as error:
            self._say(error)
            return False
        self._said = ""
        return not self._outbox.waiting()

    def _say(self, error: Exception) -> None:
        # Once for each trouble, not once a second; what was recorded is safe in the spool or in memory.
        if str(error) != self._said:
            level = logging.ERROR if isinstance(error, StoreFull) else logging.WARNING
            _LOG.log(level, "The store cannot take what was written yet, and tries again: %s", error)
            self._said = str(error)
