"""The breaker: when it opens, how it heals, and what it does not count."""

import asyncio
import math

import pytest

from consilience.errors import CircuitOpen, InvalidInput
from consilience.policies import Breaker, BreakerSettings, Events, ManualClock
from consilience.policies.events import BreakerChanged


@pytest.fixture
def clock():
    return ManualClock()


def make(clock, **settings):
    return Breaker("openai", BreakerSettings(**settings), clock=clock, events=Events())


def fail(breaker, times=1, seconds=0.0):
    for _ in range(times):
        breaker.failure(breaker.acquire(), seconds)


def succeed(breaker, times=1, seconds=0.0):
    for _ in range(times):
        breaker.success(breaker.acquire(), seconds)


def test_failures_in_a_row_open_it_and_a_success_between_does_not(clock):
    breaker = make(clock, consecutive=3)
    fail(breaker, 2)
    succeed(breaker)
    fail(breaker, 2)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"


def test_a_share_of_failures_opens_it_from_the_minimum_on(clock):
    breaker = make(clock, consecutive=None, failure_rate=0.5, minimum=10, window=20)
    for _ in range(4):
        succeed(breaker)
        fail(breaker)
    assert breaker.state == "closed"
    succeed(breaker)
    fail(breaker)
    assert breaker.state == "open"
    assert breaker.history[-1].reason == "5 of 10 calls failed"


def test_a_share_of_slow_calls_opens_it(clock):
    breaker = make(clock, slow_rate=0.8, slow_after=2.0, minimum=5, window=5)
    succeed(breaker, 1, seconds=1.9)
    succeed(breaker, 3, seconds=2.0)
    assert breaker.state == "closed"
    succeed(breaker, 1, seconds=2.0)
    assert breaker.state == "open"
    assert breaker.history[-1].reason == "4 of 5 calls took 2 s or longer"


def test_a_window_of_seconds_forgets_old_failures(clock):
    breaker = make(clock, consecutive=None, failure_rate=0.5, minimum=4, window=60, over="seconds")
    fail(breaker, 3)
    clock.advance(61)
    succeed(breaker)
    fail(breaker)
    assert breaker.state == "closed"
    assert (breaker.window.failures, breaker.window.calls) == (1, 2)


def test_open_times_double_up_to_the_longest_and_start_over_when_it_healed(clock):
    breaker = make(clock, consecutive=1, open_for=10, open_at_most=40)
    waits = []
    for _ in range(4):
        fail(breaker)
        with pytest.raises(CircuitOpen) as refused:
            breaker.acquire()
        waits.append(refused.value.retry_after)
        clock.advance(waits[-1])
    assert waits == [10, 20, 40, 40]
    succeed(breaker)
    fail(breaker)
    with pytest.raises(CircuitOpen) as refused:
        breaker.acquire()
    assert refused.value.retry_after == 10


def test_all_probes_must_succeed(clock):
    breaker = make(clock, consecutive=1, open_for=10, probes=2)
    fail(breaker)
    clock.advance(10)
    succeed(breaker)
    assert breaker.state == "half-open"
    succeed(breaker)
    assert breaker.state == "closed"


def test_the_message_says_why_and_what_to_do(clock):
    breaker = make(clock, consecutive=2)
    fail(breaker, 2)
    with pytest.raises(CircuitOpen, match=r"'openai' opened: 2 failures in a row. .*wait, give a fallback"):
        breaker.acquire()


def test_forced_states_hold_until_reset(clock):
    breaker = make(clock, consecutive=1)
    breaker.force_open("maintenance")
    clock.advance(1e6)
    with pytest.raises(CircuitOpen, match="held open .maintenance.") as refused:
        breaker.acquire()
    assert refused.value.retry_after is None
    breaker.force_closed()
    fail(breaker, 5)
    assert breaker.state == "closed"
    breaker.reset()
    fail(breaker)
    assert breaker.state == "open"
    breaker.reset()
    succeed(breaker)


def test_the_history_is_bounded_and_told(clock):
    seen = []
    breaker = make(clock, consecutive=1)
    breaker._events.subscribe(seen.append)
    for _ in range(200):
        fail(breaker)
        breaker.reset()
    assert len(breaker.history) == 100
    assert len(seen) == 400
    assert seen[0] == BreakerChanged("openai", 0.0, "closed", "open", "1 failures in a row")


def test_new_settings_keep_the_state(clock):
    breaker = make(clock, consecutive=3, window=50)
    fail(breaker, 2)
    breaker.configure(BreakerSettings(consecutive=10, window=50))
    assert breaker.window.failures == 2
    fail(breaker)
    assert breaker.state == "closed"
    breaker.configure(BreakerSettings(consecutive=10, window=30))
    assert breaker.window.calls == 0


def test_a_block_and_a_call_are_judged(clock):
    breaker = make(clock, consecutive=2)

    async def refused():
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError), breaker.guard():
        raise ConnectionRefusedError
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(breaker(refused))
    assert breaker.state == "open"
    with pytest.raises(CircuitOpen), breaker.guard():
        raise AssertionError("the block must not run")


@pytest.mark.parametrize(
    "settings",
    [
        {"failure_rate": 0},
        {"failure_rate": 1.5},
        {"slow_rate": 0.5},
        {"consecutive": 0},
        {"window": 10, "minimum": 20},
        {"open_for": 0},
        {"probes": 0},
    ],
)
def test_settings_that_cannot_be_met_are_refused(settings):
    with pytest.raises(InvalidInput):
        BreakerSettings(**settings)


def test_a_breaker_may_look_at_rows_only(clock):
    breaker = make(clock, consecutive=1000, failure_rate=None)
    fail(breaker, 999)
    assert breaker.state == "closed"
    assert breaker.settings.slow_after == math.inf


@pytest.mark.parametrize("through", ["policy", "guard"])
def test_a_probe_whose_classifier_raises_comes_back(make_policy, clock, through):
    def classify(error):
        raise LookupError("no such class")

    policy = make_policy(breaker=BreakerSettings(consecutive=1, open_for=10), classify=classify)
    breaker = policy.breaker
    breaker.failure(breaker.acquire())
    clock.advance(10)

    async def fails():
        raise ConnectionError

    for _ in range(3):
        with pytest.raises(LookupError, match="no such class"):
            asyncio.run(policy.call(fails) if through == "policy" else breaker(fails))
    assert breaker.state == "half-open"

    async def works():
        return "well"

    assert asyncio.run(policy.call(works)) == "well"
    assert breaker.state == "closed"
