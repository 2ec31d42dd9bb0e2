"""The published peers, each as an asynchronous call of the same no-op; imported one by one, so that one may lack."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

Call = Callable[[], Awaitable[object]]


async def nothing() -> None:
    return None


async def fails() -> None:
    raise ConnectionError


async def opened(call: Call, times: int = 10) -> None:
    """Fail until the breaker of the peer is open."""
    for _ in range(times):
        try:
            await call()
        except Exception:  # noqa: BLE001, S112 - whatever the peer makes of it
            continue


async def asyncio_timeout() -> Call:
    async def call() -> None:
        async with asyncio.timeout(60):
            await nothing()

    return call


async def pyresilience(function: Call = nothing) -> Call:
    import pyresilience as peer

    return peer.resilient(  # type: ignore[no-any-return]
        retry=peer.RetryConfig(max_attempts=1 if function is fails else 4, delay=0.001),
        timeout=peer.TimeoutConfig(seconds=60),
        circuit_breaker=peer.CircuitBreakerConfig(),
        bulkhead=peer.BulkheadConfig(max_concurrent=64),
        rate_limiter=peer.RateLimiterConfig(max_calls=1_000_000_000, period=1.0),
        listeners=[lambda _: None],
    )(function)


async def composed() -> Call:
    """Aiolimiter, aiobreaker and stamina around asyncio.timeout, in the order of ours."""
    import aiobreaker
    import aiolimiter
    import stamina

    limiter, breaker = aiolimiter.AsyncLimiter(1_000_000_000, 1), aiobreaker.CircuitBreaker()

    async def limited() -> None:
        async with limiter, asyncio.timeout(60):
            await nothing()

    retry = stamina.AsyncRetryingCaller(attempts=4).on(ConnectionError)

    async def call() -> None:
        await retry(breaker.call_async, limited)

    return call


async def aiobreaker(function: Call = nothing) -> Call:
    import aiobreaker as peer

    breaker = peer.CircuitBreaker(fail_max=5, timeout_duration=timedelta(seconds=3600))
    return lambda: breaker.call_async(function)


async def purgatory(function: Call = nothing) -> Call:
    import purgatory as peer

    factory = peer.AsyncCircuitBreakerFactory(default_threshold=5, default_ttl=3600)
    breaker = await factory.get_breaker("peer")

    async def call() -> None:
        async with breaker:
            await function()

    return call


async def hyx(function: Call = nothing) -> Call:
    from hyx.circuitbreaker import consecutive_breaker

    breaker = consecutive_breaker(failure_threshold=5, recovery_time_secs=3600)
    return breaker(function)  # type: ignore[no-any-return]


async def stamina() -> Call:
    import stamina as peer

    return peer.retry(on=ConnectionError, attempts=4)(nothing)


async def tenacity() -> Call:
    import tenacity as peer

    return peer.retry(stop=peer.stop_after_attempt(4))(nothing)


async def aiolimiter() -> Call:
    import aiolimiter as peer

    return peer.AsyncLimiter(1_000_000_000, 1).acquire
