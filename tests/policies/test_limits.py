"""Rates: nothing passes too early, nothing waits in vain."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.errors import InvalidInput, RateLimited
from consilience.policies import Gcra, ManualClock, Rate, RateLimiter, TokenQuota, deadline
from consilience.policies.events import Throttled


@given(
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=60),
    burst=st.integers(1, 5),
    per_second=st.sampled_from([0.5, 1.0, 4.0]),
)
def test_any_stretch_of_time_sees_at_most_the_burst_and_what_was_earned(gaps, burst, per_second):
    gcra, now, passed = Gcra(Rate(per_second, 1.0), burst), 0.0, []
    for gap in gaps:
        now += gap
        if gcra.take(now, 1) == 0:
            passed.append(now)
    for first, start in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + (passed[last] - start) * per_second + 1e-6


@given(costs=st.lists(st.floats(0, 8), min_size=1, max_size=20))
def test_a_cost_passes_after_the_seconds_that_it_was_told(costs):
    gcra, now = Gcra(Rate(1.0, 1.0), 5), 0.0
    for cost in costs:
        now += gcra.wait(now, cost)
        assert gcra.take(now, cost) == 0.0


@pytest.mark.parametrize("written", ["500", "500/week", "-5/min", "0/min", "", "fast", 500])
def test_a_rate_that_cannot_be_read_is_refused(written):
    with pytest.raises(InvalidInput):
        Rate.read(written)


def test_a_rate_is_shown_as_it_is_written():
    assert [str(Rate.read(text)) for text in ("500/min", "2/s", "90_000/hour")] == [
        "500/min",
        "2/s",
        "90000/h",
    ]
    assert str(Rate(5, 7)) == "5/7 s"


def passing(limiter, clock, costs):
    """Moments at which calls that come together pass, in the order of passing."""

    async def one(number, cost, moments):
        await limiter.acquire(cost)
        moments.append((number, clock.monotonic()))

    async def story():
        moments = []
        tasks = [asyncio.create_task(one(number, cost, moments)) for number, cost in enumerate(costs)]
        await clock.run_for(1000)
        await asyncio.gather(*tasks)
        return moments

    return asyncio.run(story())


def test_calls_pass_in_the_order_of_coming_at_the_rate(clock):
    limiter = RateLimiter("60/min", burst=2, clock=clock)
    assert passing(limiter, clock, [1] * 5) == [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3)]


def test_a_dear_call_is_not_overtaken_by_cheap_ones(clock):
    limiter = RateLimiter("60/min", burst=10, clock=clock)
    assert passing(limiter, clock, [10, 10, 1]) == [(0, 0), (1, 10), (2, 11)]


def test_who_leaves_the_queue_does_not_hold_up_the_others(clock):
    limiter = RateLimiter("60/min", burst=1, clock=clock)

    async def story():
        limiter.try_acquire()
        tasks = [asyncio.create_task(limiter.acquire()) for _ in range(50)]
        await asyncio.sleep(0)
        for task in tasks[:49]:
            task.cancel()
        await clock.run_for(1)
        await tasks[49]
        assert limiter.waiting == 0

    asyncio.run(story())
    assert clock.monotonic() == 1


def test_what_would_come_too_late_is_refused_without_waiting_or_spending(clock):
    limiter = RateLimiter("60/min", burst=1, clock=clock, name="openai")

    async def story():
        await limiter.acquire()
        left = limiter.left
        with pytest.raises(
            RateLimited, match="'openai' lets this call pass in 1 s, and it may wait 0.5 s"
        ) as late:
            await limiter.acquire(within=0.5)
        assert late.value.retry_after == 1
        with deadline(0.5, clock=clock), pytest.raises(RateLimited):
            await limiter.acquire()
        assert limiter.left == left
        assert clock.monotonic() == 0

    asyncio.run(story())


def test_who_waits_and_is_then_throttled_past_its_time_is_refused_when_its_turn_comes(clock):
    limiter = RateLimiter("60/min", burst=1, clock=clock)

    async def story():
        limiter.try_acquire()
        task = asyncio.create_task(limiter.acquire(within=2))
        behind = asyncio.create_task(limiter.acquire(within=3))
        await asyncio.sleep(0)
        limiter.throttle(100)
        await clock.run_for(3)
        for late in (task, behind):
            with pytest.raises(RateLimited):
                await late
        assert limiter.waiting == 0

    asyncio.run(story())


def test_throttling_pauses_and_halves_and_success_gives_back(clock, events, seen):
    limiter = RateLimiter("60/min", burst=1, clock=clock, events=events, name="openai")
    limiter.throttle(20)
    limiter.throttle(20)
    assert [event.share for event in seen] == [0.5, 0.5]
    assert isinstance(seen[0], Throttled)
    assert limiter.try_acquire() == 20
    clock.advance(20)
    assert limiter.try_acquire() == 0
    assert limiter.try_acquire() == 2
    while limiter.slowed:
        limiter.ease()
    clock.advance(10)
    assert limiter.try_acquire() == 0
    assert limiter.try_acquire() == 1


def test_without_a_word_the_pause_is_a_second_and_never_more_than_an_hour(clock):
    limiter = RateLimiter(None, clock=clock)
    limiter.throttle()
    assert limiter.try_acquire() == 1
    limiter.throttle(1e9)
    assert limiter.try_acquire() == 3600


def test_a_rate_that_changes_keeps_what_was_taken(clock):
    limiter = RateLimiter("60/min", burst=10, clock=clock)
    limiter.try_acquire(10)
    limiter.configure("120/min", 10)
    assert limiter.try_acquire(1) > 0
    limiter.configure(None)
    assert limiter.try_acquire(1e9) == 0


def test_a_shared_quota_is_asked_after_the_own_one(clock):
    asked, waits = [], [3.0, 1.0, 0.0]

    class Elsewhere:
        async def take(self, name, cost, rate, burst):
            asked.append((name, cost, clock.monotonic()))
            assert (rate.units, burst) == (60, 6)
            return waits.pop(0)

    limiter = RateLimiter("60/min", clock=clock, name="openai", shared=Elsewhere())
    assert passing(limiter, clock, [2]) == [(0, 4)]
    assert asked == [("openai", 2, 0), ("openai", 2, 3), ("openai", 2, 4)]


def test_one_rate_holds_over_threads():
    clock = ManualClock()
    limiter = RateLimiter("1000/min", burst=1000, clock=clock)
    passed = []

    def take():
        passed.extend(limiter.try_acquire() == 0 for _ in range(500))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 1000


def test_tokens_are_expected_from_the_last_calls_and_settled(clock):
    limiter = RateLimiter("6000/min", burst=1000, clock=clock)
    quota = TokenQuota(limiter, measure=len)

    async def story():
        first = await quota.acquire()
        quota.settle(first, "x" * 900)
        assert limiter.left == pytest.approx(100)
        task = asyncio.create_task(quota.acquire())
        await clock.run_for(8)
        expected = await task
        assert expected == 900
        quota.settle(expected, "x" * 400)
        assert quota.expected == 850

    asyncio.run(story())
    assert clock.monotonic() == 8


def test_a_result_that_tells_no_tokens_leaves_the_expected_ones():
    quota = TokenQuota(RateLimiter("6000/min"))
    quota.expected = 100.0
    left = quota.limiter.left
    quota.settle(100.0, "no usage")
    assert quota.expected == 100
    assert quota.limiter.left == pytest.approx(left, abs=1)


@pytest.mark.parametrize("used", [float("nan"), float("inf"), -5.0, None])
def test_a_measure_that_cannot_tell_leaves_the_account_as_it_was_expected(used):
    quota = TokenQuota(RateLimiter("1000/min", burst=1000, clock=ManualClock()), measure=lambda result: used)
    expected = asyncio.run(quota.acquire())
    quota.settle(expected, "answer")
    assert (quota.limiter.left, quota.expected) == (1000, 0)
