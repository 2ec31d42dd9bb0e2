"""Events become rows of numbers."""

import asyncio

from consilience.policies.events import BreakerChanged, CallFinished
from consilience.policies.measures import Measure, measured, measures


def test_an_event_without_numbers_counts_as_one():
    event = BreakerChanged("openai", 1.0, "closed", "open", "5 failures in a row")
    assert list(measures(event, 7.0)) == [
        Measure(7.0, "openai", "breaker changed", 1.0, "closed; open; 5 failures in a row")
    ]


def test_a_policy_hands_on_its_rows(make_policy, events):
    rows = []
    events.subscribe(measured(rows.append, wall=lambda: 7.0))
    policy = make_policy("measured")
    asyncio.run(policy.call(asyncio.sleep, 0))
    assert [(row.at, row.source, row.name, row.label) for row in rows] == [
        (7.0, "measured", "call finished: seconds", "ok"),
        (7.0, "measured", "call finished: attempts", "ok"),
    ]
    assert [row.value for row in rows] == [0.0, 1.0]
    assert all(row.name.startswith(CallFinished.kind) for row in rows)
