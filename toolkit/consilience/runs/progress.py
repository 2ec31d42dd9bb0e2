"""How far a run is, shown where it is watched: a bar in a notebook, a line in a terminal, lines in a log."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from consilience.runs.cards import counts, line, progress_card
from consilience.runs.tally import Tally

_SHORTEST, _LONGEST = 4, 20

_LOG = logging.getLogger("consilience.runs")


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
        self._stream.write(f"\r\x1b[K{bar(tally, state, width)}" + ("\n" if state else ""))
        self._stream.flush()


def bar(tally: Tally, state: str, width: int) -> str:
    """Return a line of at most so many characters: share, bar, rows, time, rate, counts and cost.

    Examples
    --------
    >>> tally = Tally(1000, clock=lambda: 40.0)
    >>> tally.started, tally.done, tally.asked, tally._asked_rows, tally.cost_usd = 0.0, 400, 1200, 400, 1.2
    >>> bar(tally, "", 100)
    ' 40%|███████           | 400/1,000 [0:40<1:00, 10.0 rows/s] asked 1,200, reused 0, failed 0; $1.2000'
    """
    share = min(tally.done / tally.rows, 1.0)
    rate = "?" if tally.rate is None else f"{tally.rate:,.1f}"
    left = "" if state else f"<{_clock(tally.remaining)}"
    unpriced = f" and {tally.n_unpriced:,} unpriced" if tally.n_unpriced else ""
    ended = f"{state}; " if state else ""
    head = f"{share:4.0%}|"
    tail = (
        f"| {tally.done:,}/{tally.rows:,} [{_clock(tally.seconds)}{left}, {rate} rows/s] {ended}"
        f"{counts(tally)}; ${tally.cost_usd:,.4f}{unpriced}"
    )
    room = max(_SHORTEST, min(_LONGEST, width - len(head) - len(tail)))
    filled = round(room * share)
    text = head + "\u2588" * filled + " " * (room - filled) + tail
    return text if len(text) <= width else text[: width - 1] + "\u2026"


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


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
        lines every five seconds everywhere else, also in a notebook that a test runs.
    """
    if not wanted:
        return Silent()
    if _in_notebook():
        import IPython.display

        display: Any = IPython.display.display
        return Notebook(display({"text/plain": "\u2026"}, raw=True, display_id=True))
    return Terminal() if sys.stderr.isatty() else Log()


def show(progress: Progress, tally: Tally, state: str = "") -> None:
    """Show progress where that can be done; a closed terminal, or a full disk behind a log, must not end a run."""
    try:
        progress.show(tally, state)
    except (OSError, ValueError) as error:
        _LOG.warning("The progress of a run cannot be shown: %s", error)


async def follow(progress: Progress, tally: Tally, sleep: Callable[[float], Any] = asyncio.sleep) -> None:
    """Show progress until cancelled."""
    while True:
        await sleep(progress.interval)
        show(progress, tally)


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    # A notebook under pytest (nbval) has its output compared: plain lines can be.
    return type(shell).__name__ == "ZMQInteractiveShell" and "PYTEST_VERSION" not in os.environ
