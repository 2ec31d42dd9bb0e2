"""How far a run is, shown where it is watched: a bar in a notebook, a line in a terminal, lines in a log."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from consilience.runs.cards import line, progress_card
from consilience.runs.tally import Tally


class Progress(Protocol):
    """A place where progress is shown."""

    interval: float

    def show(self, tally: Tally, state: str = "") -> None:
        """Show where the run stands; ``state`` says how it ended."""


class Silent:
    """Shows nothing."""

    interval = 3600.0

    def show(self, tally: Tally, state: str = "") -> None:
        """Do nothing."""


class Log:
    """Plain lines on a stream, every few seconds, for logs, pipes and notebooks that run unattended.

    Parameters
    ----------
    stream
        Standard error by default.
    """

    interval = 5.0

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def show(self, tally: Tally, state: str = "") -> None:
        """Print a line."""
        print(f"{tally.done:,} of {tally.rows:,} rows: {line(tally, state)}", file=self._stream, flush=True)


class Terminal:
    """One line of a terminal that is written again.

    Parameters
    ----------
    stream
        Standard error by default.
    """

    interval = 0.2

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def show(self, tally: Tally, state: str = "") -> None:
        """Write the line again; at the end leave it."""
        import shutil

        width = shutil.get_terminal_size().columns - 1
        n = round(20 * min(tally.done / tally.rows, 1.0))
        bar = "\u2588" * n + "\u2591" * (20 - n)
        text = f"{bar} {tally.done:,}/{tally.rows:,} {line(tally, state)}"[:width]
        self._stream.write(f"\r\x1b[K{text}" + ("\n" if state else ""))
        self._stream.flush()


class Notebook:
    """A display in a notebook that is updated in place.

    Parameters
    ----------
    handle
        What ``IPython.display.display(..., display_id=True)`` returns.
    """

    interval = 0.5

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def show(self, tally: Tally, state: str = "") -> None:
        """Update the display."""
        self._handle.update(
            {"text/html": progress_card(tally, state), "text/plain": line(tally, state)}, raw=True
        )


def shown_here(wanted: bool) -> Progress:
    """Return how progress is shown where this is called.

    Parameters
    ----------
    wanted
        ``False`` for none; ``True`` chooses by where it runs: a display in a notebook, a line in a terminal, and plain
        lines every five seconds everywhere else.
    """
    if not wanted:
        return Silent()
    if _in_notebook():
        import IPython.display

        display: Any = IPython.display.display
        return Notebook(display({"text/plain": "\u2026"}, raw=True, display_id=True))
    return Terminal() if sys.stderr.isatty() else Log()


async def follow(progress: Progress, tally: Tally, sleep: Callable[[float], Any] = asyncio.sleep) -> None:
    """Show progress until cancelled."""
    while True:
        await sleep(progress.interval)
        progress.show(tally)


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"
