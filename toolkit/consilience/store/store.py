"""The store: history of questions, responses and verdicts in one DuckDB file that many processes share."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from consilience.errors import InvalidInput, StatementTimedOut, StoreBusy, StoreError, StoreFull
from consilience.store.alive import alive, close_before_duckdb
from consilience.store.locks import Locks
from consilience.store.outbox import Outbox
from consilience.store.places import check_writable, place
from consilience.store.rows import Bundle, bundle, slow_statement
from consilience.store.spool import Spool
from consilience.store.statement import Statement
from consilience.store.upkeep import Compacted, Upkeep

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from consilience.frames import Frame
    from consilience.models import Question, Response
    from consilience.store.ingest import Ingester
    from consilience.store.leases import Leases
    from consilience.store.worker import Worker
    from consilience.verdict import Verdict

_LOG = logging.getLogger("consilience.store")
_PAUSE = 0.005
_CHECK_SECONDS = 1.0
_CLOSING_SECONDS = 5.0
_ORPHANED_SECONDS = 2.0


class Store(Upkeep):
    """History in a DuckDB file that notebooks, dashboards and workers on one machine use at once.

    Making a `Store` opens no file and starts no thread. Writers put segments into a spool folder beside the file; one
    of the processes takes them into DuckDB. Threads may share a store. A pickled store arrives with the same path and
    nothing pending; so does a forked one.

    Parameters
    ----------
    path
        The DuckDB file; it is made when the first rows arrive. Its folder must exist, on a local disk.
    timeout
        Longest wait for other processes when reading, in seconds.
    interval
        Seconds between two ingests of this process: about how old another process's view may be.
    observer
        Called with a `Statement` after each statement that reads; none by default.
    slow
        Seconds from which on a statement is kept with its plan, for `slow`: 1 by default, since what runs longer keeps
        others from seeing new rows within a second. Values of its parameters can stand in the plan.

    Raises
    ------
    NetworkFileSystem
        The path lies on a network file system.
    StoreError
        The path is a folder, a file of another kind, a URL, or its folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from consilience.models import Label, Outcome, Question, Response, Source
    >>> question = Question("Is water wet?", Label("yes", "no"))
    >>> said = Response(
    ...     question_id=question.id,
    ...     expert="ana",
    ...     source=Source.PERSON,
    ...     outcome=Outcome.ANSWERED,
    ...     answer="yes",
    ... )
    >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/history.duckdb") as store:
    ...     store.record(question, [said], None)
    ...     store.latest()["question"].to_list()
    ['Is water wet?']
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeout: float = 30.0,
        interval: float = 0.5,
        observer: Callable[[Statement], None] | None = None,
        slow: float = 1.0,
    ) -> None:
        if min(timeout, interval, slow) <= 0:
            raise InvalidInput(
                f"timeout, interval and slow must be above 0 s, {timeout!r}, {interval!r} and {slow!r} came."
            )
        self._place = place(path)
        self._timeout = timeout
        self._interval = interval
        self._observer = observer
        self._slow = slow
        self._watchers = []
        self._before_close: list[Callable[[], object]] = []
        self._locks = Locks(self._place.spool)
        self._spool = Spool(self._place.spool)
        self._outbox = Outbox(self._spool)
        self._parts: tuple[Leases, Ingester, Worker] | None = None
        self._loading = threading.Lock()
        self._closed = False
        alive.add(self)

    @property
    def path(self) -> Path:
        """The DuckDB file."""
        return self._place.file

    def record(self, question: Question, responses: Iterable[Response], verdict: Verdict | None) -> None:
        """Write a question with its responses and verdict, all or nothing; they are durable when this returns.

        Recording the same objects again adds nothing; with a new verdict or more responses it adds those, and
        `latest` shows the newer verdict.

        Parameters
        ----------
        question, responses
            What was asked and what came back.
        verdict
            What it adds up to; ``None`` when the question was left before that.

        Raises
        ------
        StoreFull
            The disk is full. The rows stay in memory and go with the next `record` or `flush`.
        StoreTooNew
            The file was written by a newer version.
        StoreError
            The store is closed, or its folder cannot be written.
        """
        self.write(bundle(question, responses, verdict))

    def write(self, rows: Bundle) -> None:
        """Write rows of the store's tables, all or nothing; they are durable when this returns.

        Raises
        ------
        StoreFull, StoreTooNew, StoreError
            As in `record`.
        """
        with self._writable():
            self._outbox.put(rows)

    def put_metrics(self, frame: Frame) -> None:
        """Write a frame of metrics as one segment; it is durable when this returns.

        Parameters
        ----------
        frame
            ``asked_at`` (times with a zone), ``source``, ``name``, ``value``, and ``label`` if there is one, as a
            Polars, pandas or Arrow frame; NaN is kept as unknown. A few hundred thousand rows at once go fastest.

        Raises
        ------
        InvalidFrame
            A column is missing or of another kind.
        StoreFull, StoreTooNew, StoreError
            As in `record`, but the rows are not kept in memory: give them again.
        """
        from consilience.store.metrics import metric_columns
        from consilience.store.segments import encode_columns

        data = encode_columns("metrics", metric_columns(frame).to_arrow())
        with self._writable():
            self._outbox.pass_on(data)

    def before_close(self, call: Callable[[], object]) -> None:
        """Call this when the store is about to close, so that what gathers rows for it can hand them over."""
        self._loaded()  # What is not loaded when the process ends cannot be loaded any more.
        self._before_close.append(call)

    def flush(self) -> None:
        """Write what a full disk left in memory, and have everything that this process wrote taken into the file.

        Raises
        ------
        StoreFull
            The disk is still full.
        StoreBusy
            Other processes held the store for longer than the timeout; the rows are safe in the spool.
        """
        self._require_open()
        self._outbox.flush()
        if self._place.spool.exists():
            self._take_own(self._timeout)

    def check(self) -> None:
        """Raise what stands against using the store, before anything is paid for; later calls cost nothing.

        Raises
        ------
        StoreTooNew
            The file was written by a newer version. It is not changed.
        StoreError
            The store is closed, or the file is not a store.
        """
        self._require_open()
        self._loaded()[0].check(self._timeout)

    def compact(self) -> Compacted:  # noqa: D102 - told in Upkeep
        self.migrate()  # Makes the file if there is none.
        before = self.path.stat().st_size
        with self._locks.elected(self._timeout):
            self._loaded()[0].compact(self._timeout)
        return Compacted(before, self.path.stat().st_size)

    def export(  # noqa: D102 - told in Upkeep
        self, folder: str | os.PathLike[str], *, since: date | None = None, until: date | None = None
    ) -> Mapping[str, int]:
        from consilience.store.parquet import exported

        self._hand_over()
        return exported(self._loaded()[0], self._timeout, Path(folder), since, until)

    def import_(self, folder: str | os.PathLike[str]) -> Mapping[str, int]:  # noqa: D102 - told in Upkeep
        from consilience.store.parquet import imported

        self._hand_over()
        check_writable(self._place)
        return imported(self._loaded()[0], self._timeout, Path(folder))

    def close(self) -> None:
        """Write and hand over what is left, and end the background thread. A second call does nothing."""
        if self._closed:
            return
        while self._before_close:
            self._before_close.pop()()
        self._closed = True
        alive.discard(self)
        if self._parts is None:
            return
        self._parts[2].stop()
        self._outbox.flush()
        # What cannot be taken now is safe in the spool, and the next process takes it.
        if self._outbox.waiting():
            try:
                self._take_own(min(_CLOSING_SECONDS, self._timeout))
            except StoreError as error:
                _LOG.info("Segments are left in the spool for the next process: %s", error)
        self._parts[0].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[..., Store], tuple[object, ...]]:
        return _again, (os.fspath(self.path), self._timeout, self._interval, self._slow)

    def __repr__(self) -> str:
        state = ", closed" if self._closed else ""
        return f"<Store {os.fspath(self.path)!r}, {self._outbox.n_pending} rows pending{state}>"

    def _read(
        self,
        query: str,
        params: tuple[object, ...],
        *,
        timeout: float | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        started = time.monotonic()
        leases = self._hand_over()
        from consilience.store.frames import Reading, plan

        slow: Bundle | None = None
        try:
            with leases.reading(self._timeout) as connection:
                try:
                    reading = Reading.of(connection, query, params, timeout, limit)
                except StatementTimedOut:
                    slow = slow_statement(query, timeout or 0.0, None, plan(connection, query, params))
                    raise
                if reading.seconds >= self._slow:
                    text = plan(connection, query, params)
                    slow = slow_statement(query, reading.seconds, reading.frame.height, text)
        finally:
            self._keep(slow)
        self._tell(Statement(query, time.monotonic() - started, reading.frame.height))
        return reading.frame

    def _hand_over(self) -> Leases:
        """See to it that what this process wrote, and what a dead one left, is in the file."""
        self._require_open()
        leases, ingester, _ = self._loaded()
        self._outbox.flush()
        if self._outbox.waiting():
            self._take_own(self._timeout)
        elif self._spool.waiting() and ingester.rested(_ORPHANED_SECONDS):
            self._take_others(ingester)
        return leases

    @contextmanager
    def _alone(self) -> Iterator[duckdb.DuckDBPyConnection]:
        check_writable(self._place)
        with self._hand_over().writing(self._timeout) as connection:
            yield connection

    def _sizes(self) -> tuple[Path, int, list[int]]:
        size = self.path.stat().st_size if self.path.exists() else 0
        return self.path, size, [segment.size for segment in self._spool.waiting()]

    def _tell(self, statement: Statement) -> None:
        if self._observer is not None:
            self._observer(statement)
        for watcher in tuple(self._watchers):
            watcher.saw(statement)

    def _keep(self, slow: Bundle | None) -> None:
        if slow is None:
            return
        try:
            self.write(slow)
        except StoreError as error:
            _LOG.warning("A slow statement could not be kept for slow(): %s", error)

    @contextmanager
    def _writable(self) -> Iterator[None]:
        self._require_open()
        leases, _, worker = self._loaded()
        # Writing needs no DuckDB: who holds the file, or fills the disk, matters to the ingester alone.
        with suppress(StoreBusy, StoreFull):
            leases.check(_CHECK_SECONDS)
        check_writable(self._place)
        try:
            yield
        finally:
            worker.wake()  # Also when the disk is full: the thread tries again.

    def _take_own(self, timeout: float) -> None:
        """Return when what this process has written until now is in the file, by whoever takes it."""
        ingester = self._loaded()[1]
        # Fixed here: other threads go on writing, and would make this wait for ever.
        own = self._outbox.waiting()
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if ingester.take(max(left, 0.0)) or not any(map(self._spool.holds, own)):
                return
            if left <= 0:
                raise StoreBusy(
                    f"What this process wrote must be in {self.path} within {timeout:g} s, another process held the "
                    "store longer. The rows are safe in the spool: try again, or give Store a longer timeout."
                )
            time.sleep(_PAUSE)

    def _take_others(self, ingester: Ingester) -> None:
        # Nobody has taken anything for a while: the writer is dead. Readers that tried more often would hold the
        # ingest lock before the writers' threads.
        with suppress(StoreBusy):
            if os.access(self._place.spool, os.W_OK):
                ingester.take(min(_ORPHANED_SECONDS, self._timeout))

    def _loaded(self) -> tuple[Leases, Ingester, Worker]:
        with self._loading:
            if self._parts is None:
                from consilience.store.ingest import Ingester
                from consilience.store.leases import Leases
                from consilience.store.worker import Worker

                close_before_duckdb()
                leases = Leases(self._place, self._locks)
                ingester = Ingester(self._spool, self._locks, leases)
                worker = Worker(self._outbox, ingester, self._interval)
                # A store that nobody holds any more must not keep its thread.
                weakref.finalize(self, worker.stop, wait=False).atexit = False
                self._parts = (leases, ingester, worker)
            return self._parts

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError(f"The store {self.path} is closed: make a new Store.")

    def _forked(self) -> None:
        self._loading = threading.Lock()
        self._outbox.forget()
        if self._parts is not None:
            self._parts[2].forget()


def _again(path: str, timeout: float, interval: float, slow: float) -> Store:
    return Store(path, timeout=timeout, interval=interval, slow=slow)
