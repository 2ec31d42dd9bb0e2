"""The outbox: rows of this process on their way to the spool.

What `Outbox.put` was given is durable when it returns. Threads that arrive while another one writes wait for it and
then write together, one segment for all. When the disk is full the rows stay here and go with the next write.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from consilience.errors import StoreError
from consilience.store.rows import Bundle
from consilience.store.spool import Spool


class Outbox:
    """Rows that wait for the spool, and the names of this process's segments that wait for the ingester.

    Parameters
    ----------
    spool
        Where segments go.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._pending: list[Bundle] = []
        self._own: set[str] = set()
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    @property
    def n_pending(self) -> int:
        """Rows that are in memory only."""
        return sum(bundle.n_rows for bundle in tuple(self._pending))

    def put(self, bundle: Bundle) -> None:
        """Write the rows, and those that were left over; raise `StoreFull` and keep them when the disk is full."""
        with self._lock:
            self._pending.append(bundle)
        self.flush()

    def flush(self) -> None:
        """Write what is in memory, as one segment."""
        from consilience.store.segments import encode

        with self._writing:
            with self._lock:
                taken = tuple(self._pending)
            if not taken:
                return
            try:
                data = encode(taken)
            except (TypeError, ValueError, OverflowError) as error:
                self._refuse(taken)
                raise StoreError(
                    f"A row holds what a store cannot keep, and is not written: {error}."
                ) from error
            name = self._spool.write(data)
            with self._lock:
                del self._pending[: len(taken)]
                self._own.add(name)

    def _refuse(self, taken: Sequence[Bundle]) -> None:
        """Let go of the bundles that cannot be written, so that the others can be."""
        from consilience.store.segments import encode

        for bundle in taken:
            try:
                encode([bundle])
            except (TypeError, ValueError, OverflowError):
                with self._lock:
                    self._pending = [each for each in self._pending if each is not bundle]

    def pass_on(self, data: bytes) -> None:
        """Write a finished segment; when that fails, its rows stay with the caller."""
        name = self._spool.write(data)
        with self._lock:
            self._own.add(name)

    def waiting(self) -> frozenset[str]:
        """Return this process's segments that are still in the spool."""
        with self._lock:
            self._own = {name for name in self._own if self._spool.holds(name)}
            return frozenset(self._own)

    def forget(self) -> None:
        """Start empty, in a forked child: the parent writes what it holds."""
        self.__init__(self._spool)  # type: ignore[misc]
