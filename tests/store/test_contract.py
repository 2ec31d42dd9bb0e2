"""What every store does, whatever keeps its rows."""

from __future__ import annotations

import json
import pickle
import threading
from dataclasses import replace
from datetime import UTC, timedelta

import polars as pl
import pytest

from consilience.errors import InvalidInput, StoreError
from consilience.models import ConfidenceSource, Items, Outcome, Question, Response, Source, Usage
from consilience.verdict import decide

TABLES = ("questions", "responses", "verdicts", "recommendations")


def count(store, table):
    return store.sql(f"SELECT count(*) AS n FROM {table}").item()


def test_a_new_store_reads_as_an_empty_frame_of_the_same_schema(store, asked):
    empty = store.latest()
    assert empty.height == 0
    store.record(*asked())
    assert store.latest().schema == empty.schema
    assert store.latest().schema["asked_at"] == pl.Datetime("us", "UTC")


def test_what_was_recorded_is_read_back(store, asked):
    question, responses, verdict = asked()
    store.record(question, responses, verdict)
    row = store.latest().row(0, named=True)
    assert row["question_id"] == question.id
    assert row["question"] == "Is water wet?"
    assert row["asked_at"] == question.asked_at.astimezone(UTC)
    assert (row["decision"], row["answer"], row["support_n"], row["support_of"]) == ("majority", "yes", 2, 3)
    assert row["degraded"] is False
    assert [(r["expert"], r["outcome"], r["answer"]) for r in row["responses"]] == [
        ("ana", "answered", "yes"),
        ("ben", "answered", "no"),
        ("eva", "answered", "yes"),
    ]


def test_every_field_of_a_response_is_kept(store, asked):
    question, _, verdict = asked()
    said = Response(
        question_id=question.id,
        expert="ana",
        source=Source.MODEL,
        outcome=Outcome.ANSWERED,
        answer="yes",
        raw="Yes!",
        confidence=0.75,
        confidence_source=ConfidenceSource.TOKENS,
        probabilities=(("yes", 0.75), ("no", 0.25)),
        usage=Usage(10, 2, 0.001),
        latency_s=0.5,
    )
    store.record(question, [said], verdict)
    row = store.sql("SELECT * FROM responses").row(0, named=True)
    assert json.loads(row.pop("probabilities")) == [["yes", 0.75], ["no", 0.25]]
    assert row == {
        "id": said.id,
        "question_id": question.id,
        "asked_at": question.asked_at,
        "expert": "ana",
        "source": "model",
        "outcome": "answered",
        "answer": "yes",
        "raw": "Yes!",
        "reason": None,
        "confidence": 0.75,
        "confidence_source": "token probabilities",
        "input_tokens": 10,
        "output_tokens": 2,
        "cost_usd": 0.001,
        "latency_s": 0.5,
        "calls": 1,
    }


def test_recommendations_are_rows_and_list_answers_are_json(store):
    question = Question("What next?", Items())
    said = [
        Response(question_id=question.id, expert=e, source=Source.PERSON, outcome=Outcome.ANSWERED, answer=a)
        for e, a in (("ana", ("Add an index", "Shard")), ("ben", ("Add an index",)))
    ]
    store.record(question, said, decide(question, said))
    assert json.loads(store.latest()["answer"].item())[0] == "Add an index"
    first = store.sql("SELECT * FROM recommendations ORDER BY place").row(0, named=True)
    assert (first["text"], json.loads(first["experts"]), first["support"]) == (
        "Add an index",
        ["ana", "ben"],
        2,
    )


def test_a_question_without_responses_or_verdict_is_kept(store, asked):
    question, _, _ = asked()
    store.record(question, [], None)
    row = store.latest().row(0, named=True)
    assert (row["question_id"], row["verdict_id"], row["responses"]) == (question.id, None, None)


def test_unknown_values_are_null_and_lose_no_row(store, asked):
    question, responses, _ = asked(
        outcome=Outcome.TIMED_OUT, answer=None, confidence=float("nan"), usage=Usage(2**70, None, None)
    )
    store.record(question, responses, decide(question, responses))
    row = store.latest().row(0, named=True)
    assert (row["answer"], row["degraded"], row["agreement"]) == (None, True, None)
    assert {r["confidence"] for r in row["responses"]} == {None}
    assert {r["input_tokens"] for r in row["responses"]} == {None}


def test_the_newest_question_comes_first_and_n_bounds_the_rows(store, asked):
    question, _, _ = asked()
    for age in (2, 0, 1):
        older = replace(question, id=str(age), asked_at=question.asked_at - timedelta(hours=age))
        store.record(older, [], None)
    assert store.latest()["question_id"].to_list() == ["0", "1", "2"]
    assert store.latest(2)["question_id"].to_list() == ["0", "1"]
    with pytest.raises(InvalidInput, match="from 1 up, 0 came"):
        store.latest(0)


def test_recording_again_adds_nothing_and_a_late_answer_adds_what_is_new(store, asked):
    question, responses, verdict = asked()
    store.record(question, responses, verdict)
    store.record(question, responses, verdict)
    store.flush()
    store.record(question, responses, verdict)
    assert [count(store, table) for table in TABLES] == [1, 3, 1, 0]
    late = replace(responses[0], id="late", expert="zoe", answer="no")
    again = replace(
        decide(question, [*responses, late]), decided_at=verdict.decided_at + timedelta(seconds=1)
    )
    store.record(question, [*responses, late], again)
    assert [count(store, table) for table in TABLES] == [1, 4, 2, 0]
    row = store.latest().row(0, named=True)
    assert (row["verdict_id"], row["support_of"], len(row["responses"])) == (again.id, 4, 4)


def test_a_process_reads_its_own_writes(open_store, asked):
    store = open_store(interval=3600)
    for n in range(1, 4):
        store.record(*asked())
        assert store.latest().height == n


def test_another_view_sees_what_was_flushed(open_store, asked):
    writer, reader = open_store(), open_store()
    writer.record(*asked())
    writer.flush()
    assert reader.latest().height == 1


def test_what_was_written_is_taken_without_anyone_reading(open_store, asked, until):
    store = open_store()
    store.record(*asked())
    until(lambda: not store._outbox.waiting())


def test_a_closed_store_kept_everything_and_refuses_more(open_store, asked):
    store = open_store(interval=3600)
    store.record(*asked())
    store.close()
    store.close()
    assert open_store().latest().height == 1
    for call in (lambda: store.record(*asked()), store.latest, lambda: store.sql("SELECT 1"), store.flush):
        with pytest.raises(StoreError, match="is closed"):
            call()


def test_threads_share_a_store(store, asked):
    failures = []

    def work():
        try:
            for _ in range(10):
                store.record(*asked())
                store.latest(5)
        except Exception as error:  # noqa: BLE001 - a thread's failure would be lost otherwise
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [count(store, table) for table in TABLES] == [60, 180, 60, 0]


def test_a_pickled_store_arrives_with_the_same_path_and_nothing_pending(store, asked):
    store.record(*asked())
    copy = pickle.loads(pickle.dumps(store))  # noqa: S301 - made one line above
    try:
        assert (copy.path, copy.address) == (store.path, store.address)
        assert copy._outbox.n_pending == 0
    finally:
        copy.close()


def test_sql_takes_parameters_and_gives_utc(store, asked):
    question, responses, verdict = asked()
    store.record(question, responses, verdict)
    frame = store.sql("SELECT asked_at FROM questions WHERE id = ? AND text = ?", question.id, question.text)
    assert frame["asked_at"].dtype == pl.Datetime("us", "UTC")
    assert frame.item() == question.asked_at


def test_twenty_megabytes_of_text_go_in_and_come_out(store, asked):
    text = "wet? " * 4_000_000
    question, responses, verdict = asked(text)
    store.record(question, responses, verdict)
    assert store.sql("SELECT text FROM questions").item() == text
