"""One policy around calls that can fail, flat, in a fixed order.

Outer to inner: cache, single-flight, deadline, bulkhead, hedge, retry, breaker, rate limit, attempt timeout. Retry is
outside the breaker, so that each attempt is judged and an open circuit ends the retrying at once. The limiter is
inside both: every attempt spends quota, a rejected call spends none. The attempt timeout is innermost, so that the
breaker sees it.
"""

from __future__ import annotations

import math
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Hashable,
    MutableMapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any, Self

from consilience.errors import CircuitOpen, InvalidInput
from consilience.loop import background
from consilience.policies import registry
from consilience.policies.adaptive import Adaptive
from consilience.policies.attempt import Attempts
from consilience.policies.breaker import Breaker
from consilience.policies.breaker_settings import BreakerSettings
from consilience.policies.cards import PolicyDisplayed
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.concurrency import Bulkhead
from consilience.policies.decorated import awaited, decorate, in_thread, iterated
from consilience.policies.entry import Call, Gate
from consilience.policies.events import EVENTS, Events
from consilience.policies.flight import SingleFlight
from consilience.policies.hedge import Hedge
from consilience.policies.judgement import Classifier, judge
from consilience.policies.limits import RateLimiter, SharedQuota
from consilience.policies.memory import MEMORY
from consilience.policies.metering import METER
from consilience.policies.rates import Rate
from consilience.policies.retry import Retry, RetrySettings
from consilience.policies.sharing import Sharing
from consilience.policies.streams import close_stream, whole
from consilience.policies.tokens import TokenQuota
from consilience.policies.usage import used_tokens

__all__ = ["Policy"]

Function = Callable[..., Any]


class Policy(PolicyDisplayed):
    """Limits, retries, deadlines and a circuit breaker around every call to one service.

    A name stands for one policy in the process: constructing it again, as a notebook cell does that is run again,
    configures the same policy and keeps its state. Everything counts once over all loops and threads.

    Parameters
    ----------
    name
        Usually the provider's.
    rate, tokens
        Requests and tokens in a time, such as ``"500/min"``; without one there is no limit.
    concurrency
        Calls at once: a number, `Adaptive` bounds, or no limit.
    queue
        Calls that may wait for their turn; see `Bulkhead`.
    retry
        Attempts after a failed one, or `RetrySettings`. 0 by default, because only the caller knows whether a call
        may run twice.
    timeout
        Seconds for one attempt; for a stream, until its next item. 60 is above what a long answer takes.
    deadline
        Seconds for the whole call, waiting and retries included. A surrounding deadline can only shorten it.
    breaker
        When to stop asking a service that fails; `BreakerSettings` for the defaults, ``None`` for no breaker.
    hedge
        Seconds after which a call that has not answered is started a second time; not by default.
    flight
        Whether equal calls that are under way at the same time run once; with a cache they always do.
    cache
        A mapping of answers in memory; errors are never kept. Answers that are shared or survive the process are in
        tiers, which `cached` takes, around what the policy decorates.
    key
        Makes the key of a call for both from its arguments; see `Sharing`.
    fallback
        Coroutine functions that are called with the same arguments, in turn, when the circuit is open.
    classify
        What an error means; see `judge`.
    finished
        Says of an item of a stream whether the answer is whole with it, such as one with a finish reason: a stream
        that ends without one is a failure (`StreamCutOff`). Without it any end is taken for the end, because only
        the caller knows what the last item looks like.
    measure
        Reads from a result the tokens that it cost; see `used_tokens`.
    shared
        A quota of several processes; see `SharedQuota`.
    registered
        Whether the name stands for it in the process; ``False`` makes one that stands for itself.
    clock, events
        Where time comes from, and where events go.

    Raises
    ------
    InvalidInput
        A setting is out of its range.

    Examples
    --------
    >>> import asyncio
    >>> async def ask(prompt):
    ...     return prompt.upper()
    >>> llm = Policy("example", rate="500/min", concurrency=64, retry=3)
    >>> asyncio.run(llm.call(ask, "really?"))
    'REALLY?'
    >>> @llm
    ... async def answer(prompt):
    ...     return prompt.upper()
    >>> asyncio.run(answer("yes"))
    'YES'

    Answers from tiers, such as a `RedisTier`, cost no permit and no quota:

    >>> from consilience.policies import cached
    >>> @cached(name="answers", tiers=[], ttl=3600)
    ... @llm
    ... async def kept(prompt):
    ...     print("asking")
    ...     return prompt.upper()
    >>> [asyncio.run(kept("yes")) for _ in range(2)]
    asking
    ['YES', 'YES']
    """

    def __new__(cls, name: str, *, registered: bool = True, **_: Any) -> Self:
        """Return the policy of this name, a new one if there is none."""
        if not name:
            raise InvalidInput(f"A policy has a name, {name!r} came.")
        if not registered:
            return super().__new__(cls)
        with registry.LOCK:
            known = registry.POLICIES.get(name)
            return known if isinstance(known, cls) else super().__new__(cls)

    def __init__(  # noqa: PLR0913 - the face of all parts; each has its own settings for those who use it alone
        self,
        name: str,
        *,
        rate: str | Rate | None = None,
        tokens: str | Rate | None = None,
        concurrency: int | Adaptive | None = None,
        queue: int = 1000,
        retry: int | RetrySettings = 0,
        timeout: float | None = 60.0,
        deadline: float | None = 120.0,
        breaker: BreakerSettings | None = BreakerSettings(),  # noqa: B008 - frozen
        hedge: float | None = None,
        flight: bool = False,
        cache: MutableMapping[Hashable, Any] | None = None,
        key: Callable[..., Hashable] | None = None,
        fallback: Function | Sequence[Function] = (),
        classify: Classifier = judge,
        finished: Callable[[Any], bool] | None = None,
        measure: Callable[[object], float | None] = used_tokens,
        shared: SharedQuota | None = None,
        registered: bool = True,
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
    ) -> None:
        _check_seconds(timeout=timeout, deadline=deadline, hedge=hedge)
        requests = None if rate is None else Rate.read(rate)
        metered = None if tokens is None else Rate.read(tokens)
        settings = RetrySettings(retries=retry) if isinstance(retry, int) else retry
        with registry.LOCK:
            if not registered or name not in registry.POLICIES:
                self._build(name, clock, events)
            elif self._gate.clock is not clock or self._gate.events is not events:
                raise InvalidInput(
                    f"The policy {name!r} exists with another clock or other events, to which its state belongs: take "
                    f"another name, or policies.registry.forget({name!r}) first."
                )
            self._configure_concurrency(concurrency, queue)
            self.requests.configure(requests, shared=shared)
            self.tokens.configure(metered, shared=shared)
            self._quota.measure = measure
            self._attempts.configure(timeout, classify, metered=metered is not None or shared is not None)
            self._configure_breaker(breaker, classify)
            self._gate.deadline = math.inf if deadline is None else deadline
            self._configure_inner(settings, hedge, classify)
            shares = flight or cache is not None
            self._sharing = Sharing(cache, self._flight, key) if shares else None
            self._finished = finished
            self._fallback = (fallback,) if callable(fallback) else tuple(fallback)
            if registered:
                registry.POLICIES[name] = self

    def _build(self, name: str, clock: Clock, events: Events) -> None:
        self.name = name
        self.bulkhead = Bulkhead(name=name, clock=clock)
        MEMORY.register(self.bulkhead)
        self.requests = RateLimiter(None, name=name, clock=clock, events=events)
        self.tokens = RateLimiter(None, name=f"{name} tokens", clock=clock, events=events)
        self._quota = TokenQuota(self.tokens)
        self._breaker = Breaker(name, clock=clock, events=events)
        self._flight = SingleFlight(clock=clock)
        self._retry = Retry(name=name, clock=clock, events=events)
        self._gate = Gate(name, self.bulkhead, clock=clock, events=events)
        self._attempts = Attempts(self.bulkhead, self.requests, self._quota, clock=clock, events=events)

    def _configure_concurrency(self, concurrency: int | Adaptive | None, queue: int) -> None:
        if queue < 0:
            raise InvalidInput(f"queue is 0 or more calls, {queue} came.")
        self.bulkhead.queue = queue
        if isinstance(concurrency, Adaptive):
            self._attempts.adapt(concurrency)
        else:
            self._attempts.gradient = None
            self.bulkhead.limit = concurrency

    def _configure_breaker(self, breaker: BreakerSettings | None, classify: Classifier) -> None:
        if breaker is not None:
            self._breaker.configure(breaker, classify)
        self._attempts.breaker = None if breaker is None else self._breaker

    def _configure_inner(self, retry: RetrySettings, hedge: float | None, classify: Classifier) -> None:
        self._retry.configure(retry, classify)
        inner: Callable[[Call], Coroutine[Any, Any, Any]] = self._attempts
        if retry.retries:
            inner = partial(self._retry, inner)
        if hedge is not None:
            gate, budget = self._gate, self._retry.budget
            hedging = Hedge(hedge, name=self.name, budget=budget, clock=gate.clock, events=gate.events)
            inner = partial(hedging, inner)
        self._inner = inner

    def __repr__(self) -> str:
        parts = [self._circuit(), repr(self.bulkhead).partition(": ")[2].rstrip(">")]
        left = [
            f"{limiter.left:,.0f} {unit}"
            for limiter, unit in ((self.requests, "requests"), (self.tokens, "tokens"))
            if limiter.left != math.inf
        ]
        if left:
            parts.append(f"{' and '.join(left)} left")
        if self.p95 is not None:
            parts.append(f"p95 {self.p95:.3g} s")
        return f"<Policy {self.name!r}: {', '.join(parts)}>"

    def _circuit(self) -> str:
        if self._attempts.breaker is None:
            return "no breaker"
        window = self._breaker.window
        return f"circuit {self._breaker.state}, {window.failures} of the last {window.calls} failed"

    @property
    def breaker(self) -> Breaker:
        """The breaker, to look at or to force; it counts nothing when the policy has none."""
        return self._breaker

    @property
    def p95(self) -> float | None:
        """Seconds within which 95 % of the last 512 successful attempts ended; ``None`` before the first."""
        known = sorted(self._attempts.latencies)
        return known[math.ceil(0.95 * len(known)) - 1] if known else None

    def __call__(self, function: Function, /, *args: Any, **kwargs: Any) -> Any:
        """Call a coroutine function, or decorate a function when no arguments are given.

        ``await policy(function, argument)`` calls. ``@policy`` decorates coroutine functions, plain functions (they
        run in a thread of their own, and their caller waits) and asynchronous generators; what was decorated can
        also be awaited at once, which calls it without arguments.

        Raises
        ------
        CircuitOpen, RateLimited, QueueFull, NestedAcquire, AttemptTimedOut, DeadlineExceeded
            The policy refused or ended the call; all are `CallError`.
        """
        if args or kwargs:
            return self.call(function, *args, **kwargs)
        return decorate(self, function)

    def call(self, function: Function, /, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        """Return a coroutine that awaits a coroutine function under the policy."""
        if self._sharing is None and not self._fallback:
            return self._run(function, args, kwargs)
        return self._outermost(function, args, kwargs)

    async def _outermost(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            if self._sharing is not None:
                return await self._sharing(self._run, function, args, kwargs)
            return await self._run(function, args, kwargs)
        except CircuitOpen as error:
            if not self._fallback:
                raise
            return await self._fall_back(error, args, kwargs)

    def call_sync(self, function: Function, /, *args: Any, **kwargs: Any) -> Any:
        """Call a plain function in a thread of its own under the policy, and wait for it.

        A thread cannot be stopped: after a timeout the caller goes on, and the function's result is dropped.

        Raises
        ------
        LoopError
            Called on the package's own loop, which would wait for itself.
        """
        return background.wait_sync(self.call(in_thread, function, *args, **kwargs))

    async def stream(self, function: Function, /, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Iterate over an asynchronous generator under the policy.

        The timeout is for each item, the deadline for the whole. A stream that fails before its first item is tried
        again like any call. One that has begun cannot begin again, and what breaks it is the breaker's to count; no
        stream is hedged, cached or shared. A consumer that stops early counts as neither success nor failure.

        Raises
        ------
        StreamCutOff
            It ended, and no item was what the policy's `finished` looks for.
        """
        with Call(self._gate, function, args, kwargs) as call:
            await call.admit()
            self._retry.budget.deposit()
            begun = False
            while True:
                try:
                    async with aclosing(self._items(call)) as items:
                        async for item in items:
                            begun = True
                            yield item
                except Exception as error:  # of what kind it is the retry judges
                    call.resume()
                    delay = None if begun else self._retry.delay(call.n_attempts, error)
                    if delay is None:
                        raise
                else:
                    return
                await self._gate.clock.sleep(delay)

    async def _items(self, call: Call) -> AsyncGenerator[Any, None]:
        """Run a stream once."""
        with await self._attempts.begin(call, timed=False):
            items = iterated(call.holder, call.holder(*call.args, **call.kwargs))
            if self._finished is not None:
                items = whole(items, self._finished)
            try:
                while True:
                    call.resume()
                    try:
                        with self._attempts.expiry(call):
                            item = await anext(items)
                    except StopAsyncIteration:
                        return
                    finally:
                        call.pause()
                    yield item
            finally:
                await close_stream(items)

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[Self]:
        """Hold the policy around an asynchronous block, as one attempt: ``async with policy.permit(): ...``."""
        with Call(self._gate, self.permit, (), {}) as call:
            await call.admit()
            with await self._attempts.begin(call, enclosed=False):
                yield self

    async def _run(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        breaker = self._attempts.breaker
        if breaker is not None and not breaker.passing and breaker.refusing():
            # what would be turned away does not queue up for a place first
            if self._gate.events.listeners:
                self._gate.tell_refused("CircuitOpen")
            raise breaker.refusal()
        with Call(self._gate, function, args, kwargs) as call:
            if not self.bulkhead.try_enter(call):
                await call.admit()
            return await self._inner(call)

    async def _fall_back(self, error: CircuitOpen, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for function in self._fallback:
            try:
                metered = METER.get()(function)
                return await awaited(metered, metered(*args, **kwargs))
            except CircuitOpen as other:
                error.add_note(f"The fallback is open too: {other}")
        raise error


def _check_seconds(**given: float | None) -> None:
    for name, seconds in given.items():
        if seconds is not None and not (seconds > 0 and math.isfinite(seconds)):
            raise InvalidInput(f"{name} is a number of seconds above 0, or None, {seconds} came.")
