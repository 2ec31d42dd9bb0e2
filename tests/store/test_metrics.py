"""Metrics in a store: frames, and events as they happen."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from consilience.errors import InvalidFrame, StoreFull
from consilience.policies import Cache, Events
from consilience.policies.events import CallFinished
from consilience.pools import PoolStats
from consilience.pools.pool import Pool
from consilience.store import KeptMetrics

START = datetime(2026, 1, 1, tzinfo=UTC)
ALL = "SELECT source, name, value, label FROM metrics ORDER BY value, label"


@pytest.fixture
def events():
    return Events()


def frame(n, **columns):
    return pl.DataFrame(
        {
            "asked_at": [START + timedelta(seconds=k) for k in range(n)],
            "source": "openai",
            "name": "seconds",
            "value": [float(k) for k in range(n)],
            **columns,
        },
        schema_overrides={"asked_at": pl.Datetime("us", "UTC")},
    )


def finished(seconds=0.5, outcome="ok"):
    return CallFinished("openai", 1.0, seconds, outcome, 1)


def test_a_frame_of_metrics_is_read_back(store):
    store.put_metrics(frame(3, label="ok"))
    store.put_metrics(frame(2).to_pandas())
    store.put_metrics(frame(1).reverse().to_arrow())
    rows = store.sql("SELECT asked_at, source, name, value, label FROM metrics ORDER BY value, label").rows()
    assert len(rows) == 6
    assert rows[0] == (START, "openai", "seconds", 0.0, "")
    assert (START + timedelta(seconds=2), "openai", "seconds", 2.0, "ok") in rows


def test_unknown_values_are_null_and_odd_texts_are_kept(store):
    store.put_metrics(frame(3, value=[math.nan, None, math.inf], label=["a\x00b", None, "ü"]))
    assert store.sql("SELECT value, label FROM metrics ORDER BY asked_at").rows() == [
        (None, "a\ufffdb"),
        (None, ""),
        (math.inf, "ü"),
    ]


def test_frames_in_any_order_and_many_at_once_are_all_taken(store):
    for part in (frame(50).reverse(), frame(50, label="second"), frame(0)):
        store.put_metrics(part)
    assert store.sql("SELECT count(*), count(DISTINCT label), sum(value) FROM metrics").row(0) == (
        100,
        2,
        2450,
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (frame(1).drop("value"), "value"),
        (frame(1).with_columns(pl.col("asked_at").dt.replace_time_zone(None)), "times with a zone"),
        (frame(1, value="one"), "a column of numbers"),
        (7, "frame is required"),
    ],
)
def test_a_frame_that_cannot_be_kept_is_refused(store, given, message):
    with pytest.raises(InvalidFrame, match=message):
        store.put_metrics(given)


def test_a_full_disk_leaves_metrics_with_the_caller(store, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(store._spool, "write", _full)
        with pytest.raises(StoreFull):
            store.put_metrics(frame(2))
    store.put_metrics(frame(2))
    assert store.sql("SELECT count(*) FROM metrics").item() == 2


def _full(_):
    raise StoreFull("no space")


def test_events_are_kept_from_start_to_stop(store, events):
    events.emit(finished(9.0))
    with KeptMetrics(store, events=events, wall=lambda: 1e9) as kept:
        events.emit(finished(0.5))
        events.emit(finished(0.25, "Odd\ud800"))
    events.emit(finished(9.0))
    kept.stop()
    assert store.sql(ALL).rows() == [
        ("openai", "call finished: seconds", 0.25, "Odd\ufffd"),
        ("openai", "call finished: seconds", 0.5, "ok"),
        ("openai", "call finished: attempts", 1.0, "Odd\ufffd"),
        ("openai", "call finished: attempts", 1.0, "ok"),
    ]
    assert repr(kept).endswith("0 rows wait, stopped>")


def test_events_are_written_without_anyone_stopping(store, events, until):
    kept = KeptMetrics(store, events=events, interval=0.01)
    events.emit(finished())
    until(lambda: store.sql("SELECT count(*) FROM metrics").item() == 2)
    kept.stop()


def test_closing_the_store_writes_what_waits(open_store, events):
    store = open_store(interval=3600)
    KeptMetrics(store, events=events, interval=3600)
    events.emit(finished())
    store.close()
    events.emit(finished())
    assert open_store().sql("SELECT count(*) FROM metrics").item() == 2


def test_a_write_that_fails_harms_no_call_and_is_made_up_for(store, events, monkeypatch, caplog, until):
    kept = KeptMetrics(store, events=events, interval=0.01)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "consilience.store"):
        patch.setattr(store._spool, "write", _full)
        events.emit(finished())
        until(lambda: "Metrics cannot be written, wait, and are tried again" in caplog.text)
    kept.stop()
    assert store.sql("SELECT count(*) FROM metrics").item() == 2


def test_what_finds_the_buffer_full_is_counted_and_said(store, events, monkeypatch, caplog):
    kept = KeptMetrics(store, events=events, interval=3600, capacity=4)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "consilience.store"):
        patch.setattr(store._spool, "write", _full)
        for _ in range(5):
            events.emit(finished())
        assert kept.dropped == 6
        assert caplog.text.count("Metrics are left out") == 1
    kept.stop()
    # told in one row or in two: a try that began while they were left out may succeed
    assert store.sql("SELECT sum(value) FROM metrics WHERE name = 'dropped'").item() == 6
    assert store.sql("SELECT count(*) FROM metrics WHERE name <> 'dropped'").item() == 4


def test_what_waits_is_written_when_the_process_ends(open_store, where):
    code = (
        "import sys\n"
        "from consilience.policies import Policy\n"
        "from consilience.store import KeptMetrics, Store\n"
        "KeptMetrics(Store(sys.argv[1], interval=3600), interval=3600)\n"
        "Policy('p', registered=False).call_sync(int)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(where)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert open_store().sql("SELECT count(*) FROM metrics WHERE source = 'p'").item() == 2


def test_hits_and_misses_of_caches_are_kept_as_they_come(store, events):
    cache = Cache("kept answers")
    cache.put("before", 1)
    cache.get("before")
    with KeptMetrics(store, events=events) as kept:
        cache.get("before")
        cache.get("never")
        kept.sample()
        cache.get("before")
    found = store.sql("SELECT name, value FROM metrics WHERE source = 'kept answers' ORDER BY name, value")
    assert found.rows() == [("cache: hits", 1.0), ("cache: hits", 1.0), ("cache: misses", 1.0)]


def test_the_used_share_of_a_pool_is_kept(store, events):
    class Half(Pool):
        limit = 4

        def _make(self):
            raise NotImplementedError

        async def _probe(self):
            raise NotImplementedError

        def stats(self):
            return PoolStats(size=2, in_use=2)

    pool = Half("half used")
    with KeptMetrics(store, events=events):
        pass
    found = store.sql("SELECT name, value FROM metrics WHERE source = 'half used'").rows()
    pool.closed = True
    assert found == [("pool: use", 0.5)]
