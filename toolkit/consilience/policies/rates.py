"""How much in which time, as people write it, and the generic cell rate algorithm that keeps it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from consilience.errors import InvalidInput

__all__ = ["Gcra", "Rate"]

_PERIODS = {"s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0}
_PERIODS["day"] = 86400.0
_WRITTEN = re.compile(r"\s*([\d_,]+(?:\.\d+)?)\s*/\s*([a-z]+)\s*")


_ROUNDING = 1e-9  # seconds


@dataclass(frozen=True, slots=True)
class Rate:
    """So many units in a period.

    Parameters
    ----------
    units
        Requests or tokens.
    seconds
        Length of the period.

    Examples
    --------
    >>> Rate.read("500/min"), Rate.read("30_000/hour")
    (Rate(units=500.0, seconds=60.0), Rate(units=30000.0, seconds=3600.0))
    """

    units: float
    seconds: float

    def __post_init__(self) -> None:
        if not (self.units > 0 and self.seconds > 0):
            raise InvalidInput(f"A rate is above 0 units in more than 0 seconds, {self} came.")

    @classmethod
    def read(cls, written: object) -> Rate:
        """Read a rate such as ``"500/min"``; the periods are s, min, h and day."""
        if isinstance(written, Rate):
            return written
        match = _WRITTEN.fullmatch(written) if isinstance(written, str) else None
        if match is None or match[2] not in _PERIODS:
            raise InvalidInput(
                f"A rate such as '500/min' is required, with s, min, h or day, {written!r} came."
            )
        return cls(float(re.sub("[_,]", "", match[1])), _PERIODS[match[2]])

    def __str__(self) -> str:
        period = next((name for name, seconds in _PERIODS.items() if seconds == self.seconds), None)
        return f"{self.units:g}/{period or f'{self.seconds:g} s'}"


class Gcra:
    """The generic cell rate algorithm (ITU-T I.371): one number holds the whole state.

    That number is the theoretical arrival time: the moment at which everything that was taken will have been earned.
    A cost passes when that moment lies no further ahead than the burst allows, so any stretch of `t` seconds sees at
    most ``burst + t * rate`` units. It keeps no lock.

    Parameters
    ----------
    rate
        What is earned.
    burst
        Units that may come at once.

    Examples
    --------
    >>> gcra = Gcra(Rate.read("60/min"), burst=2)
    >>> [gcra.take(now, 1) for now in (0.0, 0.0, 0.0, 1.0)]
    [0.0, 0.0, 1.0, 0.0]
    """

    __slots__ = ("_arrival", "_interval", "_share", "burst", "rate")

    def __init__(self, rate: Rate, burst: float) -> None:
        self._arrival = 0.0
        self._share = 1.0
        self.configure(rate, burst)

    def configure(self, rate: Rate, burst: float) -> None:
        """Change rate and burst; what was taken stays taken."""
        if not burst >= 1:
            raise InvalidInput(f"A burst is 1 unit or more, {burst} came.")
        self.rate = rate
        self.burst = burst
        self.share = self._share

    @property
    def share(self) -> float:
        """Share of the rate that is given out, 1 unless the other side throttles."""
        return self._share

    @share.setter
    def share(self, share: float) -> None:
        self._share = share
        self._interval = self.rate.seconds / self.rate.units / share

    def wait(self, now: float, cost: float) -> float:
        """Return the seconds after which the cost would pass; a cost above the burst passes when all is earned."""
        arrival = max(now, self._arrival)
        early = arrival + (min(cost, self.burst) - self.burst) * self._interval - now
        return early if early > _ROUNDING else 0.0

    def take(self, now: float, cost: float) -> float:
        """Take the cost and return 0, or return the seconds after which it would pass."""
        # the two methods below, written out: every call comes through here
        arrival = self._arrival
        arrival = max(arrival, now)
        burst = self.burst
        wait = arrival + ((min(burst, cost)) - burst) * self._interval - now
        if wait > _ROUNDING:
            return wait
        self._arrival = arrival + cost * self._interval
        return 0.0

    def charge(self, now: float, cost: float) -> None:
        """Take a cost whatever is left, or give back a negative one."""
        self._arrival = max(self._arrival, now) + cost * self._interval

    def left(self, now: float) -> float:
        """Return the units that would pass now; below 0 when more was taken than earned."""
        return self.burst - max(0.0, self._arrival - now) / self._interval
