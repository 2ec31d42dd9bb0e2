"""Work in steps on several threads, that Ctrl-C can end between two steps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

from consilience.errors import InvalidInput

__all__ = ["spread", "thread_count"]

MOST = 64


def thread_count(threads: int | None) -> int:
    """Return how many threads to use: as many as this process may run on, unless told.

    Examples
    --------
    >>> thread_count(2)
    2
    """
    if threads is None:
        affinity = getattr(os, "sched_getaffinity", None)
        return min(MOST, len(affinity(0)) if affinity else os.cpu_count() or 1)
    if not 1 <= threads <= MOST:
        raise InvalidInput(f"threads must be between 1 and {MOST}, got {threads}; None uses every core")
    return threads


def spread(work: Callable[[int], Iterator[None]], parts: int) -> None:
    """Run the steps of every part, each part on its own thread; one part runs in the caller's.

    Parameters
    ----------
    work
        Takes the number of a part, and yields after each step; a step of a kernel takes some ten milliseconds
        and holds no GIL. An exception or an interrupt in one part ends the others at their next step.
    parts
        Number of parts.

    Examples
    --------
    >>> done = []
    >>> def work(part):
    ...     done.append(part)
    ...     yield
    >>> spread(work, 2)
    >>> sorted(done)
    [0, 1]
    """
    if parts == 1:
        for _ in work(0):
            pass
        return
    stop = Event()

    def drain(part: int) -> None:
        for _ in work(part):
            if stop.is_set():
                return

    with ThreadPoolExecutor(parts, thread_name_prefix="consilience-kernel") as pool:
        futures = [pool.submit(drain, part) for part in range(parts)]
        try:
            wait(futures, return_when="FIRST_EXCEPTION")
        finally:
            # On the way out of an interrupt the other threads are still at work.
            if any(not future.done() or future.exception() for future in futures):
                stop.set()
    for future in futures:
        future.result()
