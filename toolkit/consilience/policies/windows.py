"""Sliding windows over results, each step in O(1) whatever their size."""

from __future__ import annotations

from typing import Protocol

from consilience.errors import InvalidInput

__all__ = ["FAILED", "SLOW", "CountWindow", "TimeWindow", "Window"]

FAILED = 1
SLOW = 2


class Window(Protocol):
    """How many of the last calls failed or were slow.

    Attributes
    ----------
    calls, failures, slow
        Counts of the calls that are in the window since the last `add` or `expire`.
    """

    calls: int
    failures: int
    slow: int

    def add(self, now: float, flags: int) -> None:
        """Take in one call: 0, or `FAILED` and `SLOW` added up."""

    def expire(self, now: float) -> None:
        """Drop what is too old."""

    def clear(self) -> None:
        """Start empty."""


class CountWindow:
    """The last `size` calls, one byte each.

    Parameters
    ----------
    size
        Number of calls.

    Examples
    --------
    >>> window = CountWindow(2)
    >>> for flags in (FAILED, 0, SLOW):
    ...     window.add(0.0, flags)
    >>> window.calls, window.failures, window.slow
    (2, 0, 1)
    """

    __slots__ = ("_next", "_ring", "_size", "calls", "failures", "slow")

    def __init__(self, size: int) -> None:
        if size < 1:
            raise InvalidInput(f"A window holds 1 call or more, {size} came.")
        self._size = size
        self.clear()

    def clear(self) -> None:
        """Start empty."""
        self._ring = bytearray(self._size)
        self._next = self.calls = self.failures = self.slow = 0

    def add(self, now: float, flags: int) -> None:  # noqa: ARG002 - the other window needs the time
        """Take in one call; the oldest leaves when the window is full."""
        place = self._next
        old = self._ring[place]
        if old != flags:
            self._ring[place] = flags
            self.failures += (flags & FAILED) - (old & FAILED)
            self.slow += (flags >> 1) - (old >> 1)
        self._next = place + 1 if place + 1 < self._size else 0
        if self.calls < self._size:
            self.calls += 1

    def expire(self, now: float) -> None:
        """Nothing grows old here."""


class TimeWindow:
    """The calls of the last `seconds`, in 64 buckets: the oldest leave up to 1/64 of the window early.

    Parameters
    ----------
    seconds
        Length of the window.

    Examples
    --------
    >>> window = TimeWindow(60)
    >>> window.add(0.0, FAILED)
    >>> window.add(59.0, 0)
    >>> window.calls, window.failures
    (2, 1)
    >>> window.expire(61.0)
    >>> window.calls, window.failures
    (1, 0)
    """

    __slots__ = ("_buckets", "_last", "_width", "calls", "failures", "slow")

    N_BUCKETS = 64

    def __init__(self, seconds: float) -> None:
        if not seconds > 0:
            raise InvalidInput(f"A window is longer than 0 seconds, {seconds} came.")
        self._width = seconds / self.N_BUCKETS
        self.clear()

    def clear(self) -> None:
        """Start empty."""
        self._buckets = [[0, 0, 0] for _ in range(self.N_BUCKETS)]
        self._last = 0
        self.calls = self.failures = self.slow = 0

    def add(self, now: float, flags: int) -> None:
        """Take in one call."""
        number = int(now / self._width)
        if number > self._last:
            self._advance(number)
        bucket = self._buckets[self._last % self.N_BUCKETS]
        bucket[0] += 1
        self.calls += 1
        if flags:
            bucket[1] += flags & FAILED
            bucket[2] += flags >> 1
            self.failures += flags & FAILED
            self.slow += flags >> 1

    def expire(self, now: float) -> None:
        """Drop the buckets that are too old."""
        number = int(now / self._width)
        if number > self._last:
            self._advance(number)

    def _advance(self, number: int) -> None:
        for passed in range(max(self._last + 1, number - self.N_BUCKETS + 1), number + 1):
            bucket = self._buckets[passed % self.N_BUCKETS]
            self.calls -= bucket[0]
            self.failures -= bucket[1]
            self.slow -= bucket[2]
            bucket[:] = (0, 0, 0)
        self._last = number
