"""A concurrency limit that follows the latency: the gradient of Netflix' concurrency-limits (Gradient2)."""

from __future__ import annotations

from dataclasses import dataclass

from consilience.errors import InvalidInput

__all__ = ["Adaptive", "Gradient"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptive:
    """Bounds of an adaptive limit, for ``Policy(concurrency=Adaptive(...))``.

    Parameters
    ----------
    initial, low, high
        Calls at once: to start with, at least, at most.
    tolerance
        How many times the usual latency a call may take before the limit shrinks. 1.5 lets the noise of a network
        pass.
    """

    initial: int = 16
    low: int = 1
    high: int = 256
    tolerance: float = 1.5

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.initial <= self.high:
            raise InvalidInput(
                f"1 <= low <= initial <= high is required, {self.low}, {self.initial}, {self.high} came."
            )
        if not self.tolerance >= 1:
            raise InvalidInput(f"tolerance is 1 or more, {self.tolerance} came.")


class Gradient:
    """Follows latencies and says how many calls may run at once.

    While calls take about what they usually take, the limit grows by the square root of itself, which is the queue
    that it allows; when they take longer, it shrinks by the ratio of the two; a failure takes a tenth of it.

    Parameters
    ----------
    bounds
        Where the limit starts and stays.

    Examples
    --------
    >>> gradient = Gradient(Adaptive(initial=10))
    >>> for _ in range(50):
    ...     limit = gradient.observe(0.2, running=10)
    >>> limit > 10
    True
    """

    _SMOOTHING = 0.2
    _MEMORY = 200  # calls over which the usual latency is averaged
    _BACK = 0.9

    __slots__ = ("_limit", "_usual", "bounds")

    def __init__(self, bounds: Adaptive) -> None:
        self.bounds = bounds
        self._limit = float(bounds.initial)
        self._usual: float | None = None

    @property
    def limit(self) -> int:
        """Calls that may run at once."""
        return int(self._limit)

    def observe(self, seconds: float, *, running: int, failed: bool = False) -> int:
        """Take in a call that took so many seconds while so many ran, and return the limit."""
        if failed:
            self._set(self._limit * self._BACK)
        elif seconds > 0:
            self._follow(seconds, running)
        return self.limit

    def _follow(self, seconds: float, running: int) -> None:
        usual = seconds if self._usual is None else self._usual + (seconds - self._usual) / self._MEMORY
        if usual > 2 * seconds:  # the other side recovered: an average of bad times is no measure
            usual *= 0.95
        self._usual = usual
        if running < self._limit / 2:  # not used up: nothing was learned about more
            return
        ratio = max(0.5, min(1.0, self.bounds.tolerance * usual / seconds))
        wanted = self._limit * ratio + self._limit**0.5
        self._set(self._limit + self._SMOOTHING * (wanted - self._limit))

    def _set(self, limit: float) -> None:
        self._limit = min(float(self.bounds.high), max(float(self.bounds.low), limit))
