"""Open engines are kept apart from forks, and from the end of the interpreter.

A child with a copy of an open engine would write to the parent's file. A daemon thread that is inside an engine when
the interpreter ends is unwound through the engine's code, and that aborts the process.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import clear_frames

from consilience.errors import StoreError

_FORK_SECONDS = 10.0
_END_SECONDS = 5.0
_INTERRUPT_SECONDS = 0.02


class Gate:
    """What every lease goes through."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._inside = 0
        self._broken = False
        self._ending = False
        self._stops: list[Callable[[], None]] = []

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Have no fork begin while an engine is open, and the interpreter wait for it.

        Raises
        ------
        StoreError
            This process is the child of a fork that could not wait for the end of a statement, or it ends.
        """
        if self._broken:
            raise StoreError(
                "This process was forked while a statement ran on the store, and cannot open it: start processes with "
                "the method 'spawn' or 'forkserver'. Writing works."
            )
        with self._free:
            if self._ending:
                raise ended()
            self._inside += 1
        try:
            yield
        finally:
            with self._free:
                self._inside -= 1
                self._free.notify_all()

    @contextmanager
    def stopped_by(self, stop: Callable[[], None]) -> Iterator[None]:
        """Have a block inside stopped when the interpreter ends; it raises then what says so."""
        with self._free:
            self._stops.append(stop)
        try:
            yield
        except Exception as error:
            if self._ending:
                # What the engine left in the frames is freed here: later there is no interpreter to do it in.
                clear_frames(error.__traceback__)
                raise ended() from None
            raise
        finally:
            with self._free:
                self._stops.remove(stop)

    def shut(self) -> None:
        """Let nobody in any more, stop what can be stopped, and wait until all are out, some seconds at most."""
        deadline = time.monotonic() + _END_SECONDS
        with self._free:
            self._ending = True
            while self._inside and time.monotonic() < deadline:
                # Again and again: an engine forgets one that comes while the statement is still prepared.
                for stop in tuple(self._stops):
                    stop()
                self._free.wait(_INTERRUPT_SECONDS)

    def before_fork(self) -> None:
        """Wait for the open engines, some seconds at most."""
        self._free.acquire()
        self._free.wait_for(lambda: not self._inside, timeout=_FORK_SECONDS)

    def in_parent(self) -> None:
        """Let leases begin again."""
        self._free.release()

    def in_child(self) -> None:
        """Start anew, and refuse leases when an engine was open."""
        self._broken = self._broken or self._inside > 0
        self._inside = 0
        self._stops = []
        self._free = threading.Condition()


def ended() -> StoreError:
    """Return the error that says that nothing goes on."""
    return StoreError("The process ends: no store can be read or written any more.")


gate = Gate()
# Stores are closed before this, since `close_before_duckdb` registers later; DuckDB's own hook was there first.
atexit.register(gate.shut)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=gate.before_fork, after_in_parent=gate.in_parent, after_in_child=gate.in_child)
