"""Deadlines and timeouts end what takes too long, and nothing else."""

import asyncio

import pytest

from consilience.errors import AttemptTimedOut, DeadlineExceeded, InvalidInput
from consilience.policies import ManualClock, SystemClock, deadline, remaining
from consilience.policies.deadline import Expiry


def test_an_inner_deadline_can_only_shorten(clock):
    async def story():
        with deadline(10, clock=clock):
            with deadline(60, clock=clock):
                assert remaining(clock) == 10
            with deadline(5, clock=clock):
                assert remaining(clock) == 5
            assert remaining(clock) == 10
        assert remaining(clock) == float("inf")

    asyncio.run(story())


def test_a_deadline_ends_the_block_and_is_a_timeout(clock):
    async def story():
        with deadline(10, clock=clock):
            await clock.sleep(60)

    async def watched():
        task = asyncio.create_task(story())
        await clock.run_for(10)
        with pytest.raises(TimeoutError, match="deadline of this block"):
            await task
        assert not task.cancelled()

    asyncio.run(watched())


def test_tasks_inherit_the_deadline(clock):
    async def story():
        with deadline(10, clock=clock):
            return await asyncio.create_task(_left(clock))

    async def _left(clock):
        return remaining(clock)

    assert asyncio.run(story()) == 10


def test_a_deadline_on_another_clock_says_nothing(clock):
    async def story():
        with deadline(10, clock=ManualClock()):
            return remaining(clock)

    assert asyncio.run(story()) == float("inf")


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()])
def test_a_cancellation_from_outside_is_not_a_timeout(clock, shared):
    async def block():
        with Expiry(clock, 60, AttemptTimedOut, "late", shared=shared):
            await asyncio.Event().wait()

    async def story():
        task = asyncio.create_task(block())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())


def test_a_cancellation_that_meets_a_timeout_stays_a_cancellation(clock):
    async def block():
        with Expiry(clock, 5, AttemptTimedOut, "late"):
            await asyncio.Event().wait()

    async def story():
        task = asyncio.create_task(block())
        await asyncio.sleep(0)
        clock.advance(5)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())


def test_a_block_that_ends_in_time_leaves_no_timer_and_no_cancellation(clock):
    async def story():
        with Expiry(clock, 5, AttemptTimedOut, "late"):
            clock.advance(5)  # expires, and cannot be delivered before the block has ended
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asyncio.current_task().cancelling() == 0

    asyncio.run(story())
    assert clock.n_waiting == 0


def test_a_timeout_works_on_the_system_clock():
    async def story():
        expiry = Expiry(SystemClock(), 0.001, AttemptTimedOut, "late", shared=True)
        with pytest.raises(AttemptTimedOut, match="late"), expiry:
            await asyncio.Event().wait()

    asyncio.run(story())


def test_no_time_left_raises_before_the_block(clock):
    async def story():
        with pytest.raises(DeadlineExceeded), Expiry(clock, 0, DeadlineExceeded, "over"):
            raise AssertionError("the block must not run")

    asyncio.run(story())


def test_a_deadline_of_nothing_is_refused():
    with pytest.raises(InvalidInput), deadline(0):
        raise AssertionError("the block must not run")
