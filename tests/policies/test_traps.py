"""What published clients get wrong about failing services, each as a test; streams and pools have theirs elsewhere."""

import asyncio
import sys
import threading

import pytest

from consilience.errors import AttemptTimedOut, CircuitOpen, NestedAcquire
from consilience.policies import (
    SYSTEM,
    Breaker,
    BreakerSettings,
    CountWindow,
    RetryBudget,
    RetrySettings,
    SingleFlight,
    TimeWindow,
)

SOON = RetrySettings(retries=3, first=0)


async def answer(*_):
    return "answer"


async def fails(*_):
    raise ConnectionError


async def turn(times=5):
    for _ in range(times):
        await asyncio.sleep(0)


def opened(make_policy, clock, **settings):
    """Return a policy whose breaker lets the next call pass as a probe."""
    policy = make_policy(breaker=BreakerSettings(consecutive=1, open_for=10), **settings)
    with pytest.raises(ConnectionError):
        asyncio.run(policy.call(fails))
    clock.advance(10)
    return policy


@pytest.mark.parametrize("probes", [1, 3])
def test_half_open_herd(make_policy, clock, probes):
    policy = opened(make_policy, clock)
    policy.breaker.configure(BreakerSettings(consecutive=1, probes=probes))
    passed = []

    async def slow():
        passed.append(1)
        await turn(20)

    async def herd():
        return await asyncio.gather(*(policy.call(slow) for _ in range(100)), return_exceptions=True)

    results = asyncio.run(herd())
    assert len(passed) == probes
    assert sum(isinstance(result, CircuitOpen) for result in results) == 100 - probes


def test_caller_cancels(make_policy):
    policy = make_policy(concurrency=2, breaker=BreakerSettings(consecutive=1))

    async def story():
        for _ in range(50):
            task = asyncio.create_task(policy(asyncio.sleep, 1000))
            await turn()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(story())
    assert (policy.breaker.state, policy.breaker.window.calls, policy.bulkhead.running) == ("closed", 0, 0)


def test_probe_cancelled_or_excluded(make_policy, clock):
    policy = opened(make_policy, clock)

    async def excluded():
        raise ValueError("the prompt is too long")

    async def story():
        task = asyncio.create_task(policy(asyncio.sleep, 1000))
        await turn()
        assert policy.breaker.state == "half-open"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with pytest.raises(ValueError, match="too long"):
            await policy.call(excluded)
        assert policy.breaker.state == "half-open"
        assert await policy.call(answer) == "answer"

    asyncio.run(story())
    assert policy.breaker.state == "closed"


def test_late_success_closes_an_open_breaker(clock):
    breaker = Breaker("openai", BreakerSettings(consecutive=2, open_for=10), clock=clock)
    early = [breaker.acquire() for _ in range(4)]
    breaker.failure(early[0])
    breaker.failure(early[1])
    breaker.success(early[2])
    assert breaker.state == "open"
    clock.advance(10)
    probe = breaker.acquire()
    breaker.success(early[3])
    assert breaker.state == "half-open"
    breaker.success(probe)
    assert breaker.state == "closed"


def test_timeout_outside_the_breaker(make_policy, clock):
    policy = make_policy(timeout=5, breaker=BreakerSettings(consecutive=2))

    async def hangs():
        await asyncio.Event().wait()

    async def story():
        for _ in range(2):
            task = asyncio.create_task(policy.call(hangs))
            await clock.run_for(5)
            with pytest.raises(AttemptTimedOut):
                await task

    asyncio.run(story())
    assert policy.breaker.state == "open"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429])
def test_4xx_counted_as_failure(make_policy, answered, status):
    policy = make_policy(breaker=BreakerSettings(consecutive=1))

    async def refuses():
        raise answered(status)

    with pytest.raises(Exception, match=str(status)):
        asyncio.run(policy.call(refuses))
    assert policy.breaker.state == "closed"


@pytest.mark.parametrize(
    ("said", "waited"),
    [("7", 7.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("0", 0.0), ("100000000", None)],
    ids=["seconds", "past", "zero", "huge"],
)
def test_429_and_retry_after(make_policy, answered, clock, said, waited):
    policy = make_policy(retry=SOON, deadline=60, rate="600/min")
    answers = [answered(429, Retry_After=said)]

    async def throttles():
        if answers:
            raise answers.pop()
        return clock.monotonic()

    async def story():
        task = asyncio.create_task(policy.call(throttles))
        await clock.run_for(59)
        assert task.done()
        return await task

    if waited is None:
        with pytest.raises(Exception, match="429") as failed:
            asyncio.run(story())
        assert "after the deadline" in failed.value.__notes__[0]
    else:
        assert asyncio.run(story()) == waited
    assert policy.requests.slowed


def test_wall_clock_steps_back(make_policy, monkeypatch):
    import time

    monkeypatch.setattr(time, "time", lambda: 0.0)
    policy = make_policy(clock=SYSTEM, rate="600/min", breaker=BreakerSettings(consecutive=1, open_for=0.001))

    async def story():
        with pytest.raises(ConnectionError):
            await policy.call(fails)
        while policy.breaker.refusing():
            await turn()
        return await policy.call(answer)

    assert asyncio.run(story()) == "answer"
    assert policy.p95 < 1


@pytest.mark.parametrize("make", [CountWindow, TimeWindow])
def test_sliding_window_costs_by_its_size(make):
    def steps(size):
        """Lines that run while a window takes in more calls than it holds."""
        window, lines = make(size), [0]

        def count(frame, event, arg):
            lines[0] += event == "line"
            return count

        before = sys.gettrace()
        for number in range(100):
            window.add(number / 100 * size, 1)
        sys.settrace(count)
        try:
            for number in range(100):
                window.add(size + number / 100 * size, 2)
        finally:
            sys.settrace(before)
        return lines[0]

    assert steps(100_000) <= 1.2 * steps(100)


def test_lock_held_during_the_call(make_policy):
    policy = make_policy(clock=SYSTEM)
    together = threading.Barrier(5)
    breaker = policy.breaker

    @policy
    def call():
        # passes only when all five are inside at once
        together.wait(timeout=60)
        with breaker.guard():
            together.wait(timeout=60)

    threads = [threading.Thread(target=call) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert breaker.window.calls == 10


def test_sync_decorator_on_async_def(make_policy):
    policy = make_policy(breaker=BreakerSettings(consecutive=2))

    @policy
    async def call():
        raise ConnectionError

    @policy
    async def stream():
        raise ConnectionError
        yield

    @policy
    def plain():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(call())
    assert policy.breaker.window.failures == 1
    with pytest.raises(ConnectionError):
        asyncio.run(anext(stream()))
    assert policy.breaker.state == "open"
    policy.breaker.reset()
    with pytest.raises(ConnectionError):
        plain()
    assert policy.breaker.window.failures == 1


def test_several_event_loops_and_threads(make_policy):
    policy = make_policy(clock=SYSTEM, concurrency=3, queue=1000)
    most, lock, running = [0], threading.Lock(), [0]

    async def call():
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        await turn()
        with lock:
            running[0] -= 1

    async def many():
        await asyncio.gather(*(policy.call(call) for _ in range(40)))

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 3
    assert policy.breaker.window.calls == 100


def test_client_kept_across_loops(make_policy):
    policy = make_policy(clock=SYSTEM, concurrency=1, rate="6000/min", retry=SOON, timeout=5, flight=True)

    async def many():
        return await asyncio.gather(*(policy(answer, number) for number in range(20)))

    for _ in range(3):
        assert asyncio.run(many()) == ["answer"] * 20


def test_stampede_on_a_missing_key(make_policy):
    kept, runs = {}, []
    policy = make_policy(cache=kept, flight=True)

    async def expensive(prompt):
        runs.append(prompt)
        await turn()
        return "answer"

    async def stampede():
        return await asyncio.gather(*(policy(expensive, "key") for _ in range(100)))

    assert asyncio.run(stampede()) == ["answer"] * 100
    assert runs == ["key"]


def test_single_flight_leader_cancelled():
    runs = []

    async def work():
        runs.append(1)
        await turn(10)
        return "answer"

    async def story():
        flight = SingleFlight()
        leader, *followers = [asyncio.create_task(flight("key", work)) for _ in range(10)]
        await turn(2)
        leader.cancel()
        assert await asyncio.gather(*followers) == ["answer"] * 9
        assert leader.cancelled()

    asyncio.run(story())
    assert runs == [1]


def test_pool_poisoned_by_cancellation(make_policy):
    policy = make_policy(concurrency=2, rate="6000000/min", timeout=5, retry=SOON, flight=True)

    async def story():
        for turns in range(12):
            tasks = [asyncio.create_task(policy(asyncio.sleep, 1000, number)) for number in range(20)]
            await turn(turns)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await turn()
            assert (policy.bulkhead.running, policy.bulkhead.waiting, policy.requests.waiting) == (0, 0, 0)
        assert await policy.call(answer) == "answer"

    asyncio.run(story())


@pytest.mark.parametrize("through", ["directly", "a task"])
def test_nested_acquire_at_capacity(make_policy, through):
    policy = make_policy(concurrency=1)

    async def outer():
        inner = policy.call(answer)
        return await (inner if through == "directly" else asyncio.create_task(inner))

    with pytest.raises(NestedAcquire, match="answer asks for a permit .* inside .*outer, which holds one"):
        asyncio.run(policy.call(outer))
    assert policy.bulkhead.running == 0


@pytest.mark.parametrize("calls", [1, 50, 2000])
def test_retry_storm(make_policy, calls):
    policy = make_policy(retry=SOON, breaker=None)
    upstream = [0]

    async def down():
        upstream[0] += 1
        raise ConnectionError

    async def story():
        for _ in range(calls):
            with pytest.raises(ConnectionError):
                await policy.call(down)

    asyncio.run(story())
    assert calls < upstream[0] <= 1.2 * calls + RetrySettings().floor
    assert isinstance(policy._retry.budget, RetryBudget)
