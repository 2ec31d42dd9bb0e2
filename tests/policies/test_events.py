"""Events: records for whoever listens, and no harm from a listener that fails."""

import dataclasses
import logging

import pytest

from consilience.policies import EVENTS, Events, subscribe
from consilience.policies import events as records_of
from consilience.policies.events import Event, Hedged, Throttled


def test_a_record_is_frozen_and_slotted():
    event = Hedged("openai", 1.0, 2.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.at = 2.0
    assert not hasattr(event, "__dict__")


def test_every_kind_has_a_name_of_its_own():
    records = [getattr(records_of, name) for name in records_of.__all__]
    kinds = [record.kind for record in records if isinstance(record, type) and issubclass(record, Event)]
    assert len(kinds) > 1
    assert len(set(kinds)) == len(kinds)


def test_a_failing_subscriber_is_reported_once_and_harms_no_other(caplog):
    events, seen = Events(), []
    events.subscribe(lambda event: 1 / 0)
    events.subscribe(seen.append)
    with caplog.at_level(logging.ERROR, "consilience.policies"):
        for _ in range(3):
            events.emit(Hedged("openai", 1.0, 2.0))
    assert len(seen) == 3
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


def test_a_subscription_ends_once_and_leaves_the_others():
    events, seen = Events(), []
    stop = events.subscribe(seen.append)
    events.subscribe(seen.append)
    stop()
    stop()
    events.emit(Throttled("openai", 1.0, 2.0, 0.5))
    assert len(seen) == 1


def test_subscribe_listens_to_the_whole_process():
    seen = []
    stop = subscribe(seen.append)
    try:
        EVENTS.emit(Hedged("openai", 1.0, 2.0))
    finally:
        stop()
    assert seen == [Hedged("openai", 1.0, 2.0)]
