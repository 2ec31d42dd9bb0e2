"""The store: history of questions, responses and verdicts in one DuckDB file that many processes share."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from consilience.errors import InvalidInput, StoreBusy, StoreError, StoreFull
from consilience.store.history import History
from consilience.store.locks import Locks
from consilience.store.outbox import Outbox
from consilience.store.places import check_writable, place
from consilience.store.rows import Bundle, bundle, slow_statement
from consilience.store.spool import Spool
from consilience.store.statement import Statement

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from consilience.models import Question, Response
    from consilience.store.frames import Reading
    from consilience.store.ingest import Ingester
    from consilience.store.leases import Leases
    from consilience.store.worker import Worker
    from consilience.verdict import Verdict

_LOG = logging.getLogger("consilience.store")
_PAUSE = 0.005
_CHECK_SECONDS = 1.0
_CLOSING_SECONDS = 5.0
_ORPHANED_SECONDS = 2.0


class Store(History):
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
        self._locks = Locks(self._place.spool)
        self._spool = Spool(self._place.spool)
        self._outbox = Outbox(self._spool)
        self._parts: tuple[Leases, Ingester, Worker] | None = None
        self._loading = threading.Lock()
        self._closed = False
        _alive.add(self)

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
        self._require_open()
        leases, _, worker = self._loaded()
        # Writing needs no DuckDB: who holds the file, or fills the disk, matters to the ingester alone.
        with suppress(StoreBusy, StoreFull):
            leases.check(_CHECK_SECONDS)
        check_writable(self._place)
        try:
            self._outbox.put(rows)
        finally:
            worker.wake()  # Also when the disk is full: the thread tries again.

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
        leases, _, _ = self._loaded()
        leases.check(self._timeout)

    def close(self) -> None:
        """Write and hand over what is left, and end the background thread. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        _alive.discard(self)
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
        self._require_open()
        leases, ingester, _ = self._loaded()
        started = time.monotonic()
        self._outbox.flush()
        if self._outbox.waiting():
            self._take_own(self._timeout)
        elif self._spool.waiting() and ingester.rested(_ORPHANED_SECONDS):
            self._take_others(ingester)
        from consilience.store.frames import Reading

        with leases.reading(self._timeout) as connection:
            reading = Reading.of(connection, query, params, timeout, limit)
            plan = reading.plan(connection) if reading.seconds >= self._slow else None
        if plan is not None:
            self._keep_slow(reading, plan)
        self._tell(Statement(query, time.monotonic() - started, reading.frame.height))
        return reading.frame

    def _tell(self, statement: Statement) -> None:
        if self._observer is not None:
            self._observer(statement)
        for watcher in tuple(self._watchers):
            watcher.saw(statement)

    def _keep_slow(self, reading: Reading, plan: str) -> None:
        try:
            self.write(slow_statement(reading.query, reading.seconds, reading.frame.height, plan))
        except StoreError as error:
            _LOG.warning(
                "A statement took %.3g s and could not be kept for slow(): %s", reading.seconds, error
            )

    def _take_own(self, timeout: float) -> None:
        """Return when what this process has written until now is in the file, by whoever takes it."""
        _, ingester, _ = self._loaded()
        own = (
            self._outbox.waiting()
        )  # Fixed here: other threads go on writing, and would make this wait for ever.
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            elected = ingester.take(max(left, 0.0))
            if elected or not any(map(self._spool.holds, own)):
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

                _close_before_duckdb()
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


_alive: weakref.WeakSet[Store] = weakref.WeakSet()


def _close_before_duckdb() -> None:
    # The last registered runs first, and DuckDB 2 registers when it is imported: after its hook no rows can enter.
    atexit.unregister(_close_all)
    atexit.register(_close_all)


def _close_all() -> None:
    for store in tuple(_alive):
        try:
            store.close()
        except (StoreError, OSError) as error:
            _LOG.error("Rows were lost when the process ended: %s", error)


def _fork_all() -> None:
    for store in tuple(_alive):
        store._forked()  # noqa: SLF001 - the hook belongs to the class and has no other caller


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_all)
