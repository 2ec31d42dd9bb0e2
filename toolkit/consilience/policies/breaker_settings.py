"""The states of a breaker, and the figures by which it goes from one to another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from consilience.errors import InvalidInput
from consilience.policies.windows import CountWindow, TimeWindow, Window

__all__ = ["BreakerSettings", "BreakerState", "Transition"]


class BreakerState(StrEnum):
    """Closed lets every call pass, open none, half-open a few to see how it is."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state: when (monotonic seconds), from what, to what, and why."""

    at: float
    before: BreakerState
    after: BreakerState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """When a breaker opens, and how it closes again.

    Parameters
    ----------
    consecutive
        Failures in a row that open it; ``None`` does not look at rows. 5 is above what a lost connection or a
        restart of the other side causes.
    failure_rate
        Share of failures in the window that opens it; ``None`` does not look. Half is far outside the noise.
    slow_rate, slow_after
        Share of calls that took `slow_after` seconds or longer that opens it; by default slowness does not count.
    window, over
        Length of the window in ``"calls"`` or ``"seconds"``.
    minimum
        Calls in the window below which rates mean nothing.
    open_for, open_at_most
        Seconds for which it stays open the first time; twice as long after each probe that fails, up to the second.
    probes
        Calls that pass when it is half-open, all of which must succeed. 1 hurts an ailing service least.

    Raises
    ------
    InvalidInput
        A value is out of its range.
    """

    consecutive: int | None = 5
    failure_rate: float | None = 0.5
    slow_rate: float | None = None
    slow_after: float = math.inf
    window: float = 100
    over: Literal["calls", "seconds"] = "calls"
    minimum: int = 20
    open_for: float = 10.0
    open_at_most: float = 300.0
    probes: int = 1

    def __post_init__(self) -> None:
        for name in ("failure_rate", "slow_rate"):
            rate = getattr(self, name)
            if rate is not None and not 0 < rate <= 1:
                raise InvalidInput(f"{name} is a share above 0 and at most 1, {rate} came.")
        for name in ("window", "minimum", "open_for", "probes"):
            if not getattr(self, name) > 0:
                raise InvalidInput(f"{name} is above 0, {getattr(self, name)} came.")
        if self.consecutive is not None and self.consecutive < 1:
            raise InvalidInput(f"consecutive is 1 failure or more, or None, {self.consecutive} came.")
        if self.over == "calls" and self.minimum > self.window:
            raise InvalidInput(
                f"A window of {self.window} calls never holds the minimum of {self.minimum}: lower the minimum."
            )
        if self.slow_rate is not None and self.slow_after == math.inf:
            raise InvalidInput("slow_rate needs slow_after: the seconds from which a call counts as slow.")

    def make_window(self) -> Window:
        """Return an empty window."""
        return CountWindow(int(self.window)) if self.over == "calls" else TimeWindow(self.window)
