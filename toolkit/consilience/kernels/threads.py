"""Work in steps on several threads, that Ctrl-C can end between two steps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Condition, Event
from typing import Any, TypeVar

from consilience.errors import InvalidInput

__all__ = ["result_of", "spread", "thread_count", "until_done", "wait_for_news"]

T = TypeVar("T")

MOST = 64
_LOOK_SECONDS = 0.5


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
            while wait(futures, _LOOK_SECONDS, return_when="FIRST_EXCEPTION").not_done:
                if any(future.done() and future.exception() for future in futures):
                    break
        finally:
            # On the way out of an interrupt the other threads are still at work.
            if any(not future.done() or future.exception() for future in futures):
                stop.set()
    for future in futures:
        future.result()


def until_done(future: Future[Any]) -> None:
    """Wait for a future; Ctrl-C is heard meanwhile.

    Where Polars was imported it is not heard in a wait without a timeout: the handler that Polars installs has the
    system go on with the wait.
    """
    while wait((future,), _LOOK_SECONDS).not_done:
        pass


def result_of(future: Future[T]) -> T:
    """Return a future's result when it is done; Ctrl-C is heard meanwhile."""
    until_done(future)
    return future.result()


def wait_for_news(condition: Condition) -> None:
    """Wait until a condition is notified, or half a second; Ctrl-C is heard meanwhile, as in `until_done`."""
    condition.wait(_LOOK_SECONDS)
