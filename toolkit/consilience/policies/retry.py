"""Another attempt after a failure, within a budget that keeps a broken service from being stormed."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from consilience.errors import InvalidInput
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.deadline import remaining
from consilience.policies.events import EVENTS, Events, Retrying
from consilience.policies.judgement import Classifier, Judgement, judge, retry_after

__all__ = ["Retry", "RetryBudget", "RetrySettings"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """How often, how soon, and at what total cost a failed call is tried again.

    Parameters
    ----------
    retries
        Attempts after the first one.
    first, longest
        Seconds that bound the random wait: before the first retry, doubled before each further one, up to the
        second.
    share, floor
        The budget: retries may add this share to the calls, and the floor on top, which fills again within a
        minute. A fifth is what Google's SRE book and Finagle allow; 10 lets single calls in a notebook retry.
    """

    retries: int = 3
    first: float = 0.5
    longest: float = 30.0
    share: float = 0.2
    floor: float = 10.0

    def __post_init__(self) -> None:
        for name in ("retries", "first", "longest", "share", "floor"):
            if not getattr(self, name) >= 0:
                raise InvalidInput(f"{name} is 0 or more, {getattr(self, name)} came.")


class RetryBudget:
    """An account into which each call pays a share of a retry, and each retry takes one out.

    Parameters
    ----------
    share
        What a call pays in.
    floor
        What lies there in the beginning, and again a minute after it was used up.
    clock
        Measures the minute.

    Examples
    --------
    >>> budget = RetryBudget(share=0.5, floor=1)
    >>> budget.withdraw(), budget.withdraw()
    (True, False)
    >>> budget.deposit(), budget.deposit(), budget.withdraw()
    (None, None, True)
    """

    _SAVED = 100.0  # retries that good times can save above the floor

    def __init__(self, share: float = 0.2, floor: float = 10.0, *, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._balance = floor
        self._at = clock.monotonic()
        self._share, self._floor = share, floor

    @property
    def balance(self) -> float:
        """Retries that are left."""
        return self._balance

    def configure(self, share: float, floor: float) -> None:
        """Change what is paid in and the floor; the balance keeps its distance from the floor."""
        with self._lock:
            self._balance = max(0.0, self._balance + floor - self._floor)
            self._share, self._floor = share, floor

    def deposit(self) -> None:
        """Pay in for a call that begins."""
        if self._balance < self._floor + self._SAVED:
            with self._lock:
                self._balance += self._share

    def withdraw(self) -> bool:
        """Take out a retry; False when nothing is left."""
        with self._lock:
            now = self._clock.monotonic()
            if self._balance < self._floor:
                self._balance = min(self._floor, self._balance + self._floor * (now - self._at) / 60)
            self._at = now
            if self._balance < 1:
                return False
            self._balance -= 1
        return True


class Retry:
    """Decides whether and when a failed call is tried again.

    Parameters
    ----------
    settings
        How often, how soon and at what cost; `RetrySettings` for the defaults.
    classify
        Failures and throttling are tried again, what is ours is not; see `judge`.
    name
        Stands in events.
    clock, events
        Where time comes from and retries are told.
    draw
        Random numbers from 0 to 1 that spread the waits ("full jitter", Brooker, AWS Architecture Blog, 2015).

    Examples
    --------
    >>> import asyncio
    >>> from consilience.policies import ManualClock
    >>> answers = [ConnectionError("reset"), "well again"]
    >>> async def flaky():
    ...     answer = answers.pop(0)
    ...     if isinstance(answer, Exception):
    ...         raise answer
    ...     return answer
    >>> asyncio.run(Retry(RetrySettings(first=0.0))(flaky))
    'well again'
    """

    def __init__(
        self,
        settings: RetrySettings | None = None,
        *,
        classify: Classifier = judge,
        name: str = "",
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings or RetrySettings()
        self.budget = RetryBudget(self.settings.share, self.settings.floor, clock=clock)
        self._classify = classify
        self._name = name
        self._clock = clock
        self._events = events
        self._draw = draw

    def configure(self, settings: RetrySettings, classify: Classifier = judge) -> None:
        """Change settings and classifier; the budget keeps what was paid in and taken out."""
        self.settings = settings
        self._classify = classify
        self.budget.configure(settings.share, settings.floor)

    async def __call__(
        self, function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any, **kwargs: Any
    ) -> T:
        """Await a coroutine function until it succeeds, fails for good, or the budget or deadline is used up."""
        self.budget.deposit()
        attempt = 1
        while True:
            try:
                return await function(*args, **kwargs)
            except Exception as error:  # of what kind it is `delay` judges
                delay = self.delay(attempt, error)
                if delay is None:
                    raise
            await self._clock.sleep(delay)
            attempt += 1

    def delay(self, attempt: int, error: BaseException) -> float | None:
        """Return the seconds until the next attempt and pay for it; ``None`` when there is none.

        It is at least what the other side asked for with Retry-After, and never longer than the surrounding
        `deadline` leaves: then there is no attempt, and no time is spent waiting for its refusal.
        """
        if attempt > self.settings.retries or self._classify(error) is Judgement.OURS:
            return None
        delay = self._backoff(attempt)
        asked = retry_after(error)
        if asked is not None:
            delay += asked  # on top, so that those who were told the same moment do not all come at it
        if delay >= remaining(self._clock) or delay == math.inf:
            error.add_note(
                f"Not tried again: the next attempt would come after the deadline, in {delay:.3g} s."
            )
            return None
        if not self.budget.withdraw():
            error.add_note(
                "Not tried again: the retry budget is used up, because too many calls of this policy fail."
            )
            return None
        if self._events.listeners:
            self._events.emit(
                Retrying(self._name, self._clock.monotonic(), attempt, delay, type(error).__name__)
            )
        return delay

    def _backoff(self, attempt: int) -> float:
        return self._draw() * min(self.settings.longest, self.settings.first * 2.0 ** min(attempt - 1, 60))
