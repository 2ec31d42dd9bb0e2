"""What every pool tells of itself: the same figures and the same health for all of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from consilience.pools.cards import StatsDisplayed

__all__ = ["Health", "Meter", "PoolStats"]

# As many recent waits as make the 95th percentile steady, and no more than are cheap to sort.
_RECENT = 1_000


@dataclass(frozen=True, slots=True)
class PoolStats(StatsDisplayed):
    """The figures of a pool at one moment; counts are since the pool was made.

    Parameters
    ----------
    size
        Connections that are open now, used or idle.
    idle
        Those of them that wait to be used.
    in_use
        Requests or transactions that hold a connection now, one that is just being opened included.
    waiting
        Those that wait for a connection now.
    made
        Connections that were opened.
    closed
        Connections that were closed, whoever closed them: what is dead is closed and another one made.
    requests
        Requests or transactions that asked for a connection.
    errors
        Those that ended with an error of the connection: refused, lost, timed out. An answer with an error status is
        an answer.
    waits
        Those that had to wait for a connection.
    wait_total
        Seconds that all of them waited together.
    wait_p95
        The 95th percentile of the seconds that the last 1,000 waited, those that did not wait counted as 0.

    Examples
    --------
    >>> PoolStats(size=2, idle=1, in_use=1, made=2, requests=9).idle
    1
    """

    size: int = 0
    idle: int = 0
    in_use: int = 0
    waiting: int = 0
    made: int = 0
    closed: int = 0
    requests: int = 0
    errors: int = 0
    waits: int = 0
    wait_total: float = 0.0
    wait_p95: float = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """What came of looking whether the other side answers.

    Parameters
    ----------
    ok
        Whether it does.
    latency
        Seconds that its answer took; ``None`` when there was none.
    sentence
        What was asked and what came, without secrets.

    Examples
    --------
    >>> bool(Health(False, None, "refused"))
    False
    """

    ok: bool
    latency: float | None
    sentence: str

    def __bool__(self) -> bool:
        return self.ok


class Meter:
    """Counts what a pool is asked for; used on one thread.

    Examples
    --------
    >>> meter = Meter()
    >>> for seconds in [0, 0, 0.5]:
    ...     meter.asked(seconds)
    >>> meter.requests, meter.waits, meter.wait_p95
    (3, 1, 0.5)
    """

    __slots__ = (
        "_recent",
        "closed",
        "errors",
        "in_use",
        "made",
        "requests",
        "wait_total",
        "waiting",
        "waits",
    )

    def __init__(self) -> None:
        self.requests = self.errors = self.waits = self.waiting = self.in_use = self.made = self.closed = 0
        self.wait_total = 0.0
        self._recent: deque[float] = deque(maxlen=_RECENT)

    def asked(self, waited: float) -> None:
        """Count one that asked for a connection and waited so many seconds for it, 0 for not at all."""
        self.requests += 1
        if waited:
            self.waits += 1
            self.wait_total += waited
        self._recent.append(waited)

    @property
    def wait_p95(self) -> float:
        """The 95th percentile of the recent waits in seconds, 0 when there is none."""
        recent = sorted(self._recent.copy())
        return recent[min(len(recent) - 1, int(len(recent) * 0.95))] if recent else 0.0

    def stats(self) -> PoolStats:
        """Return the figures of this moment."""
        size = self.made - self.closed
        return PoolStats(
            size=size,
            idle=max(0, size - self.in_use),
            in_use=self.in_use,
            waiting=self.waiting,
            made=self.made,
            closed=self.closed,
            requests=self.requests,
            errors=self.errors,
            waits=self.waits,
            wait_total=self.wait_total,
            wait_p95=self.wait_p95,
        )
