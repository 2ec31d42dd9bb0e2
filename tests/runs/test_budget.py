"""A budget covers every call that is made: retries, hedges and fallbacks too."""

import asyncio

import pytest

from consilience.circle import Circle
from consilience.errors import InvalidInput, Refused, Unparseable
from consilience.experts.base import FunctionExpert
from consilience.models import Outcome, Reply, Usage
from consilience.policies import Policy, RetrySettings
from consilience.runs import Budget


class Service:
    """Counts its calls, and does at each what it is told."""

    def __init__(self, work):
        self.calls, self.work = 0, work

    async def __call__(self, question):
        self.calls += 1
        return await self.work(self.calls)


def circle_of(service, budget, **settings):
    policy = Policy("service", registered=False, breaker=None, **settings)
    return Circle([FunctionExpert(service, "ana")], policies={"ana": policy}, budget=budget)


@pytest.mark.parametrize("budget", [Budget(calls=3), Budget(tokens=30), Budget(usd=0.3)])
def test_a_retry_is_a_call_that_the_budget_has_to_cover(budget, kind):
    async def work(n):
        if n == 1:
            return Reply("yes", usage=Usage(9, 1, 0.1))
        raise ConnectionResetError("away")

    service = Service(work)
    with circle_of(service, budget, retry=RetrySettings(retries=9, first=0.0, floor=100)) as circle:
        assert circle.ask_sync("one?", answer=kind).answer == "yes"
        (response,) = circle.ask_sync("two?", answer=kind).responses
    assert response.outcome is Outcome.OVER_BUDGET
    assert service.calls == 3, "a call that failed counts with what it was expected to cost"


def test_a_run_stops_its_retries_at_its_own_budget(kind):
    async def work(n):
        raise ConnectionResetError("away")

    service = Service(work)
    frame = {"id": list(range(9)), "text": [str(n) for n in range(9)]}
    with circle_of(service, None, retry=RetrySettings(retries=9, first=0.0, floor=100)) as circle:
        run = circle.run(
            frame,
            "{text}?",
            answer=kind,
            key="id",
            budget=Budget(calls=4),
            concurrency=1,
            progress=False,
        )
        found = run.wait_sync()
    assert service.calls == 4
    assert "stopped by the budget of 4 calls" in found.banner


def test_a_hedge_that_the_budget_does_not_cover_is_not_made_and_the_first_call_goes_on(kind):
    async def work(n):
        while not circle._purse.exhausted:  # noqa: ASYNC110 - a purse has no event
            await asyncio.sleep(0)
        return "yes"

    service = Service(work)
    with circle_of(service, Budget(calls=1), hedge=0.001) as circle:
        assert circle.ask_sync("one?", answer=kind).answer == "yes"
    assert service.calls == 1


def test_a_hedge_that_the_budget_covers_is_counted(kind):
    async def work(n):
        if n == 1:
            await asyncio.Event().wait()
        return "yes"

    service = Service(work)
    with circle_of(service, Budget(calls=2), hedge=0.001) as circle:
        assert circle.ask_sync("one?", answer=kind).answer == "yes"
        assert circle._purse.calls == 2


def test_a_fallback_is_paid_from_the_same_budget(kind):
    async def never(n):
        raise AssertionError("the circuit is open")

    async def other(n):
        return "no"

    service, fallback = Service(never), Service(other)
    policy = Policy("service", registered=False, fallback=fallback)
    policy.breaker.force_open()
    expert = FunctionExpert(service, "ana")
    with Circle([expert], policies={"ana": policy}, budget=Budget(calls=1)) as circle:
        circle.ask_sync("one?", answer=kind)
        (response,) = circle.ask_sync("two?", answer=kind).responses
    assert (service.calls, fallback.calls) == (0, 1)
    assert response.outcome is Outcome.OVER_BUDGET


@pytest.mark.parametrize("error", [Refused, Unparseable])
def test_a_call_that_ends_in_a_paid_error_counts(error, kind):
    async def work(n):
        raised = error("no")
        raised.usage = Usage(100, 10, 0.01)
        raise raised

    service = Service(work)
    frame = {"id": list(range(50)), "t": [str(n) for n in range(50)]}
    with circle_of(service, None) as circle:
        found = circle.run(
            frame, "Is {t}?", answer=kind, key="id", budget=Budget(usd=0.05), progress=False
        ).wait_sync()
    assert service.calls == 5
    assert "45 of 50 rows were not asked" in found.stopped


@pytest.mark.parametrize(
    ("usd", "said"), [(5, "$5.00"), (0.035, "$0.035"), (0.0035, "$0.0035"), (1234.5, "$1,234.50")]
)
def test_a_budget_is_said_to_its_last_digit(usd, said):
    assert str(Budget(usd=usd)) == said


def test_tokens_and_calls_are_whole():
    assert str(Budget(tokens=1e6)) == "1,000,000 tokens"
    with pytest.raises(InvalidInput, match="whole tokens or calls"):
        Budget(calls=1.5)
