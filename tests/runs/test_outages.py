"""A run whose expert is away for a while: its rows are not lost to a circuit that will close again."""

import itertools

import pytest

import consilience as cs
from consilience.models.response import Source
from consilience.policies import BreakerSettings, Policy, registry
from consilience.runs import outages

ROWS = 60
FRAME = {"id": list(range(ROWS)), "text": [f"row {n}" for n in range(ROWS)]}
_NUMBERS = itertools.count()


class Service:
    """An expert under a policy of its own, whose circuit opens after five failures and for half a second."""

    source = Source.MODEL

    def __init__(self, failures):
        self.name = f"service {next(_NUMBERS)}"
        self.calls = 0
        self._failures = failures
        self._policy = Policy(self.name, breaker=BreakerSettings(consecutive=5, open_for=0.5))

    def policy(self):
        return self._policy

    async def answer(self, question):
        self.calls += 1
        if self.calls <= self._failures:
            raise ConnectionResetError("reset by peer")
        return cs.Reply("yes")

    async def aclose(self):
        registry.forget(self.name)


def run(service, **how):
    with cs.Circle([service, cs.Scripted("ana", ["yes"])]) as circle:
        kind = cs.Label("yes", "no")
        return circle.run(FRAME, "Is it {text}?", answer=kind, key="id", progress=False, **how).wait_sync()


@pytest.mark.parametrize("budget", [None, cs.Budget(calls=1000)])
def test_an_outage_that_passes_costs_the_rows_that_met_it(budget):
    service = Service(failures=6)
    result = run(service, concurrency=1, budget=budget)
    assert (result.failed, service.calls) == (6, ROWS)
    assert result.failures["outcome"].to_list() == ["failed"]


def test_who_stays_away_is_not_waited_for_without_end(monkeypatch, caplog):
    monkeypatch.setattr(outages, "_OUTAGE_SECONDS", 1.0)
    service = Service(failures=10**9)
    result = run(service, concurrency=4)
    answers = result.answers.filter(expert="ana")
    assert (result.failed, answers["label"].null_count()) == (ROWS, 0)
    assert service.calls < ROWS
    assert "The run waits up to 1 s for an expert" in caplog.text


def test_a_circuit_that_was_opened_by_hand_is_not_waited_for():
    service = Service(failures=0)
    service.policy().breaker.force_open()
    result = run(service)
    assert (result.failed, service.calls) == (ROWS, 0)
