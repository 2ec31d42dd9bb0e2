"""The store: history of questions, responses and verdicts that many processes share."""

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

from consilience.errors import InvalidInput, StatementTimedOut, StoreAway, StoreBusy, StoreError, StoreFull
from consilience.store.alive import alive, close_before_duckdb
from consilience.store.locks import Locks
from consilience.store.outbox import Outbox
from consilience.store.places import kept_in
from consilience.store.query import Query, Readable
from consilience.store.rows import Bundle, bundle, slow_statement
from consilience.store.spool import Spool
from consilience.store.statement import Statement, cut
from consilience.store.upkeep import Compacted, Upkeep

if TYPE_CHECKING:
    import polars as pl

    from consilience.frames import Frame
    from consilience.models import Question, Response
    from consilience.store.handing import HandOver
    from consilience.store.keeper import Keeper, Living, Session
    from consilience.store.worker import Worker
    from consilience.verdict import Verdict

_LOG = logging.getLogger("consilience.store")
_CHECK_SECONDS = 1.0


class Store(Upkeep):
    """History in a DuckDB file that notebooks, dashboards and workers on one machine use at once, or in PostgreSQL.

    Making a `Store` opens no file and starts no thread. Writers put segments into a spool folder on this machine; one
    of the processes takes them into the tables. Threads may share a store. A pickled store arrives with the same path
    and nothing pending; so does a forked one.

    Parameters
    ----------
    path
        The DuckDB file; it is made when the first rows arrive. Its folder must exist, on a local disk. Or a URL
        ``postgresql://user@host/database`` for a team (extra ``postgres``): the tables lie in its schema
        ``consilience``, and the spool in a folder of the user's data, ``consilience/spools`` (``CONSILIENCE_SPOOLS``
        names another place). A password is better left to ``PGPASSWORD`` or ``~/.pgpass``; it is never shown.
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
        The path, or the spool of a URL, lies on a network file system.
    StoreError
        The path is a folder, a file of another kind, another URL, or its folder does not exist.

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
        self._keeper: Keeper = kept_in(path)
        self._timeout = timeout
        self._interval = interval
        self._observer = observer
        self._slow = slow
        self._watchers = []
        self._before_close: list[Callable[[], object]] = []
        self._locks = Locks(self._keeper.spool)
        self._spool = Spool(self._keeper.spool)
        self._outbox = Outbox(self._spool)
        self._parts: tuple[HandOver, Worker] | None = None
        self._loading = threading.Lock()
        self._closed = False
        alive.add(self)

    @property
    def path(self) -> Path | None:
        """The DuckDB file; ``None`` when a server keeps the rows."""
        return self._keeper.path

    @property
    def address(self) -> str:
        """The DuckDB file as text, or the URL of the server without its password."""
        return self._keeper.address

    @property
    def name(self) -> str:
        """What people call it: the name of its file, or where its server is."""
        return self.path.name if self.path is not None else self.address

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
        if self._spool.folder.exists():
            self._loaded()[0].own(self._timeout)

    def check(self) -> None:
        """Raise what stands against using the store, before anything is paid for; later calls cost nothing.

        A server that is away does not stand against it: what is written meanwhile waits in the spool.

        Raises
        ------
        StoreTooNew
            The store was written by a newer version. It is not changed.
        StoreError
            The store is closed, or the file or schema is not a store.
        """
        keeper = self._usable()
        with suppress(StoreAway):
            keeper.check(self._timeout)

    def compact(self) -> Compacted:  # noqa: D102 - told in Upkeep
        self.migrate()  # Makes the tables if there are none.
        before = self._keeper.size()
        with self._locks.elected(self._timeout):
            self._keeper.compact(self._timeout)
        return Compacted(before, self._keeper.size())

    def export(  # noqa: D102 - told in Upkeep
        self, folder: str | os.PathLike[str], *, since: date | None = None, until: date | None = None
    ) -> Mapping[str, int]:
        from consilience.store.parquet import exported

        self._hand_over()
        return exported(self._keeper, self._timeout, Path(folder), since, until)

    def import_(self, folder: str | os.PathLike[str]) -> Mapping[str, int]:  # noqa: D102 - told in Upkeep
        from consilience.store.parquet import imported

        self._hand_over()
        return imported(self._keeper, self._timeout, Path(folder))

    def living(self, run_id: str) -> Living:
        """Return a run's sign of life, which other runs on this store see."""
        return self._usable().living(run_id)

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
        self._parts[1].stop()
        try:
            self._outbox.flush()
            self._parts[0].when_closing(self._timeout)
        finally:
            self._keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[..., Store], tuple[object, ...]]:
        return _again, (self._keeper.again(), self._timeout, self._interval, self._slow)

    def __repr__(self) -> str:
        state = ", closed" if self._closed else ""
        return f"<Store {self.address!r}, {self._outbox.n_pending} rows pending{state}>"

    def _guard(self, query: str, params: tuple[object, ...]) -> None:
        self._usable().guard(query, params, self._timeout)

    def _read(
        self,
        query: Readable,
        params: tuple[object, ...],
        *,
        timeout: float | None = None,
        limit: int | None = None,
        waiting: bool = True,
    ) -> pl.DataFrame:
        started = time.monotonic()
        if waiting:
            self._hand_over()
        asked = query if isinstance(query, Query) else Query(query)
        text = self._keeper.dialect.text(asked)
        slow: Bundle | None = None
        try:
            with self._usable().reading(self._timeout) as reader:
                try:
                    # One row more than allowed says whether there are more.
                    reading = reader.run(asked, params, timeout, None if limit is None else limit + 1)
                except StatementTimedOut:
                    slow = slow_statement(text, timeout or 0.0, None, reader.plan(asked, params))
                    raise
                if reading.seconds >= self._slow:
                    plan = reader.plan(asked, params)
                    slow = slow_statement(text, reading.seconds, reading.frame.height, plan)
        finally:
            self._keep(slow)
        frame = reading.frame if limit is None else cut(reading.frame, limit)
        self._tell(Statement(text, time.monotonic() - started, frame.height))
        return frame

    def _hand_over(self) -> None:
        """See to it that what this process wrote, and what a dead one left, is in the tables."""
        self._require_open()
        self._loaded()[0].before_reading(self._timeout)

    @contextmanager
    def _alone(self) -> Iterator[Session]:
        self._keeper.check_writable()
        self._hand_over()
        with self._keeper.changing(self._timeout) as session:
            yield session

    def _revision(self) -> object:
        return self._usable().revision(), len(self._spool.waiting())

    def _sizes(self) -> tuple[str, int, list[int]]:
        return self.address, self._keeper.size(), [segment.size for segment in self._spool.waiting()]

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
        _, worker = self._loaded()
        # Writing needs no engine: who holds the tables, or fills the disk, matters to the ingester alone.
        with suppress(StoreAway, StoreBusy, StoreFull):
            self._keeper.check(_CHECK_SECONDS)
        self._keeper.check_writable()
        try:
            yield
        finally:
            worker.wake()  # Also when the disk is full: the thread tries again.

    def _loaded(self) -> tuple[HandOver, Worker]:
        with self._loading:
            if self._parts is None:
                from consilience.store.handing import HandOver
                from consilience.store.ingest import Ingester
                from consilience.store.worker import Worker

                self._keeper.load()
                close_before_duckdb()
                ingester = Ingester(self._spool, self._locks, self._keeper)
                worker = Worker(self._outbox, ingester, self._interval)
                # A store that nobody holds any more must not keep its thread.
                weakref.finalize(self, worker.stop, wait=False).atexit = False
                self._parts = (HandOver(self._spool, self._outbox, ingester, self.address), worker)
            return self._parts

    def _usable(self) -> Keeper:
        self._require_open()
        self._loaded()
        return self._keeper

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError(f"The store {self.address} is closed: make a new Store.")

    def _forked(self) -> None:
        self._loading = threading.Lock()
        self._outbox.forget()
        self._keeper.forget()
        if self._parts is not None:
            self._parts[1].forget()


def _again(path: str, timeout: float, interval: float, slow: float) -> Store:
    return Store(path, timeout=timeout, interval=interval, slow=slow)
