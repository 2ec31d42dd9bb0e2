"""One reading for all sessions: shared, only after a change, told to whoever listens."""

import threading

import polars as pl
import pytest

from consilience.dashboards.query import Query, sql
from consilience.dashboards.reader import Reader, reader_of
from consilience.errors import StoreError
from consilience.store import Store


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "history.duckdb", interval=0.05) as store:
        yield store


class Ticks:
    """A clock that is put forward by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Ticks()


@pytest.fixture
def reader(store, clock, monkeypatch):
    reader = Reader(store, clock=clock)
    # Looked by hand here: the thread would look in between.
    monkeypatch.setattr(reader, "_start", lambda: None)
    return reader


def counting(name="counted"):
    calls = []

    def read(store):
        calls.append(name)
        return store.read("SELECT count(*) AS n FROM questions").item()

    return Query((name,), read), calls


def test_many_listeners_cost_one_reading(reader):
    query, calls = counting()
    heard = []
    for _ in range(100):
        reader.subscribe(Query(query.key, query.read), heard.append)
    reader.look()
    assert len(calls) == 1
    assert [known.value for known in heard] == [0] * 100


def test_nothing_is_read_again_until_the_store_has_changed(reader, store, clock, site):
    query, calls = counting()
    heard = []
    reader.subscribe(query, lambda known: heard.append(known.value))
    reader.look()
    clock.now += 10
    reader.look()
    assert len(calls) == 1
    site.ask(store, "Is it?", {"openai:gpt-x": "yes"})
    store.flush()
    clock.now += 10
    reader.look()
    assert heard == [0, 1]


def test_a_reading_that_brings_the_same_tells_nobody(reader, store, clock, site):
    heard = []
    reader.subscribe(sql("runs", "SELECT count(*) AS n FROM runs"), heard.append)
    reader.look()
    site.ask(store, "Is it?", {"openai:gpt-x": "yes"})
    store.flush()
    clock.now += 10
    reader.look()
    assert len(heard) == 1
    assert isinstance(heard[0].value, pl.DataFrame)


def test_what_says_in_the_last_hours_is_read_again_when_it_is_old(reader, clock):
    query, calls = counting()
    reader.subscribe(Query(query.key, query.read, ages=60.0), lambda known: None)
    reader.look()
    clock.now += 59
    reader.look()
    assert len(calls) == 1
    clock.now += 2
    reader.look()
    assert len(calls) == 2


def test_a_reading_rests_three_times_as_long_as_it_took(reader, store, clock, site):
    def slow(store):
        clock.now += 1.0
        return clock.now

    reader.subscribe(Query(("slow",), slow), lambda known: None)
    reader.look()
    assert clock.now == 1.0
    site.ask(store, "Is it?", {"openai:gpt-x": "yes"})
    store.flush()
    clock.now += 2.9
    reader.look()
    assert clock.now == pytest.approx(3.9)
    clock.now += 0.2
    reader.look()
    assert clock.now == pytest.approx(5.1)


def test_who_comes_later_is_told_what_is_known_at_once(reader):
    query, calls = counting()
    reader.subscribe(query, lambda known: None)
    reader.look()
    heard = []
    reader.subscribe(query, heard.append)
    assert [known.value for known in heard] == [0]
    assert len(calls) == 1


def test_whoever_left_hears_nothing_and_costs_nothing(reader, store, clock, site):
    query, calls = counting()
    heard = []
    stop = reader.subscribe(query, heard.append)
    stop()
    stop()
    reader.look()
    assert (heard, calls, reader.listening) == ([], [], 0)


def test_an_error_is_told_once_and_tried_again(reader, clock):
    failing = [True, True, False]

    def read(store):
        if failing.pop(0):
            raise StoreError("The store is elsewhere.")
        return 1

    heard = []
    reader.subscribe(Query(("failing",), read), heard.append)
    for _ in range(3):
        reader.look()
        clock.now += 60
    assert [str(known.error) for known in heard] == ["The store is elsewhere.", "None"]


def test_a_fault_of_one_page_ends_neither_the_thread_nor_another_page(reader, caplog):
    def broken(store):
        raise KeyError("no such column")

    query, _ = counting()
    heard = []
    reader.subscribe(Query(("broken",), broken), heard.append)
    reader.subscribe(query, heard.append)
    reader.look()
    assert [known.value for known in heard] == [None, 0]
    assert "no such column" not in str(heard[0].error)
    assert "no such column" in caplog.text


def test_a_listener_that_raises_keeps_the_news_from_nobody(reader, caplog):
    query, _ = counting()
    heard = []

    def bad(known):
        raise RuntimeError("this session is gone")

    reader.subscribe(query, bad)
    reader.subscribe(query, heard.append)
    reader.look()
    assert len(heard) == 1
    assert "this session is gone" in caplog.text


def test_the_thread_runs_while_somebody_listens_and_then_ends(store):
    reader = Reader(store, every=0.01)
    told = threading.Event()
    query, _ = counting()
    stop = reader.subscribe(query, lambda known: told.set())
    assert told.wait(30)
    thread = reader._thread
    stop()
    thread.join(30)
    assert not thread.is_alive()


def test_a_store_has_one_reader_in_a_process(store, tmp_path):
    assert reader_of(store) is reader_of(store)
    with Store(tmp_path / "other.duckdb") as other:
        assert reader_of(other) is not reader_of(store)
