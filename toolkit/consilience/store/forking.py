"""Forks and open engines are kept apart.

A child with a copy of an open engine would write to the parent's file.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from consilience.errors import StoreError

_FORK_SECONDS = 10.0


class ForkGate:
    """What every lease goes through."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._inside = 0
        self._broken = False

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Have no fork begin while an engine is open.

        Raises
        ------
        StoreError
            This process is the child of a fork that could not wait for the end of a statement.
        """
        if self._broken:
            raise StoreError(
                "This process was forked while a statement ran on the store, and cannot open it: start processes with "
                "the method 'spawn' or 'forkserver'. Writing works."
            )
        with self._free:
            self._inside += 1
        try:
            yield
        finally:
            with self._free:
                self._inside -= 1
                self._free.notify_all()

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
        self._free = threading.Condition()


gate = ForkGate()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=gate.before_fork, after_in_parent=gate.in_parent, after_in_child=gate.in_child)
