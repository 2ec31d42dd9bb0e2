"""How often a sign-in may fail."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic

from consilience.policies import Gcra, Rate

__all__ = ["Attempts"]

_HELD = 10_000


class Attempts:
    """Counts failures by name and address, and by address alone; whoever failed too often has to wait.

    Nobody can lock somebody else out, unless from the same address.

    Parameters
    ----------
    by_name
        Failures of one name from one address that are let through at once, and then one in each `pause`.
    by_address
        The same for all names together.
    pause
        Seconds until one more try.
    clock
        Monotonic seconds.

    Examples
    --------
    >>> attempts = Attempts(by_name=2, clock=lambda: 0.0)
    >>> for _ in range(2):
    ...     attempts.failed("ana", "10.0.0.1")
    >>> attempts.wait("ana", "10.0.0.1"), attempts.wait("ben", "10.0.0.1")
    (60.0, 0.0)
    """

    def __init__(
        self,
        *,
        by_name: int = 5,
        by_address: int = 30,
        pause: float = 60.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._rate = Rate(1, pause)
        self._by_name, self._by_address, self._clock = by_name, by_address, clock
        self._held: OrderedDict[Hashable, Gcra] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, name: str, address: str) -> float:
        """Return the seconds until the next try is heard; 0 for at once."""
        with self._lock:
            now = self._clock()
            return max(each.wait(now, 1) for each in self._both(name, address))

    def failed(self, name: str, address: str) -> None:
        """Count a failure; a try counts before its password is looked at, so that many at once cannot slip through."""
        with self._lock:
            now = self._clock()
            for each in self._both(name, address):
                each.charge(now, 1)

    def passed(self, name: str, address: str) -> None:
        """Give back what a try was counted that turned out right."""
        with self._lock:
            now = self._clock()
            for each in self._both(name, address):
                each.charge(now, -1)

    def _both(self, name: str, address: str) -> tuple[Gcra, Gcra]:
        return self._of((name, address), self._by_name), self._of(address, self._by_address)

    def _of(self, key: Hashable, burst: int) -> Gcra:
        if key not in self._held:
            self._held[key] = Gcra(self._rate, burst)
        self._held.move_to_end(key)
        while len(self._held) > _HELD:
            self._held.popitem(last=False)
        return self._held[key]
