"""Settled cells on their way to the store: many in one segment, none later than the tenth of a second."""

from __future__ import annotations

import asyncio
import time

from consilience.errors import StoreError
from consilience.loop import Lane
from consilience.store import Store
from consilience.store.rows import Bundle, Row

_INTERVAL = 0.02
_ROOM = 4_000


class Settling:
    """Rows of one run that are written together, 20 ms after the first of them came.

    With the write itself, a few milliseconds, a row is durable well within 100 ms. What comes while others are written
    does not wait longer for that: its 20 ms run meanwhile. Whoever adds rows waits in `room` when writing does not
    keep up.

    Parameters
    ----------
    store
        Where they go.

    Attributes
    ----------
    error
        Why the store could not take rows; they are in its memory then, and go with its next write.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[str, list[Row]] = {}
        self._n = 0
        self._first = 0.0
        self._task: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._written = asyncio.Event()
        self._lane = Lane("consilience-settling")
        self.error: StoreError | None = None

    def put(self, rows: Bundle) -> None:
        """Add rows; called on the loop."""
        if not self._rows:
            self._first = time.monotonic()
        for name, own in rows.tables.items():
            self._rows.setdefault(name, []).extend(own)
            self._n += len(own)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_on())

    async def room(self) -> None:
        """Wait until few enough rows wait."""
        while self._n > _ROOM and self.error is None:
            self._written.clear()
            await self._written.wait()

    async def close(self) -> None:
        """Write what is left.

        Raises
        ------
        StoreError
            The store could not take rows.
        """
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._writing is not None:
            await self._writing
        self.finish()
        if self.error is not None:
            raise self.error

    def finish(self) -> None:
        """Write what is left at once, in this thread: where a cancelled run has no time to wait for another one."""
        if rows := self._taken():
            try:
                self._store.write(rows)
            except StoreError as error:
                self.error = error

    async def _write_on(self) -> None:
        while self._rows:
            await asyncio.sleep(self._first + _INTERVAL - time.monotonic())
            if rows := self._taken():
                # Cancelled or not, what was begun is written: the thread goes on.
                self._writing = asyncio.create_task(self._write(rows))
                await asyncio.shield(self._writing)
            self._written.set()

    async def _write(self, rows: Bundle) -> None:
        try:
            await self._lane.call(self._store.write, rows)
        except StoreError as error:
            self.error = error

    def _taken(self) -> Bundle | None:
        rows, self._rows, self._n = self._rows, {}, 0
        return Bundle(rows) if rows else None
