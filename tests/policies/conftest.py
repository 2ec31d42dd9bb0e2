"""What the tests of the policies share: a clock that is moved, and policies that are forgotten."""

import importlib.util
import itertools
from pathlib import Path

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


def _server_module():
    path = Path(__file__).parent / "redis_server.py"
    spec = importlib.util.spec_from_file_location("redis_server", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def redis_server(tmp_path):
    """A real Redis, to be killed, stopped and filled."""
    server = _server_module().RedisServer(tmp_path)
    server.start()
    yield server
    server.close()
