"""Equal calls of a plain function that are under way in several threads run once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

from consilience.errors import NestedAcquire
from consilience.kernels.threads import until_done

__all__ = ["ThreadFlight"]

T = TypeVar("T")


class ThreadFlight:
    """Run one call for all threads that ask the same at the same time; `SingleFlight` is its like for coroutines.

    The call runs in the thread that asked first; the others wait for its result or its error. When it is interrupted
    (Ctrl-C), that belongs to its own thread: one of the others runs the call again.

    Examples
    --------
    >>> ThreadFlight()("key", lambda: 42)
    42
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight] = {}

    def __call__(self, key: Hashable, function: Callable[[], T]) -> T:
        """Return ``function()``, or what another thread with an equal key is getting from it.

        Raises
        ------
        NestedAcquire
            The call asks for itself.
        """
        while True:
            flight, leads = self._join(key)
            if leads:
                return self._lead(key, flight, function)
            done: Future[T] = flight.done
            until_done(done)
            error = done.exception()
            if error is None:
                return done.result()
            if isinstance(error, Exception):
                raise error

    def _join(self, key: Hashable) -> tuple[_Flight, bool]:
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                self._flights[key] = flight = _Flight()
                return flight, True
        if flight.thread == threading.get_ident():
            raise NestedAcquire(f"The shared call {key!r} asks for itself, and would wait for itself.")
        return flight, False

    def _lead(self, key: Hashable, flight: _Flight, function: Callable[[], T]) -> T:
        try:
            result = function()
        except BaseException as error:  # Ctrl-C too: who waits for this flight must not wait for ever
            self._land(key)
            flight.done.set_exception(error)
            raise
        self._land(key)
        flight.done.set_result(result)
        return result

    def _land(self, key: Hashable) -> None:
        with self._lock:
            del self._flights[key]


class _Flight:
    """A call under way: its thread and its result to come."""

    __slots__ = ("done", "thread")

    def __init__(self) -> None:
        self.done: Future[Any] = Future()
        self.thread = threading.get_ident()
