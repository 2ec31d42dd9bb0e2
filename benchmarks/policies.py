"""What a policy costs around a call that does nothing, beside the published peers.

Rows of one table are measured in turn, round after round, and each figure is the median over the rounds of the CPU
time of one call in microseconds. ``asyncio.timeout`` stands in each table as the yardstick of the machine::

    python benchmarks/policies.py --rounds 15 --calls 5000 [--json PATH]

It also prints what windows of 100 and 100,000 cost, the time of five threads that call through one policy, and the
memory of a waiting call. A peer that is not installed is named.
"""

import argparse
import asyncio
import contextvars
import json
import statistics
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import policies_peers as peers

from consilience.policies import Breaker, CountWindow, Events, Policy, RateLimiter, Retry, TimeWindow
from consilience.policies.deadline import deadline

Call = Callable[[], Awaitable[object]]


async def suspends() -> None:
    await asyncio.sleep(0)


def listened() -> Events:
    events = Events()
    events.subscribe(lambda _: None)
    return events


def whole(name: str) -> Policy:
    return Policy(
        name, rate="1000000000/s", concurrency=64, retry=3, timeout=60, deadline=120, events=listened()
    )


async def ours_whole() -> Call:
    policy = whole("whole")
    return lambda: policy.call(peers.nothing)


async def ours_suspending() -> Call:
    policy = whole("suspending")
    return lambda: policy.call(suspends)


async def ours_without_events() -> Call:
    policy = Policy("quiet", rate="1000000000/s", concurrency=64, retry=3, events=Events())
    return lambda: policy.call(peers.nothing)


async def ours_timeout() -> Call:
    async def call() -> None:
        with deadline(60):
            await peers.nothing()

    return call


async def ours_open_policy() -> Call:
    policy = Policy("open", events=listened())
    policy.breaker.force_open()
    return lambda: policy.call(peers.nothing)


async def ours_breaker() -> Call:
    breaker = Breaker("breaker", events=Events())
    return lambda: breaker(peers.nothing)


async def ours_open_breaker() -> Call:
    breaker = Breaker("open breaker", events=Events())
    breaker.force_open()
    return lambda: breaker(peers.nothing)


async def ours_retry() -> Call:
    retry = Retry()
    return lambda: retry(peers.nothing)


async def ours_limiter() -> Call:
    return RateLimiter("1000000000/s").acquire


def broken(make: Callable[[Call], Coroutine[Any, Any, Call]]) -> Callable[[], Coroutine[Any, Any, Call]]:
    """Return the peer with its breaker opened."""

    async def opened() -> Call:
        call = await make(peers.fails)
        await peers.opened(call)
        return call

    return opened


TABLES: dict[str, dict[str, Callable[[], Coroutine[Any, Any, Call]]]] = {
    "a whole policy": {
        "consilience": ours_whole,
        "consilience, the call suspends once": ours_suspending,
        "consilience, nobody listens": ours_without_events,
        "pyresilience": peers.pyresilience,
        "aiolimiter + aiobreaker + stamina": peers.composed,
        "asyncio.timeout alone": peers.asyncio_timeout,
    },
    "rejection by an open circuit": {
        "consilience, policy": ours_open_policy,
        "consilience, breaker": ours_open_breaker,
        "pyresilience": broken(peers.pyresilience),
        "aiobreaker": broken(peers.aiobreaker),
        "purgatory": broken(peers.purgatory),
        "hyx": broken(peers.hyx),
        "asyncio.timeout alone": peers.asyncio_timeout,
    },
    "one part": {
        "breaker: consilience": ours_breaker,
        "breaker: aiobreaker": peers.aiobreaker,
        "breaker: purgatory": peers.purgatory,
        "breaker: hyx": peers.hyx,
        "retry: consilience": ours_retry,
        "retry: stamina": peers.stamina,
        "retry: tenacity": peers.tenacity,
        "rate: consilience": ours_limiter,
        "rate: aiolimiter": peers.aiolimiter,
        "timeout: consilience, deadline": ours_timeout,
        "timeout: asyncio.timeout": peers.asyncio_timeout,
    },
}


async def cost(call: Call, calls: int) -> float:
    """Return the microseconds of CPU of one call."""
    started = time.process_time()
    for _ in range(calls):
        try:
            await call()
        except Exception:  # noqa: BLE001, S112 - a rejection is what is measured
            continue
    return (time.process_time() - started) / calls * 1e6


async def table(
    makers: dict[str, Callable[[], Coroutine[Any, Any, Call]]], rounds: int, calls: int
) -> dict[str, float]:
    ready: dict[str, Call] = {}
    for name, make in makers.items():
        try:
            ready[name] = await make()
        except ImportError as missing:
            print(f"  {name:38} not installed ({missing})")
    taken: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(rounds):
        for name, call in ready.items():
            taken[name].append(await cost(call, calls))
    for name, figures in taken.items():
        print(f"  {name:38} {statistics.median(figures):7.2f} us   best {min(figures):7.2f}")
    return {name: statistics.median(figures) for name, figures in taken.items()}


def windows(rounds: int) -> dict[str, float]:
    ratios = {}
    print("a result into a window that is full, us of 100 and of 100,000, and their ratio")
    for kind in (CountWindow, TimeWindow):
        pairs = []
        for _ in range(rounds):
            pair = []
            for size in (100, 100_000):
                window = kind(size)
                for number in range(size):
                    window.add(float(number), number % 3)
                started = time.process_time()
                for number in range(20_000):
                    window.add(size + number * size / 20_000, number % 3)
                pair.append((time.process_time() - started) / 20_000 * 1e6)
            pairs.append(pair)
        small, large = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(large / small for small, large in pairs)
        print(f"  {kind.__name__:38} {small:7.2f} {large:7.2f}   {ratio:.2f}")
        ratios[kind.__name__] = ratio
    return ratios


def together() -> float:
    policy = Policy("threads", events=Events())
    call = policy(lambda: time.sleep(0.1))
    taken = []
    for _ in range(5):
        threads = [threading.Thread(target=call) for _ in range(5)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taken.append(time.perf_counter() - started)
    print(f"five threads x 0.1 s through one policy: {statistics.median(taken):.3f} s (median of 5)")
    return statistics.median(taken)


async def waiting(n: int) -> float:
    policy = Policy("waiting", concurrency=1, queue=n, retry=3, rate="500/min", events=Events())
    contextvars.Context().run(policy.bulkhead.try_acquire)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tasks = [asyncio.create_task(policy.call(peers.nothing)) for _ in range(n)]
    await asyncio.sleep(0)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"memory of a waiting call, its task included: {(after - before) / n:,.0f} bytes")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return (after - before) / n


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    figures: dict[str, dict[str, float] | float] = {}
    for title, makers in TABLES.items():
        print(title)
        figures[title] = asyncio.run(table(makers, wanted.rounds, wanted.calls))
    figures["a window of 100,000 beside one of 100"] = windows(wanted.rounds)
    figures["five threads x 0.1 s"] = together()
    figures["bytes of a waiting call"] = asyncio.run(waiting(5000))
    if wanted.json:
        wanted.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
