"""Handing over: what this process wrote, and what a dead one left, comes from the spool into the tables."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress

from consilience.errors import StoreAway, StoreBusy, StoreError
from consilience.store.ingest import Ingester
from consilience.store.outbox import Outbox
from consilience.store.spool import Spool

_LOG = logging.getLogger("consilience.store")
_PAUSE = 0.005
_CLOSING_SECONDS = 5.0
_ORPHANED_SECONDS = 2.0


class HandOver:
    """The way of one process's rows into the tables.

    Parameters
    ----------
    spool, outbox, ingester
        The parts of one store.
    address
        Of the store, for messages.
    """

    def __init__(self, spool: Spool, outbox: Outbox, ingester: Ingester, address: str) -> None:
        self._spool = spool
        self._outbox = outbox
        self._ingester = ingester
        self._address = address

    def before_reading(self, timeout: float) -> None:
        """See to it that a reader finds what this process wrote, and what a dead one left."""
        self._outbox.flush()
        if self._spool.written_here():
            self.own(timeout)
        elif self._spool.waiting() and self._ingester.rested(_ORPHANED_SECONDS):
            self._others(timeout)

    def own(self, timeout: float) -> None:
        """Return when what this process has written until now is in the tables, by whoever takes it.

        Raises
        ------
        StoreBusy
            Another process held the store for longer than ``timeout`` seconds.
        """
        # Fixed here: other threads go on writing, and would make this wait for ever.
        own = self._spool.written_here()
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if self._ingester.take(max(left, 0.0)) or not any(map(self._spool.holds, own)):
                return
            if left <= 0:
                raise StoreBusy(
                    f"What this process wrote must be in {self._address} within {timeout:g} s, another process held "
                    "the store longer. The rows are safe in the spool: try again, or give Store a longer timeout."
                )
            time.sleep(_PAUSE)

    def when_closing(self, timeout: float) -> None:
        """Hand over what can be taken now; the rest is safe in the spool, and the next process takes it."""
        if not self._outbox.waiting():
            return
        try:
            self.own(min(_CLOSING_SECONDS, timeout))
        except StoreError as error:
            _LOG.info("Segments are left in the spool for the next process: %s", error)

    def _others(self, timeout: float) -> None:
        # Nobody has taken anything for a while: the writer is dead. Readers that tried more often would hold the
        # ingest lock before the writers' threads.
        with suppress(StoreBusy, StoreAway):
            if os.access(self._spool.folder, os.W_OK):
                self._ingester.take(min(_ORPHANED_SECONDS, timeout))
