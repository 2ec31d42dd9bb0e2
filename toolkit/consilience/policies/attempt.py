"""One attempt: breaker, quotas and timeout around it, and what its end tells them."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from types import CoroutineType, TracebackType
from typing import Any, Self

from consilience.errors import AttemptTimedOut, CallError, DeadlineExceeded
from consilience.policies.adaptive import Adaptive, Gradient
from consilience.policies.breaker import Breaker
from consilience.policies.clock import Clock
from consilience.policies.concurrency import Bulkhead
from consilience.policies.deadline import Expiry
from consilience.policies.decorated import awaited
from consilience.policies.entry import Call
from consilience.policies.events import Events, LimitChanged
from consilience.policies.judgement import Classifier, Judgement, judge, retry_after
from consilience.policies.limits import RateLimiter
from consilience.policies.tokens import TokenQuota

__all__ = ["Attempt", "Attempts"]

_LATENCIES = 512


class Attempts:
    """The inner part of a policy, called once for each attempt.

    Parameters
    ----------
    bulkhead, requests, tokens
        The parts that are asked, and told how attempts end.
    clock, events
        Where time comes from and a changed limit is told.

    Attributes
    ----------
    breaker
        ``None`` refuses nothing for failures.
    gradient
        Moves the bulkhead's limit, if it is adaptive.
    metered
        Whether tokens, or a shared quota, have to be asked too.
    """

    def __init__(
        self,
        bulkhead: Bulkhead,
        requests: RateLimiter,
        tokens: TokenQuota,
        *,
        clock: Clock,
        events: Events,
    ) -> None:
        self.breaker: Breaker | None = None
        self.bulkhead = bulkhead
        self.requests = requests
        self.tokens = tokens
        self.gradient: Gradient | None = None
        self.clock = clock
        self.events = events
        self.latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._lock = threading.Lock()
        self.configure(None, judge)

    def configure(self, timeout: float | None, classify: Classifier, *, metered: bool = False) -> None:
        """Set the seconds that one attempt may take, what errors mean, and whether tokens count."""
        self.classify = classify
        self.metered = metered
        self.timeout = math.inf if timeout is None else timeout
        self.late = (
            f"One attempt under {self.requests.name!r} took longer than its timeout of {self.timeout:g} s."
        )
        self.over = f"The deadline of a call under {self.requests.name!r} passed during an attempt."

    async def __call__(self, call: Call) -> Any:
        """Call the function once."""
        with self._at_once(call) or await self.begin(call) as attempt:
            result = call.holder(*call.args, **call.kwargs)
            if result.__class__ is not CoroutineType:
                result = awaited(call.holder, result)
            attempt.result = result = await result
        return result

    def _at_once(self, call: Call) -> Attempt | None:
        """Begin without waiting, if nothing has to be waited for or told."""
        if self.metered:
            return None
        breaker = self.breaker
        permit = 0 if breaker is None else breaker.acquire()
        if self.requests.try_acquire():
            if breaker is not None:
                breaker.release(permit)
            return None
        call.n_attempts += 1
        return Attempt(self, call, permit, 0.0)

    async def begin(self, call: Call, *, timed: bool = True, enclosed: bool = True) -> Attempt:
        """Ask breaker and quotas, and return the attempt, to be entered at once.

        It may have no time limit, and may end later than the blocks around its beginning.

        Raises
        ------
        CircuitOpen, RateLimited
            It may not begin.
        """
        breaker = self.breaker
        permit = 0 if breaker is None else breaker.acquire()
        try:
            expected = await self._quota()
        except BaseException:  # a cancellation too gives the probe back
            if breaker is not None:
                breaker.release(permit)
            raise
        if breaker is not None and not breaker.holds(permit):  # it opened while this attempt waited
            permit = breaker.acquire()
        call.n_attempts += 1
        return Attempt(self, call if timed else None, permit, expected, enclosed=enclosed)

    def expiry(self, call: Call) -> Expiry:
        """Return the time limit of one step of a call."""
        left = call.due - self.clock.monotonic()
        if self.timeout <= left:
            return Expiry(self.clock, self.timeout, AttemptTimedOut, self.late, shared=True)
        return Expiry(self.clock, left, DeadlineExceeded, self.over)

    async def _quota(self) -> float:
        await self.requests.acquire()
        if not self.metered:
            return 0.0
        try:
            return await self.tokens.acquire()
        except BaseException:  # a cancellation too
            self.requests.settle(-1)  # what is turned away spends nothing
            raise

    def adapt(self, bounds: Adaptive) -> None:
        """Let the latency move the bulkhead's limit within bounds; where it stands is kept if the bounds are."""
        if self.gradient is None or self.gradient.bounds != bounds:
            self.gradient = Gradient(bounds)
        self.bulkhead.limit = self.gradient.limit

    def succeeded(self, attempt: Attempt, seconds: float) -> None:
        """Tell all parts that an attempt went well."""
        if self.breaker is not None:
            self.breaker.success(attempt.permit, seconds)
        self.latencies.append(seconds)
        if self.requests.slowed:
            self.requests.ease()
        if self.metered:
            self.tokens.settle(attempt.expected, attempt.result)
        if self.gradient is not None:
            self._adapt(self.gradient, seconds, failed=False)

    def failed(self, attempt: Attempt, error: BaseException, seconds: float) -> None:
        """Tell all parts how an attempt failed."""
        try:
            verdict = self._judge(attempt, error, seconds)
        except BaseException:
            # a classifier of the caller's may raise, and a probe that is not given back would be the last one
            if self.breaker is not None:
                self.breaker.release(attempt.permit)
            raise
        if self.breaker is not None:
            if verdict is Judgement.FAILURE:
                self.breaker.failure(attempt.permit, seconds)
            else:
                self.breaker.release(attempt.permit)
        if verdict is Judgement.THROTTLED:
            self.requests.throttle(retry_after(error))
        if self.gradient is not None and verdict is not Judgement.OURS:
            self._adapt(self.gradient, seconds, failed=True)

    def _judge(self, attempt: Attempt, error: BaseException, seconds: float) -> Judgement:
        if attempt.out_of_time(error):
            # The caller's deadline ended it. Had it most of an attempt's time, the other side is to blame; else not.
            fair = self.timeout == math.inf or seconds >= self.timeout / 2
            return Judgement.FAILURE if fair else Judgement.OURS
        return self.classify(error)

    def _adapt(self, gradient: Gradient, seconds: float, *, failed: bool) -> None:
        with self._lock:
            limit = gradient.observe(seconds, running=self.bulkhead.running, failed=failed)
            changed = limit != self.bulkhead.limit
            if changed:
                self.bulkhead.limit = limit
        if changed and self.events.listeners:
            self.events.emit(LimitChanged(self.requests.name, self.clock.monotonic(), limit))


class Attempt(Expiry):
    """A block that is one attempt: it ends in time, and its end is told to the parts.

    Attributes
    ----------
    result
        What the function returned, for those who read its usage.
    """

    __slots__ = ("_attempts", "_limit", "_outside", "_started", "expected", "permit", "result")

    def __init__(
        self, attempts: Attempts, call: Call | None, permit: int, expected: float, *, enclosed: bool = True
    ) -> None:
        self._attempts = attempts
        self._clock = clock = attempts.clock
        self._started = now = clock.monotonic()
        self._task = None
        self.permit = permit
        self.expected = expected
        self.expired = False
        self.result: object = None
        self._limit = math.inf if call is None else call.due
        left = self._limit - now
        self._outside = False
        if call is not None and attempts.timeout <= left:
            self._seconds, self._shared = attempts.timeout, True
            self._error, self._message = AttemptTimedOut, attempts.late
        else:
            self._outside = enclosed and call is not None and left > 0 and call.ended_from_outside()
            self._seconds, self._shared = math.inf if self._outside else left, False
            self._error, self._message = DeadlineExceeded, attempts.over

    def out_of_time(self, error: BaseException) -> bool:
        """Whether the deadline ended it: here, or in a block around the call, which then cancels it."""
        late = self._clock.monotonic() >= self._limit
        if isinstance(error, asyncio.CancelledError):
            return late
        return (self.expired or (self._outside and late)) and isinstance(error, DeadlineExceeded)

    def __enter__(self) -> Self:
        try:
            self.begin()
        except CallError as error:
            self._attempts.failed(self, error, 0.0)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = self._clock.monotonic() - self._started
        try:
            self.end(kind, error)
        except CallError as late:
            self._attempts.failed(self, late, seconds)
            raise
        if error is None:
            self._attempts.succeeded(self, seconds)
        else:
            self._attempts.failed(self, error, seconds)
