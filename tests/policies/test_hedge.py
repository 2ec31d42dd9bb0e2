"""Hedging: a second attempt beside a slow one, and nothing left behind."""

import asyncio

import pytest

from consilience.errors import InvalidInput
from consilience.policies import Hedge, RetryBudget
from consilience.policies.events import Hedged


class Server:
    """Takes as long as it is told for each call, and notes who was cancelled."""

    def __init__(self, clock, *seconds):
        self.clock, self.seconds, self.calls, self.cancelled = clock, list(seconds), 0, 0

    async def __call__(self):
        self.calls += 1
        number, seconds = self.calls, self.seconds.pop(0)
        try:
            await self.clock.sleep(abs(seconds))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if seconds < 0:
            raise ConnectionError(f"call {number}")
        return number


def run(hedge, server, clock, seconds=100):
    async def story():
        task = asyncio.create_task(hedge(server))
        await clock.run_for(seconds)
        result = await task
        assert len(asyncio.all_tasks()) == 1
        return result

    return asyncio.run(story())


def test_a_quick_call_runs_once(clock, events, seen):
    server = Server(clock, 1)
    assert run(Hedge(2, clock=clock, events=events), server, clock) == 1
    assert (server.calls, seen) == (1, [])


def test_the_first_answer_counts_and_the_other_call_is_cancelled(clock, events, seen):
    server = Server(clock, 50, 1)
    assert run(Hedge(2, clock=clock, events=events, name="openai"), server, clock) == 2
    assert (server.calls, server.cancelled) == (2, 1)
    assert seen == [Hedged("openai", 2, 2)]


def test_a_failure_of_one_leaves_the_other(clock):
    assert run(Hedge(2, clock=clock), Server(clock, 9, -1), clock) == 1


def test_when_both_fail_the_first_one_is_the_error(clock):
    with pytest.raises(ConnectionError, match="call 1"):
        run(Hedge(2, clock=clock), Server(clock, -9, -1), clock)


def test_a_failure_before_the_second_has_started_is_final(clock):
    server = Server(clock, -1)
    with pytest.raises(ConnectionError):
        run(Hedge(2, clock=clock), server, clock)
    assert server.calls == 1


def test_a_used_up_budget_starts_no_second_call(clock):
    server = Server(clock, 50)
    budget = RetryBudget(0, 0, clock=clock)
    assert run(Hedge(2, clock=clock, budget=budget), server, clock) == 1


def test_a_cancelled_caller_cancels_both(clock):
    server = Server(clock, 50, 50)

    async def story():
        task = asyncio.create_task(Hedge(2, clock=clock)(server))
        await clock.run_for(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(story())
    assert server.cancelled == 2


def test_a_hedge_without_patience_is_refused():
    with pytest.raises(InvalidInput):
        Hedge(0)
