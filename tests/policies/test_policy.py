"""The whole policy: its order, its settings, its face."""

import asyncio
import contextlib
import contextvars
import functools
import tracemalloc
from types import SimpleNamespace

import pytest

from consilience.errors import (
    AttemptTimedOut,
    CircuitOpen,
    DeadlineExceeded,
    InvalidInput,
    LoopError,
    QueueFull,
    RateLimited,
)
from consilience.loop import background
from consilience.policies import (
    SYSTEM,
    Adaptive,
    BreakerSettings,
    ManualClock,
    Policy,
    RetrySettings,
    deadline,
    priority,
    registry,
    remaining,
)
from consilience.policies.events import BreakerChanged, CallFinished, LimitChanged, Retrying


async def answer(*said):
    return said


def run(clock, coroutine, seconds=1000):
    async def story():
        task = asyncio.create_task(coroutine)
        await clock.run_for(seconds)
        return await task

    return asyncio.run(story())


def test_a_call_returns_what_the_function_returns(make_policy):
    policy = make_policy()

    async def story():
        assert await policy(answer, 1) == (1,)
        assert await policy.call(answer) == ()
        assert await policy(answer) == ()

    asyncio.run(story())


def test_every_end_of_a_call_is_told(make_policy, seen, clock):
    policy = make_policy(retry=RetrySettings(retries=1, first=0))

    async def fails():
        await clock.sleep(2)
        raise ConnectionError

    run(clock, policy(answer, 1))
    with pytest.raises(ConnectionError):
        run(clock, policy.call(fails))
    ends = [event for event in seen if isinstance(event, CallFinished)]
    assert [(end.outcome, end.attempts) for end in ends] == [("ok", 1), ("ConnectionError", 2)]
    assert ends[1].seconds == 4


def test_each_attempt_has_its_timeout_and_the_call_its_deadline(make_policy, clock):
    policy = make_policy(timeout=10, deadline=25, retry=RetrySettings(retries=5, first=0), breaker=None)
    starts = []

    async def hangs():
        starts.append((clock.monotonic(), remaining(clock)))
        await asyncio.Event().wait()

    with pytest.raises(DeadlineExceeded):
        run(clock, policy.call(hangs))
    assert starts == [(0, 25), (10, 15), (20, 5)]


def test_an_open_circuit_ends_the_retrying_at_once(make_policy, clock):
    policy = make_policy(retry=RetrySettings(retries=9, first=0), breaker=BreakerSettings(consecutive=2))
    calls = []

    async def fails():
        calls.append(1)
        raise ConnectionError

    with pytest.raises(CircuitOpen):
        run(clock, policy.call(fails))
    assert len(calls) == 2


def test_every_attempt_spends_quota_and_a_rejected_call_none(make_policy, clock):
    policy = make_policy(
        rate="60/min", retry=RetrySettings(retries=2, first=0), breaker=BreakerSettings(consecutive=3)
    )
    left = policy.requests.left

    async def fails():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        run(clock, policy.call(fails), seconds=0)
    assert policy.requests.left == left - 3
    with pytest.raises(CircuitOpen):
        run(clock, policy.call(fails), seconds=0)
    assert policy.requests.left == left - 3


def test_a_call_that_the_token_quota_refuses_spends_no_request(make_policy, clock):
    policy = make_policy(rate="60/min", tokens="600/min", deadline=5)

    async def asks():
        return SimpleNamespace(usage=SimpleNamespace(total_tokens=600))

    run(clock, policy.call(asks), seconds=0)
    left = policy.requests.left
    with pytest.raises(RateLimited, match="tokens"):
        run(clock, policy.call(asks), seconds=0)
    assert policy.requests.left == left


def test_a_circuit_that_opens_while_an_attempt_waits_for_quota_refuses_it(make_policy, clock):
    policy = make_policy(rate="60/min", deadline=None)
    calls = []

    async def ask():
        calls.append(1)

    async def story():
        policy.requests.throttle(30)
        task = asyncio.create_task(policy.call(ask))
        await clock.run_for(10)
        policy.breaker.force_open()
        await clock.run_for(30)
        with pytest.raises(CircuitOpen):
            await task

    asyncio.run(story())
    assert calls == []


def test_who_the_breaker_would_turn_away_does_not_queue_first(make_policy, seen):
    policy = make_policy(concurrency=1, queue=0)

    async def story():
        contextvars.Context().run(policy.bulkhead.try_acquire)
        with pytest.raises(QueueFull):
            await policy(answer, 1)
        policy.breaker.force_open()
        with pytest.raises(CircuitOpen):
            await policy(answer, 1)

    asyncio.run(story())
    assert seen[-1] == CallFinished(policy.name, 0.0, 0.0, "CircuitOpen", 0)


def test_the_deadline_of_a_circle_shortens_that_of_a_policy_and_counts_against_a_service_that_had_its_time(
    make_policy, clock
):
    policy = make_policy(timeout=10, deadline=5, breaker=BreakerSettings(consecutive=1))

    async def hangs():
        await asyncio.Event().wait()

    with pytest.raises(DeadlineExceeded):
        run(clock, policy.call(hangs))
    assert policy.breaker.state == "open"
    policy = make_policy(timeout=11, deadline=5, breaker=BreakerSettings(consecutive=1))
    with pytest.raises(DeadlineExceeded):
        run(clock, policy.call(hangs))
    assert policy.breaker.state == "closed"


def test_a_deadline_around_the_call_is_seen_by_the_breaker_and_a_cancellation_before_it_is_not(
    make_policy, clock
):
    policy = make_policy(timeout=None, deadline=None, breaker=BreakerSettings(consecutive=1))

    async def hangs():
        await asyncio.Event().wait()

    async def cancelled():
        with deadline(5, clock=clock):
            task = asyncio.create_task(policy.call(hangs))
            await clock.run_for(4)
            task.cancel()
            await task

    async def hurried():
        with deadline(5, clock=clock):
            await policy.call(hangs)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert policy.breaker.state == "closed"
    with pytest.raises(DeadlineExceeded):
        run(clock, hurried())
    assert policy.breaker.state == "open"


def test_a_call_leaves_its_deadline_to_the_block_around_it_and_a_task_that_outlives_the_block_keeps_its_own(
    make_policy, clock
):
    policy = make_policy(timeout=10, deadline=None, breaker=None)
    timers, ended = [], []

    async def hangs():
        timers.append(clock.n_waiting)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(clock.monotonic())

    async def left_behind():
        with deadline(5, clock=clock):
            task = asyncio.create_task(policy.call(hangs))
            await asyncio.sleep(0)
        await task

    async def around():
        with deadline(5, clock=clock):
            await policy.call(hangs)

    for story in (around, left_behind):
        started = clock.monotonic()
        with pytest.raises(DeadlineExceeded):
            run(clock, story())
        assert ended.pop() == started + 5
    with_one_timer_less, with_all = timers
    assert with_one_timer_less == with_all - 1


def test_a_call_that_a_block_ended_counts_against_the_service_whatever_its_function_does_with_that(
    make_policy, clock
):
    policy = make_policy(timeout=None, deadline=None, breaker=BreakerSettings(consecutive=1))
    other = make_policy()

    async def answers():
        return 1

    async def swallows():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return await other.call(answers)

    async def hurried():
        with deadline(5, clock=clock):
            await policy.call(swallows)

    with pytest.raises(DeadlineExceeded):
        run(clock, hurried())
    assert policy.breaker.state == "open"


def test_a_permit_that_outlives_the_block_it_was_taken_in_keeps_its_time_limit(make_policy, clock):
    policy = make_policy(timeout=60, deadline=None)

    async def story():
        async with contextlib.AsyncExitStack() as stack:
            with deadline(5, clock=clock):
                await stack.enter_async_context(policy.permit())
            await asyncio.Event().wait()

    with pytest.raises(DeadlineExceeded):
        run(clock, story())


def test_a_stream_without_a_deadline_leaves_that_of_its_consumer_alone(make_policy, clock):
    policy = make_policy(deadline=None)
    seen = []

    async def items():
        for n in range(3):
            seen.append(remaining(clock))
            yield n

    async def story():
        stream = policy.stream(items)
        await anext(stream)
        with deadline(5, clock=clock):
            await anext(stream)
            seen.append(remaining(clock))
        await stream.aclose()

    run(clock, story())
    assert seen == [float("inf"), 5, 5]


def test_a_hedge_runs_a_slow_call_twice(make_policy, clock):
    policy = make_policy(hedge=2, concurrency=1)
    seconds = [50, 1]

    async def slow():
        await clock.sleep(seconds.pop(0))
        return clock.monotonic()

    assert run(clock, policy.call(slow)) == 3
    assert policy.bulkhead.running == 0


def test_equal_calls_under_way_run_once_when_asked_for(make_policy):
    runs = []

    async def ask(prompt, *, temperature=0):
        runs.append(prompt)
        await asyncio.sleep(0)
        return prompt

    async def many(policy, prompts):
        return await asyncio.gather(*(policy(ask, prompt, temperature=1) for prompt in prompts))

    assert asyncio.run(many(make_policy(flight=True), "aab")) == ["a", "a", "b"]
    assert sorted(runs) == ["a", "b"]
    runs.clear()
    asyncio.run(many(make_policy(), "aab"))
    assert sorted(runs) == ["a", "a", "b"]


@pytest.mark.parametrize("flight", [True, False])
def test_a_cache_is_asked_first_and_keeps_no_errors(make_policy, flight):
    kept, runs = {}, []
    policy = make_policy(cache=kept, key=lambda prompt: prompt.lower(), flight=flight)

    async def ask(prompt):
        runs.append(prompt)
        if prompt == "bad":
            raise ConnectionError

    async def story():
        for prompt in ("Yes", "yes", "YES"):
            assert await policy(ask, prompt) is None
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await policy(ask, "bad")
        policy.breaker.force_open()
        assert await policy(ask, "yes") is None

    asyncio.run(story())
    assert runs == ["Yes", "bad", "bad"]
    assert kept == {"yes": None}


def test_arguments_without_a_hash_need_a_key(make_policy):
    policy = make_policy(flight=True)
    with pytest.raises(InvalidInput, match="key=function"):
        asyncio.run(policy(answer, ["a list"]))


def test_an_open_circuit_falls_back_to_others_in_turn(make_policy):
    async def closed_too(prompt):
        raise CircuitOpen("closed too")

    async def local(prompt):
        return f"local: {prompt}"

    policy = make_policy(fallback=[closed_too, local])
    policy.breaker.force_open()
    assert asyncio.run(policy(answer, "yes")) == "local: yes"
    policy = make_policy(fallback=closed_too)
    policy.breaker.force_open()
    with pytest.raises(CircuitOpen, match="held open") as refused:
        asyncio.run(policy(answer, "yes"))
    assert refused.value.__notes__ == ["The fallback is open too: closed too"]


def test_an_adaptive_limit_follows_the_latency(make_policy, clock, seen):
    policy = make_policy(concurrency=Adaptive(initial=4, low=2, high=8))

    async def takes(seconds):
        await clock.sleep(seconds)

    async def rounds(seconds, n):
        for _ in range(n):
            tasks = [asyncio.create_task(policy(takes, seconds)) for _ in range(8)]
            await clock.run_for(100)
            await asyncio.gather(*tasks)

    asyncio.run(rounds(1, 20))
    assert policy.bulkhead.limit == 8
    asyncio.run(rounds(20, 2))
    assert policy.bulkhead.limit < 8
    assert {event.limit for event in seen if isinstance(event, LimitChanged)} >= {5, 8}


def test_waiting_calls_go_by_the_priority_around_them(make_policy):
    policy, order = make_policy(concurrency=1), []

    async def note(name):
        order.append(name)

    async def story():
        permit = contextvars.Context().run(policy.bulkhead.try_acquire)
        tasks = []
        for name in ("low", "high", "critical"):
            with priority(name):
                tasks.append(asyncio.create_task(policy(note, name)))
        await asyncio.sleep(0)
        permit.release()
        await asyncio.gather(*tasks)

    asyncio.run(story())
    assert order == ["critical", "high", "low"]
    with pytest.raises(InvalidInput, match="critical, high, medium, low"), priority("urgent"):
        raise AssertionError("the block must not run")


def test_a_block_is_one_attempt(make_policy, clock):
    policy = make_policy(concurrency=1, timeout=5, breaker=BreakerSettings(consecutive=1), rate="60/min")

    async def story():
        async with policy.permit() as held:
            assert held is policy
            assert policy.bulkhead.running == 1
        with pytest.raises(AttemptTimedOut):
            async with policy.permit():
                await asyncio.Event().wait()

    left = policy.requests.left
    run(clock, story())
    assert (policy.bulkhead.running, policy.breaker.state) == (0, "open")
    assert policy.requests.left <= left


# decorating


def test_it_decorates_a_coroutine_function_and_keeps_its_name(make_policy):
    policy = make_policy()

    @policy
    async def ask(prompt):
        """Ask."""
        return prompt

    assert (ask.__name__, ask.__doc__) == ("ask", "Ask.")
    assert asyncio.run(ask("yes")) == "yes"
    assert "under <Policy" in repr(ask)


def test_it_decorates_methods(make_policy):
    policy = make_policy()

    class Client:
        name = "client"

        @policy
        async def ask(self, prompt):
            return self.name, prompt

        @policy
        def ask_sync(self, prompt):
            return self.name, prompt

    assert asyncio.run(Client().ask("yes")) == ("client", "yes")


def test_it_decorates_a_plain_function_that_may_run_under_a_running_loop(make_policy):
    policy = make_policy(concurrency=1, clock=SYSTEM)

    @policy
    def ask(prompt, *, loud=False):
        assert policy.bulkhead.running == 1
        return prompt.upper() if loud else prompt

    async def inside():
        return ask("yes")

    assert ask("yes", loud=True) == "YES"
    assert asyncio.run(inside()) == "yes"


def test_a_plain_function_may_not_be_called_on_the_background_loop(make_policy):
    policy = make_policy()

    async def inside():
        return policy.call_sync(len, "four")

    with pytest.raises(LoopError, match="wait for itself"):
        background.wait_sync(inside())


def test_it_decorates_streams(make_policy, clock):
    policy = make_policy(concurrency=1, timeout=5, deadline=100)

    @policy
    async def words(n):
        for number in range(n):
            await clock.sleep(4)
            assert remaining(clock) <= 100
            yield number

    async def story():
        items = []
        async for item in words(5):
            assert policy.bulkhead.running == 1
            assert remaining(clock) == float("inf")
            items.append(item)
        return items

    assert run(clock, story()) == [0, 1, 2, 3, 4]
    assert policy.bulkhead.running == 0
    assert policy.breaker.window.calls == 1


def test_a_stream_that_stalls_or_breaks_is_a_failure_and_one_that_is_left_early_is_not(make_policy, clock):
    policy = make_policy(timeout=5)

    async def stream(seconds):
        yield 1
        await clock.sleep(seconds)
        yield 2
        raise ConnectionError

    async def read(seconds, stop=False):
        items = policy.stream(stream, seconds)
        async for _ in items:
            if stop:
                break
        await items.aclose()

    with pytest.raises(AttemptTimedOut):
        run(clock, read(6))
    assert policy.breaker.window.failures == 1
    with pytest.raises(ConnectionError):
        run(clock, read(1))
    assert policy.breaker.window.failures == 2
    run(clock, read(1, stop=True))
    assert policy.breaker.window.calls == 2
    assert policy.bulkhead.running == 0


def test_a_consumer_that_takes_its_time_does_not_use_up_the_timeout(make_policy, clock):
    policy = make_policy(timeout=5, deadline=1000)

    async def stream():
        for number in range(3):
            yield number

    async def read():
        async for _ in policy.stream(stream):
            await clock.sleep(60)

    run(clock, read())
    assert policy.breaker.window.failures == 0


@pytest.mark.parametrize("given", ["generator", "class", "nothing that is called"])
def test_what_cannot_be_held_is_refused_with_what_to_do(make_policy, given):
    def generator():
        yield 1

    things = {"generator": generator, "class": ManualClock, "nothing that is called": 3}
    with pytest.raises(InvalidInput, match="A policy"):
        make_policy()(things[given])


def test_a_partial_is_judged_by_what_it_calls(make_policy):
    policy = make_policy()
    assert asyncio.run(policy(functools.partial(answer, 1))(2)) == (1, 2)


def test_a_plain_function_that_is_awaited_is_refused_with_what_to_do(make_policy):
    policy = make_policy(retry=3)
    with pytest.raises(InvalidInput, match="len returned a int: use policy.call_sync"):
        asyncio.run(policy(len, "four"))

    async def stream(n):
        yield n

    with pytest.raises(InvalidInput, match="async for item in policy.stream"):
        asyncio.run(policy(stream, 4))


def test_a_lambda_that_returns_a_coroutine_is_awaited(make_policy):
    policy = make_policy()

    async def story():
        return await policy(lambda: answer(1))

    assert asyncio.run(story()) == (1,)


# the registry


def test_a_cell_that_is_run_again_configures_the_same_policy_and_keeps_its_state(make_policy, clock):
    first = make_policy("openai again", rate="60/min", concurrency=4, breaker=BreakerSettings(consecutive=2))
    first.breaker.force_open()
    first.requests.try_acquire(6)
    again = make_policy("openai again", rate="120/min", concurrency=8)
    assert again is first
    assert (again.breaker.state, again.bulkhead.limit) == ("open", 8)
    assert again.requests.left < 6 + 1
    assert registry.get("openai again") is first
    assert first in registry.policies()


def test_wrong_settings_leave_a_policy_as_it_was(make_policy):
    policy = make_policy("as it was", concurrency=4)
    for wrong in (
        {"rate": "fast"},
        {"timeout": 0},
        {"deadline": float("nan")},
        {"concurrency": 0},
        {"queue": -1},
    ):
        with pytest.raises(InvalidInput):
            make_policy("as it was", **wrong)
    assert policy.bulkhead.limit == 4
    with pytest.raises(InvalidInput, match="another clock"):
        make_policy("as it was", clock=ManualClock())
    with pytest.raises(InvalidInput, match="has a name"):
        Policy("")


def test_a_policy_may_stand_for_itself(make_policy):
    named = make_policy("twice")
    apart = Policy("twice", registered=False)
    assert apart is not named
    assert registry.get("twice") is named


def test_a_name_that_nobody_made_is_refused_with_those_that_exist(make_policy):
    policy = make_policy()
    with pytest.raises(InvalidInput, match=policy.name):
        registry.get("nobody")


def test_the_repr_says_how_it_stands(make_policy, clock):
    policy = make_policy("shown", rate="500/min", tokens="90_000/min", concurrency=64)

    async def ask():
        await clock.sleep(1.5)

    run(clock, policy.call(ask))
    clock.advance(1000)
    assert repr(policy) == (
        "<Policy 'shown': circuit closed, 0 of the last 1 failed, 0 of 64 run, 0 wait, 50 requests and 9,000 tokens "
        "left, p95 1.5 s>"
    )
    assert "no breaker" in repr(make_policy(breaker=None))


def test_changes_of_the_breaker_and_retries_are_told(make_policy, clock, seen):
    policy = make_policy(retry=RetrySettings(retries=1, first=0), breaker=BreakerSettings(consecutive=2))

    async def fails():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        run(clock, policy.call(fails))
    assert [type(event) for event in seen] == [Retrying, BreakerChanged, CallFinished]


def test_a_waiting_call_takes_little_memory(make_policy):
    policy = make_policy(concurrency=1, queue=10_000)

    async def story():
        contextvars.Context().run(policy.bulkhead.try_acquire)
        warm = asyncio.create_task(policy(answer, 1))
        await asyncio.sleep(0)
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        tasks = [asyncio.create_task(policy(answer, 1)) for _ in range(500)]
        await asyncio.sleep(0)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert policy.bulkhead.waiting == 501
        for task in (warm, *tasks):
            task.cancel()
        await asyncio.gather(warm, *tasks, return_exceptions=True)
        return (after - before) / 500

    assert asyncio.run(story()) < 4096
