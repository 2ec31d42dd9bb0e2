"""Retries: as often, as late and as many as allowed."""

import asyncio

import pytest

from consilience.errors import InvalidInput
from consilience.policies import ManualClock, Retry, RetryBudget, RetrySettings, deadline
from consilience.policies.events import Retrying


def failing(errors, then="answer"):
    left = list(errors)

    async def call():
        if left:
            raise left.pop(0)
        return then

    return call


def run(retry, function, clock, seconds=1000):
    async def story():
        task = asyncio.create_task(retry(function))
        await clock.run_for(seconds)
        return await task

    return asyncio.run(story())


def test_waits_double_up_to_the_longest(clock, events, seen):
    settings = RetrySettings(retries=5, first=1, longest=5)
    retry = Retry(settings, clock=clock, events=events, draw=lambda: 1.0, name="openai")
    assert run(retry, failing([ConnectionError()] * 5), clock) == "answer"
    assert [event.delay for event in seen] == [1, 2, 4, 5, 5]
    assert seen[0] == Retrying("openai", 0, 1, 1, "ConnectionError")


def test_waits_are_spread_from_zero(clock, events, seen):
    retry = Retry(RetrySettings(first=8), clock=clock, events=events, draw=lambda: 0.25)
    run(retry, failing([ConnectionError()]), clock)
    assert [event.delay for event in seen] == [2]


def test_the_last_error_is_raised_when_the_attempts_are_used_up(clock):
    errors = [ConnectionError("1"), ConnectionError("2"), ConnectionError("3")]
    with pytest.raises(ConnectionError, match="3"):
        run(Retry(RetrySettings(retries=2), clock=clock), failing(errors), clock)


def test_what_is_ours_is_not_tried_again(clock, answered):
    for error in (ValueError("wrong"), answered(404), asyncio.CancelledError()):
        function = failing([error])
        with pytest.raises(type(error)):
            asyncio.run(Retry(clock=clock)(function))


def test_a_retry_that_would_come_after_the_deadline_is_not_waited_for(clock):
    async def story():
        with deadline(3, clock=clock), pytest.raises(ConnectionError) as failed:
            await Retry(RetrySettings(first=10), clock=clock, draw=lambda: 1.0)(failing([ConnectionError()]))
        assert "after the deadline" in failed.value.__notes__[0]

    asyncio.run(story())
    assert clock.monotonic() == 0


def test_the_floor_of_a_budget_fills_again_within_a_minute():
    clock = ManualClock()
    budget = RetryBudget(0.0, 6, clock=clock)
    assert [budget.withdraw() for _ in range(7)] == [True] * 6 + [False]
    clock.advance(20)
    assert [budget.withdraw() for _ in range(3)] == [True, True, False]
    clock.advance(3600)
    assert [budget.withdraw() for _ in range(7)] == [True] * 6 + [False]


def test_good_times_save_no_more_than_a_hundred_retries():
    budget = RetryBudget(0.2, 10, clock=ManualClock())
    for _ in range(10_000):
        budget.deposit()
    assert 110 <= budget.balance < 110.2 + 1e-6


@pytest.mark.parametrize("name", ["retries", "first", "longest", "share", "floor"])
def test_negative_settings_are_refused(name):
    with pytest.raises(InvalidInput, match=name):
        RetrySettings(**{name: -1})


def test_a_budget_with_another_floor_keeps_its_distance_from_it(clock):
    budget = RetryBudget(share=0, floor=10, clock=clock)
    budget.configure(0, 2)
    assert budget.balance == 2
    budget.withdraw()
    budget.configure(0, 5)
    assert budget.balance == 4
    budget.configure(0, 5)
    assert budget.balance == 4
    budget.configure(0, 0)
    assert budget.balance == 0
