"""One reader of a store for all sessions of a process: each thing is read once, however many look at it."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from consilience.dashboards.query import Known, Query
from consilience.errors import ConsilienceError, StoreError

if TYPE_CHECKING:
    from consilience.store import Store

__all__ = ["Listener", "Reader", "reader_of"]

_LOG = logging.getLogger("consilience.dashboards")
T = TypeVar("T")
Listener = Callable[[Known[Any]], object]

_EVERY = 0.5
# A reading keeps the ingester waiting, so it rests three times as long as it took, up to a few seconds.
_REST = 3.0
_LONGEST_REST = 5.0
_KEPT = 300.0
# What failed is tried again, but does not fill the log.
_AFTER_FAULT = 2.0


class Reader:
    """Reads what sessions subscribed to, when the store has changed, and tells them.

    A thread looks for a change twice a second while anybody listens, and ends when nobody does. Listeners are called
    on that thread. Each reading rests three times as long as it took, up to five seconds, so that writers keep their
    rates.

    Parameters
    ----------
    store
        What is read; no connection is held.
    every
        Seconds between two looks.
    clock
        Monotonic seconds.

    Examples
    --------
    >>> import tempfile
    >>> from consilience.dashboards.query import sql
    >>> from consilience.store import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/history.duckdb") as store:
    ...     reader = Reader(store)
    ...     reader.now(sql("questions", "SELECT count(*) AS n FROM questions")).value.item()
    0
    """

    def __init__(
        self, store: Store, *, every: float = _EVERY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store = store
        self._every = every
        self._clock = clock
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._listeners: dict[Query[Any], list[Listener]] = {}
        self._known: dict[Query[Any], Known[Any]] = {}
        self._revisions: dict[Query[Any], object] = {}
        self._due: dict[Query[Any], float] = {}

    def subscribe(self, query: Query[T], listener: Callable[[Known[T]], object]) -> Callable[[], None]:
        """Tell the listener what the query brings, now if it is known and again whenever that changes.

        Returns
        -------
        Callable
            Ends the subscription; calling it again changes nothing.
        """
        with self._lock:
            self._listeners.setdefault(query, []).append(listener)
            known = self._known.get(query)
            self._start()
        if known is not None:
            listener(known)
        self._wake.set()
        left = [listener]

        def stop() -> None:
            with self._lock:
                if left and query in self._listeners:
                    self._listeners[query].remove(left.pop())
                    if not self._listeners[query]:
                        del self._listeners[query]

        return stop

    def known(self, query: Query[T]) -> Known[T] | None:
        """Return what the query brought last, or ``None`` when it was not read yet; it never waits."""
        with self._lock:
            return self._known.get(query)

    def now(self, query: Query[T]) -> Known[T]:
        """Read the query now, on this thread, and return what it brought."""
        self._read(query, self._revision())
        with self._lock:
            return self._known[query]

    @property
    def listening(self) -> int:
        """Subscriptions that are open."""
        with self._lock:
            return sum(map(len, self._listeners.values()))

    def look(self) -> None:
        """Read what is wanted and has changed, once, and tell the listeners. The thread does this all the time."""
        revision = self._revision()
        with self._lock:
            # somebody waits for what was never read; the others see what was read last
            wanted = sorted(self._listeners, key=self._known.__contains__)
            self._forget()
        for query in wanted:
            if self._stale(query, revision):
                self._read(query, revision)

    def _stale(self, query: Query[Any], revision: object) -> bool:
        with self._lock:
            known, now = self._known.get(query), self._clock()
            if known is None:
                return True
            old = now - known.read_at >= query.ages
            changed = self._revisions.get(query) != revision
            return (old or changed or known.error is not None) and now >= self._due.get(query, 0.0)

    def _read(self, query: Query[Any], revision: object) -> None:
        started = self._clock()
        value: Any = None
        error: ConsilienceError | None = None
        try:
            value = query.read(self.store)
        except ConsilienceError as caught:
            error = caught
        except Exception:  # noqa: BLE001 - a page's own fault must not end the thread that all sessions share
            _LOG.exception("The query %r failed", query.key)
            error = StoreError("This could not be worked out; the log of the server says why.")
        ended = self._clock()
        with self._lock:
            before = self._known.get(query)
            same = before is not None and _same(before, value, error)
            self._known[query] = Known(before.value if same and before else value, error, ended)
            self._revisions[query] = revision
            rest = _AFTER_FAULT if error is not None else self._every
            self._due[query] = ended + max(rest, min(_REST * (ended - started), _LONGEST_REST))
            known, listeners = self._known[query], () if same else tuple(self._listeners.get(query, ()))
        for listener in listeners:
            try:
                listener(known)
            except Exception:  # noqa: BLE001 - one session's fault must not keep the news from the others
                _LOG.exception("A listener to %r failed", query.key)

    def _revision(self) -> object:
        with suppress(StoreError, OSError):
            return self.store.revision()
        return object()  # It cannot be told: what is due is read, and its own error shown.

    def _forget(self) -> None:
        limit = self._clock() - _KEPT
        for query, known in list(self._known.items()):
            if query not in self._listeners and known.read_at < limit:
                for kept in (self._known, self._revisions, self._due):
                    kept.pop(query, None)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="consilience-dashboard", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            self._wake.wait(self._every)
            self._wake.clear()
            self.look()
            with self._lock:
                if not self._listeners:
                    self._thread = None
                    return


def _same(before: Known[Any], value: Any, error: ConsilienceError | None) -> bool:
    if before.error is not None or error is not None:
        return str(before.error) == str(error)
    equals = getattr(value, "equals", None)
    if equals is not None and type(value) is type(before.value):
        return bool(equals(before.value))
    return bool(before.value == value)


# By the id of the store, which stays its own for as long as the reader holds it.
_READERS: weakref.WeakValueDictionary[int, Reader] = weakref.WeakValueDictionary()
_MAKING = threading.Lock()


def reader_of(store: Store) -> Reader:
    """Return the one reader of a store in this process."""
    with _MAKING:
        reader = _READERS.get(id(store))
        if reader is None:
            reader = _READERS[id(store)] = Reader(store)
        return reader
