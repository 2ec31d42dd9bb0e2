"""Windows count the last calls as a list of them would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.errors import InvalidInput
from consilience.policies.windows import FAILED, SLOW, CountWindow, TimeWindow

results = st.lists(st.sampled_from([0, FAILED, SLOW, FAILED | SLOW]), max_size=60)


@given(size=st.integers(1, 20), flags=results)
def test_a_window_of_calls_counts_the_last_ones(size, flags):
    window = CountWindow(size)
    for flag in flags:
        window.add(0.0, flag)
    last = flags[-size:]
    assert window.calls == len(last)
    assert window.failures == sum(bool(flag & FAILED) for flag in last)
    assert window.slow == sum(bool(flag & SLOW) for flag in last)


@given(steps=st.lists(st.tuples(st.floats(0, 100), st.sampled_from([0, FAILED, SLOW])), max_size=60))
def test_a_window_of_time_counts_what_is_younger_to_a_64th(steps):
    window, now, seen = TimeWindow(64.0), 0.0, []
    for gap, flag in steps:
        now += gap
        window.add(now, flag)
        seen.append((int(now), flag))
        within = [flag for second, flag in seen if second > int(now) - 64]
        assert window.calls == len(within)
        assert window.failures == within.count(FAILED)
        assert window.slow == within.count(SLOW)


@pytest.mark.parametrize("make", [lambda: CountWindow(0), lambda: TimeWindow(0.0)])
def test_an_empty_window_is_refused(make):
    with pytest.raises(InvalidInput):
        make()


@pytest.mark.parametrize("window", [CountWindow(4), TimeWindow(60.0)])
def test_a_cleared_window_is_empty(window):
    window.add(1.0, FAILED | SLOW)
    window.clear()
    assert (window.calls, window.failures, window.slow) == (0, 0, 0)
