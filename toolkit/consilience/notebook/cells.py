"""Which cell a widget came from, so that a cell that is run again replaces what it made, and an interrupt stops it."""

from __future__ import annotations

import signal
import sys
import threading
import weakref
from typing import Any, Protocol


class Owned(Protocol):
    """What a cell makes: it can be stopped and closed."""

    def stop(self) -> None:
        """End what is under way."""

    def close(self) -> None:
        """Go away."""


class _Cell:
    """What one execution of a cell made."""

    def __init__(self, execution: str) -> None:
        self.execution = execution
        self.made: weakref.WeakSet[Owned] = weakref.WeakSet()


_lock = threading.Lock()
_cells: dict[str, _Cell] = {}
_live: weakref.WeakSet[Owned] = weakref.WeakSet()
_heard: weakref.WeakSet[Any] = weakref.WeakSet()
_RETRY_SECONDS = 0.2


def adopt(made: Owned) -> None:
    """Remember what the running cell made, and close what an earlier run of the same cell did."""
    kernel = _kernel()
    if kernel is None:
        return
    _live.add(made)
    _listen(kernel)
    header = kernel.get_parent("shell") or {}
    cell_id = header.get("metadata", {}).get("cellId")
    execution = header.get("header", {}).get("msg_id", "")
    if not cell_id or header.get("header", {}).get("msg_type") != "execute_request":
        return  # a callback, or a front end that does not name its cells
    for old in _replaced(cell_id, execution, made):
        old.close()


def stop_all() -> None:
    """Stop whatever widgets have under way."""
    for made in list(_live):
        made.stop()


def _replaced(cell_id: str, execution: str, made: Owned) -> list[Owned]:
    with _lock:
        cell = _cells.get(cell_id)
        old: list[Owned] = []
        if cell is None or cell.execution != execution:
            old = list(cell.made) if cell is not None else []
            cell = _cells[cell_id] = _Cell(execution)
        cell.made.add(made)
        return old


def _kernel() -> Any:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None)


def _listen(kernel: Any) -> None:
    """Stop widgets on an interrupt, whether a cell runs, none does, or one has ended this moment.

    The kernel ignores interrupts between cells, takes the handler for itself while a cell runs, and drops an interrupt
    that comes after the cell's reply and before it has put the handler back. The event loop hears each of them through
    the file descriptor that Python writes a signal's number to, whoever's handler is in place.
    """
    if kernel in _heard:
        return
    _heard.add(kernel)
    loop = kernel.io_loop

    def hear(again: float = 0.0) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        handler = signal.getsignal(signal.SIGINT)
        loop.asyncio_loop.add_signal_handler(signal.SIGINT, stop_all)
        if handler not in (signal.SIG_IGN, signal.getsignal(signal.SIGINT)):
            # a cell's: when the cell has ended, the kernel puts back the one from before it
            signal.signal(signal.SIGINT, handler)
            loop.call_later(again, hear, _RETRY_SECONDS)

    if threading.current_thread() is threading.main_thread():
        hear()
    else:
        loop.add_callback(hear)
