"""Which entries have expired, found without looking at the others."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from consilience.policies.s3fifo import Entry

__all__ = ["Expiries"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_FEW = 64


class Expiries(Generic[K, V]):
    """A heap of entries by the moment at which they are due; not safe for threads.

    Parameters
    ----------
    is_there
        Whether an entry is still in use: one that was replaced or removed stays in the heap until it comes up.

    Examples
    --------
    >>> expiries = Expiries(lambda entry: True)
    >>> for due in (20.0, 10.0, 30.0):
    ...     expiries.add(Entry("key", due, due=due))
    >>> [entry.value for entry in expiries.take(20.0)]
    [10.0, 20.0]
    """

    def __init__(self, is_there: Callable[[Entry[K, V]], bool]) -> None:
        self._is_there = is_there
        self._heap: list[tuple[float, int, Entry[K, V]]] = []
        self._numbers = itertools.count()
        self._compact_at = _FEW

    def add(self, entry: Entry[K, V]) -> None:
        """Note an entry; one that never expires needs no note."""
        if entry.due is None:
            return
        if len(self._heap) >= self._compact_at:
            self._heap = [noted for noted in self._heap if self._is_there(noted[2])]
            heapq.heapify(self._heap)
            self._compact_at = max(_FEW, 2 * len(self._heap))
        heapq.heappush(self._heap, (entry.due, next(self._numbers), entry))

    def take(self, now: float) -> list[Entry[K, V]]:
        """Return the entries that are due, the oldest first; they are no longer noted."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)[2]
            if self._is_there(entry):
                due.append(entry)
        return due

    def clear(self) -> None:
        """Note nothing any more."""
        self._heap.clear()
