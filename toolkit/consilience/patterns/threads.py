"""Work in threads, its results in the order of the work."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from threading import Event
from typing import TYPE_CHECKING, TypeAlias

from consilience.kernels.threads import result_of

if TYPE_CHECKING:
    import polars as pl

__all__ = ["in_order"]

Task: TypeAlias = "Callable[[], Iterator[pl.DataFrame]]"

WORTH_THREADS = 4 << 20  # bytes of text: below, starting threads costs more than they save
AHEAD = 16  # frames that a thread makes before somebody asks for them


def in_order(tasks: Iterable[Task], threads: int | None, size: int) -> Iterator[pl.DataFrame]:
    """Yield what the tasks yield, in their order, made by several threads where there is enough to do."""
    n = threads or cpus()
    if n == 1 or size < WORTH_THREADS:
        for task in tasks:
            yield from task()
        return
    yield from _threaded(iter(tasks), n)


def cpus() -> int:
    """Return how many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _threaded(tasks: Iterator[Task], n: int) -> Iterator[pl.DataFrame]:
    stopped = Event()
    waiting: deque[Future[tuple[list[pl.DataFrame], Iterator[pl.DataFrame]]]] = deque()
    pool = ThreadPoolExecutor(n, thread_name_prefix="consilience-scan")
    try:
        while True:
            waiting.extend(pool.submit(_begin, task, stopped) for task in islice(tasks, 2 * n - len(waiting)))
            if not waiting:
                return
            made, rest = result_of(waiting.popleft())
            # The rest is made here, so that results that nobody asked for do not pile up.
            yield from chain(made, rest)
    finally:
        # Also on Ctrl-C: threads end after the part that they are at.
        stopped.set()
        pool.shutdown(cancel_futures=True)


def _begin(task: Task, stopped: Event) -> tuple[list[pl.DataFrame], Iterator[pl.DataFrame]]:
    frames = task()
    made: list[pl.DataFrame] = []
    while not stopped.is_set() and len(made) < AHEAD:
        frame = next(frames, None)
        if frame is None:
            break
        made.append(frame)
    return made, frames
