"""What the tests of the policies share: a clock that is moved, and policies that are forgotten."""

import itertools

import pytest

from consilience.policies import Events, ManualClock, Policy, registry


class Answered(Exception):
    """An HTTP error as the clients of the providers raise them."""

    def __init__(self, status, **headers):
        super().__init__(f"HTTP {status}")
        self.status_code = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def answered():
    return Answered


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def seen(events):
    """Every event, in order."""
    kept = []
    events.subscribe(kept.append)
    return kept


@pytest.fixture
def make_policy(clock, events):
    """Make policies on the manual clock, under names of their own."""
    names, made = (f"policy {number}" for number in itertools.count()), []

    def make(name=None, **settings):
        policy = Policy(name or next(names), **({"clock": clock, "events": events} | settings))
        made.append(policy)
        return policy

    yield make
    for policy in made:
        registry.forget(policy.name)
