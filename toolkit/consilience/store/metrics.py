"""Metrics in a store: frames of them, and the events of policies as they happen."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from consilience.errors import CallError, InvalidFrame
from consilience.loop import background, call_in_thread
from consilience.policies import Batcher, Measure, measured
from consilience.policies.batch_events import BatchFailed
from consilience.policies.events import EVENTS, Event, Events
from consilience.store.rows import storable
from consilience.store.sampling import Sampling

if TYPE_CHECKING:
    import polars as pl

    from consilience.frames import Frame
    from consilience.store.store import Store

__all__ = ["KeptMetrics"]

_LOG = logging.getLogger("consilience.store")
_SIZE = 10_000
_CAPACITY = 100_000
_SAMPLED_SECONDS = 10.0


def metric_columns(frame: Frame) -> pl.DataFrame:
    """Return a frame of metrics with the columns and types of the table.

    Raises
    ------
    InvalidFrame
        A column is missing, a time has no zone, or a value is no number.
    """
    import polars as pl

    from consilience.frames import require_columns, to_polars

    table = to_polars(frame)
    require_columns(table, ("asked_at", "source", "name", "value"))
    zone = getattr(table.schema["asked_at"], "time_zone", None)
    if zone is None:
        raise InvalidFrame(
            f"asked_at must be a column of times with a zone, {table.schema['asked_at']} came: "
            "dt.replace_time_zone('UTC') gives it one."
        )
    if not (table.schema["value"].is_numeric() or table.schema["value"] == pl.Null):
        raise InvalidFrame(f"value must be a column of numbers, {table.schema['value']} came.")
    label = pl.col("label") if "label" in table.columns else pl.lit("")
    texts = [pl.col("source"), pl.col("name"), label.alias("label")]
    # NaN means unknown here, and NULL says so in SQL.
    return table.select(
        pl.col("asked_at").dt.convert_time_zone("UTC").dt.cast_time_unit("us"),
        pl.col("value").cast(pl.Float64).fill_nan(None),
        *(text.cast(pl.String).fill_null("") for text in texts),
    )


class KeptMetrics:
    """Keeps what policies, caches and pools tell as rows of the table ``metrics``, from now until `stop`.

    Every ten seconds the hits and misses of the caches and the used share of the pools of the process are added. A call
    only adds to a buffer; batches are written on the background loop's threads. While writing fails, it is
    tried again and rows wait; when the buffer is full, further rows are counted and left out, the log says so, and the
    next row that is written is ``dropped`` with their number.

    Parameters
    ----------
    store
        Where they go. Closing it stops this.
    events
        Whose events; by default those of all policies of the process.
    interval
        Seconds that a row waits at most. One, which is how old a dashboard's view may be.
    capacity
        Rows that wait at most: 100,000 take some 30 MB.
    wall
        Seconds since 1970.

    Examples
    --------
    >>> import tempfile
    >>> from consilience.policies import Policy
    >>> from consilience.store import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/history.duckdb") as store:
    ...     with KeptMetrics(store):
    ...         policy = Policy("doubling", registered=False)
    ...         policy.call_sync(lambda x: 2 * x, 21)
    ...     store.sql("SELECT source, name, label FROM metrics WHERE name = 'call finished: seconds'").rows()
    42
    [('doubling', 'call finished: seconds', 'ok')]
    """

    def __init__(
        self,
        store: Store,
        *,
        events: Events = EVENTS,
        interval: float = 1.0,
        capacity: int = _CAPACITY,
        wall: Callable[[], float] = time.time,
    ) -> None:
        import polars as pl  # noqa: F401 - when the process ends it could not be loaded any more

        # The batcher's own events go elsewhere: told as metrics, each batch would make the next one.
        own = Events()
        own.subscribe(self._trouble)
        self._store, self._wall = store, wall
        self._lock = threading.Lock()
        self._dropped = self._untold = 0
        self._stopping = self._failing = False
        self._batcher = Batcher(
            self._flush,
            full="raise",
            size=min(_SIZE, capacity),
            interval=interval,
            capacity=capacity,
            name="metrics",
            events=own,
        )
        self._unsubscribe = events.subscribe(measured(self._put, wall=wall))
        self._sampling = Sampling()
        self._looking = background.submit(self._look())
        store.before_close(self.stop)

    @property
    def dropped(self) -> int:
        """Rows that found the buffer full."""
        return self._dropped

    def stop(self) -> None:
        """Take no more, and write what waits. A second call tries again what could not be written.

        Raises
        ------
        StoreError
            It could not be written three times; it is still held.
        """
        self._unsubscribe()
        self._looking.cancel()
        if not self._stopping:
            self.sample()
        self._stopping = True
        self._batcher.close()
        if self._untold:
            # the last batch had begun before these were left out, and no other row tells of them
            self._write([])

    def sample(self) -> None:
        """Look at caches and pools now."""
        for row in self._sampling.rows(self._wall()):
            self._put(row)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_SAMPLED_SECONDS)
            self.sample()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = ", stopped" if self._stopping else ""
        return f"<KeptMetrics in {self._store.address!r}, {self._batcher.pending} rows wait{state}>"

    def _put(self, row: Measure) -> None:
        try:
            self._batcher.put_sync(row)
        except CallError as error:
            with self._lock:
                self._dropped += 1
                self._untold += 1
                first = self._untold == 1
            if first:
                _LOG.warning("Metrics are left out until the store takes what waits: %s", error)

    async def _flush(self, rows: list[Measure]) -> None:
        # When the process ends no thread can be started any more.
        if self._stopping:
            self._write(rows)
        else:
            await call_in_thread(self._write, rows)

    def _write(self, rows: list[Measure]) -> None:
        import polars as pl

        with self._lock:
            untold = self._untold
        if untold:
            rows = [*rows, Measure(self._wall(), "metrics", "dropped", float(untold), "")]
        self._store.put_metrics(
            {
                "asked_at": pl.Series([int(row.at * 1e6) for row in rows], dtype=pl.Datetime("us", "UTC")),
                "source": [storable(row.source) for row in rows],
                "name": [storable(row.name) for row in rows],
                "value": pl.Series([row.value for row in rows], dtype=pl.Float64),
                "label": [storable(row.label) for row in rows],
            }
        )
        with self._lock:
            self._untold -= untold
            self._failing = False

    def _trouble(self, event: Event) -> None:
        if isinstance(event, BatchFailed) and not self._failing:
            self._failing = True
            _LOG.warning("Metrics cannot be written, wait, and are tried again: %s", event.reason)
