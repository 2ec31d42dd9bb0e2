"""The bulkhead: who runs, who waits, who is turned away."""

import asyncio
import contextvars
import threading

import pytest

from consilience.errors import DeadlineExceeded, InvalidInput, NestedAcquire, QueueFull
from consilience.policies import Adaptive, Bulkhead, Gradient, ManualClock, Priority, deadline


def elsewhere(bulkhead):
    """Take a permit as a call that has nothing to do with this one."""
    return contextvars.Context().run(bulkhead.try_acquire)


def test_waiting_calls_go_by_priority_and_then_by_coming():
    async def story():
        bulkhead, order = Bulkhead(1), []
        first = elsewhere(bulkhead)

        async def call(name, priority):
            async with bulkhead.permit(priority):
                order.append(name)

        names = [("low", 3), ("medium", 2), ("critical", 0), ("medium too", 2), ("high", 1)]
        tasks = [asyncio.create_task(call(name, Priority(number))) for name, number in names]
        await asyncio.sleep(0)
        assert bulkhead.waiting == 5
        first.release()
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(story()) == ["critical", "high", "medium", "medium too", "low"]


def test_more_than_the_queue_holds_is_refused_at_once():
    async def story():
        bulkhead = Bulkhead(1, queue=1, name="openai")
        permit = elsewhere(bulkhead)
        waiting = asyncio.create_task(bulkhead.acquire())
        await asyncio.sleep(0)
        with pytest.raises(QueueFull, match="1 calls wait for 'openai' already"):
            await bulkhead.acquire()
        permit.release()
        (await waiting).release()
        assert (bulkhead.running, bulkhead.waiting) == (0, 0)

    asyncio.run(story())


def test_a_higher_limit_lets_waiting_calls_start():
    async def story():
        bulkhead = Bulkhead(1)
        started = []

        async def call(number):
            async with bulkhead.permit():
                started.append(number)
                await asyncio.Event().wait()

        tasks = [asyncio.create_task(call(number)) for number in range(4)]
        await asyncio.sleep(0)
        assert started == [0]
        bulkhead.limit = 3
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert started == [0, 1, 2]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert bulkhead.running == 0

    asyncio.run(story())


def test_a_hold_keeps_new_calls_waiting_until_it_is_taken_back():
    async def story():
        bulkhead = Bulkhead()
        bulkhead.hold()
        task = asyncio.create_task(bulkhead.acquire())
        await asyncio.sleep(0)
        assert bulkhead.waiting == 1
        bulkhead.resume()
        (await task).release()

    asyncio.run(story())


def test_a_call_waits_no_longer_than_it_may():
    clock = ManualClock()

    async def story():
        bulkhead = Bulkhead(1, clock=clock, name="openai")
        permit = elsewhere(bulkhead)

        async def late():
            with deadline(5, clock=clock):
                await bulkhead.acquire(within=60)

        task = asyncio.create_task(late())
        await clock.run_for(5)
        with pytest.raises(DeadlineExceeded):
            await task
        assert bulkhead.waiting == 0
        permit.release()

    asyncio.run(story())


def test_one_limit_holds_over_loops_in_several_threads():
    bulkhead, most, lock = Bulkhead(3), [0], threading.Lock()
    running = [0]

    async def call():
        async with bulkhead.permit():
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            await asyncio.sleep(0)
            with lock:
                running[0] -= 1

    async def many():
        await asyncio.gather(*(call() for _ in range(50)))

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 3
    assert (bulkhead.running, bulkhead.waiting) == (0, 0)


def test_a_permit_comes_back_once():
    bulkhead = Bulkhead(2)
    permit = bulkhead.try_acquire()
    permit.release()
    permit.release()
    assert bulkhead.running == 0


def test_a_nested_call_passes_while_there_is_room():
    async def story():
        bulkhead = Bulkhead(2, name="openai")
        async with bulkhead.permit(holder="outer"), bulkhead.permit(holder="inner"):
            with pytest.raises(NestedAcquire, match="third asks .* inside inner"):
                await bulkhead.acquire(holder="third")
        async with bulkhead.permit():
            assert bulkhead.running == 1

    asyncio.run(story())


@pytest.mark.parametrize("limit", [None, 5])
def test_a_nested_call_that_is_held_back_says_that_memory_is_scarce(limit):
    async def story():
        bulkhead = Bulkhead(limit, name="openai")
        async with bulkhead.permit(holder="outer"):
            bulkhead.hold()
            with pytest.raises(NestedAcquire, match="inner asks .* inside outer.* memory guard") as refused:
                await bulkhead.acquire(holder="inner")
            assert "taken" not in str(refused.value)
            bulkhead.resume()
            (await bulkhead.acquire()).release()

    asyncio.run(story())


def test_a_limit_below_one_is_refused():
    with pytest.raises(InvalidInput, match="1 call or more"):
        Bulkhead(0)


def test_the_gradient_shrinks_when_calls_slow_down_and_when_they_fail_and_stays_in_bounds():
    gradient = Gradient(Adaptive(initial=50, low=10, high=60))
    for _ in range(200):
        gradient.observe(0.1, running=60)
    assert gradient.limit == 60
    for _ in range(30):
        gradient.observe(1.0, running=60)
    slowed = gradient.limit
    assert slowed < 60
    for _ in range(200):
        gradient.observe(1.0, running=60, failed=True)
    assert gradient.limit == 10


def test_the_gradient_learns_nothing_from_an_idle_service():
    gradient = Gradient(Adaptive(initial=50, high=100))
    for _ in range(100):
        gradient.observe(0.1, running=1)
    assert gradient.limit == 50


@pytest.mark.parametrize("bounds", [{"low": 0}, {"low": 20}, {"high": 10}, {"tolerance": 0.5}])
def test_adaptive_bounds_that_contradict_each_other_are_refused(bounds):
    with pytest.raises(InvalidInput):
        Adaptive(**bounds)
