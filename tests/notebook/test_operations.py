"""The widget of what goes on: what is read, how often, and what crosses to the browser."""

import json

import pytest

import consilience as cs
from consilience.notebook import Operations
from consilience.policies import Cache, ManualClock, Policy, registry


def sent(widget, action, **content):
    widget._receive(None, {"action": action, **content}, [])
    widget.flush()


@pytest.fixture
def policy():
    made = Policy("spec of operations", rate="60/min", concurrency=4)
    yield made
    registry.forget("spec of operations")


def shown(widget, name):
    return next(state for state in widget.now["policies"] if state["name"] == name)


def test_a_policy_is_shown_with_its_circuit_and_what_is_left(policy):
    policy.breaker.force_open("maintenance")
    widget = Operations()
    sent(widget, "look")
    state = shown(widget, policy.name)
    assert (state["circuit"], state["reason"]) == ("open", "maintenance")
    assert (state["limit"], state["requests_left"], state["tokens_left"], state["p95"]) == (
        4,
        6.0,
        None,
        None,
    )


def test_a_circuit_is_closed_by_hand(policy):
    policy.breaker.force_open("maintenance")
    widget = Operations()
    sent(widget, "reset", name=policy.name)
    assert shown(widget, policy.name)["circuit"] == "closed"
    sent(widget, "reset", name="nobody's")
    assert "The name of a policy is required" in widget.error


def test_nothing_is_read_before_somebody_looks_and_at_most_twice_a_second():
    clock = ManualClock()
    widget = Operations(clock=clock)
    assert widget.now == {}
    sent(widget, "look")
    first = widget.now
    cache = Cache(name="spec of looking")
    sent(widget, "look")
    assert widget.now == first
    clock.advance(1)
    sent(widget, "look")
    assert [each["name"] for each in widget.now["caches"] if each["name"] == cache.name] == [cache.name]


def test_a_circle_brings_its_own_policies_and_its_budget():
    circle = cs.Circle([cs.Scripted("ana", ["yes"])], budget=cs.Budget(calls=5))
    circle.ask_sync("Is it?")
    widget = Operations(circle)
    sent(widget, "look")
    assert shown(widget, "ana")["calls"] == 1
    assert (widget.now["budget"]["calls"], widget.now["budget"]["unpriced"]) == (1, 1)


def test_any_number_of_policies_stays_below_a_megabyte():
    circle = cs.Circle([cs.Scripted("ana", ["yes"])])
    circle.policies = {str(n): Policy("\U0001f600" * 500 + str(n), registered=False) for n in range(2_000)}
    widget = Operations(circle)
    sent(widget, "look")
    assert len(json.dumps(widget.now, ensure_ascii=False).encode()) < 1_000_000
