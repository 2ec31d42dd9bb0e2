"""The faces that read the history, each with one statement."""

from __future__ import annotations

import inspect
import threading
import warnings
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

import consilience as cs
from consilience.errors import InvalidInput, StatementTimedOut
from consilience.models import Items, Outcome, Question, Response, Source, Text
from consilience.store import RepeatedStatement, RowsCut, leases
from consilience.verdict import decide

LONG = "SELECT sum(a.i * b.i) FROM generate_series(1, 1000000) a(i), generate_series(1, 1000000) b(i)"


@pytest.fixture
def statements():
    return []


@pytest.fixture
def observed(open_store, statements):
    return open_store(observer=statements.append)


def answered(question, **said):
    return [
        Response(
            question_id=question.id, expert=e, source=Source.PERSON, outcome=Outcome.ANSWERED, answer=answer
        )
        for e, answer in said.items()
    ]


def recommended(store):
    question = Question("What next?", Items())
    responses = answered(
        question, ana=("Add an index", "Shard"), ben=("Do not add an index",), eva=("shard",)
    )
    verdict = decide(question, responses)
    store.record(question, responses, verdict)
    return question, responses, verdict


@pytest.mark.parametrize("text", ["WET?", "some context", "Yes, Of Course"])
def test_search_finds_a_text_in_questions_context_and_answers_in_any_case(observed, statements, text):
    question = Question("Is water wet?", Text(), "SOME context")
    responses = answered(question, ana="yes, of course")
    observed.record(question, responses, decide(question, responses))
    observed.record(Question("Is fire hot?"), [], None)
    statements.clear()
    found = observed.search(text)
    assert found["question_id"].to_list() == [question.id]
    assert found.schema == observed.latest().schema
    assert len(statements) == 2


def test_search_takes_wildcards_as_they_are(store):
    asked = ("100% sure", "100 sure", "a_b", "axb", r"c:\d", "c:d")
    for text in asked:
        store.record(Question(text), [], None)
    for text, found in (("0%", ["100% sure"]), ("a_b", ["a_b"]), (":\\", ["c:\\d"]), ("", sorted(asked))):
        assert sorted(store.search(text)["question"]) == found


def test_search_is_narrowed_by_expert_kind_and_time(store, asked):
    question, responses, verdict = asked()
    store.record(question, responses, verdict)
    other = replace(question, id="other", asked_at=question.asked_at - timedelta(days=2))
    said = [replace(r, id=f"{r.id}2", question_id="other") for r in responses[:1]]
    store.record(other, said, None)
    assert store.search("water", 1)["question_id"].to_list() == [question.id]
    assert store.search("water", expert="eva")["question_id"].to_list() == [question.id]
    assert store.search("no", expert="ana").height == 0
    assert store.search("no", expert="ben").height == 1
    assert store.search("", kind="label").height == 2
    assert store.search("", kind="text").height == 0
    day_ago = question.asked_at - timedelta(days=1)
    assert store.search("", since=day_ago)["question_id"].to_list() == [question.id]
    assert store.search("", until=day_ago)["question_id"].to_list() == ["other"]
    with pytest.raises(InvalidInput, match="a time with a zone"):
        store.search("", since=datetime(2026, 1, 1))  # noqa: DTZ001 - that is refused


def test_a_question_comes_with_responses_verdicts_and_recommendations_in_one_statement(observed, statements):
    question, responses, verdict = recommended(observed)
    later = replace(verdict, id="later", decided_at=verdict.decided_at + timedelta(seconds=1))
    observed.record(question, responses, later)
    statements.clear()
    stored = observed.question(question.id)
    assert len(statements) == 1
    assert (stored.question, stored.responses) == (question, tuple(responses))
    assert [each.id for each in stored.verdicts] == ["later", verdict.id]
    assert stored.verdict.answer == verdict.answer
    assert stored.verdict.support == verdict.support
    assert stored.verdict.recommendations == verdict.recommendations.rows
    assert any(row.conflicts for row in stored.verdict.recommendations)
    assert all(row.sources for row in stored.verdict.recommendations)
    assert stored.to_polars()["answer"].to_list() == ["Add an index; Shard", "Do not add an index", "shard"]
    assert repr(stored) == "<StoredQuestion 'What next?', 3 responses, 2 verdicts>"


def test_a_question_without_responses_is_read_back(store):
    question = Question("Is water wet?")
    store.record(question, [], None)
    stored = store.question(question.id)
    assert (stored.responses, stored.verdict) == ((), None)
    with pytest.raises(InvalidInput, match="no response to the question"):
        store.verdict(question.id)
    with pytest.raises(InvalidInput, match="no question 'nothing'"):
        store.question("nothing")


def test_a_weighted_verdict_comes_back_weighted(store, asked):
    question, responses, verdict = asked()
    weighed = verdict.replay(weights={"ana": 1, "ben": 3, "eva": 1})
    store.record(question, responses, weighed)
    again = store.verdict(question.id)
    assert (again.method, again.answer, again.weights) == ("weighted majority", "no", weighed.weights)
    assert again.support == weighed.support
    late = replace(responses[0], id="late", expert="zoe")
    store.record(question, [late], None)
    assert store.verdict(question.id).support == weighed.support


def test_two_questions_or_verdicts_stand_side_by_side(observed, statements, asked):
    question, responses, verdict = asked()
    observed.record(question, responses, verdict)
    other, said, _ = asked("Is ice wet?")
    said = [replace(r, answer="no") for r in said[:2]]
    observed.record(other, said, decide(other, said))
    statements.clear()
    frame = observed.compare(question.id, other.id)
    assert len(statements) == 1
    rows = {what: (a, b, same) for what, a, b, same in frame.iter_rows()}
    assert rows["question"] == ("Is water wet?", "Is ice wet?", False)
    assert rows["answer"] == ("yes", "no", False)
    assert rows["expert ben"] == ("no", "no", True)
    assert rows["expert eva"] == ("yes", None, False)
    weighed = replace(
        verdict.replay(weights={"ana": 1, "ben": 3, "eva": 1}),
        decided_at=verdict.decided_at + timedelta(seconds=1),
    )
    observed.record(question, [], weighed)
    rows = {what: (a, b) for what, a, b, _ in observed.compare(verdict.id, weighed.id).iter_rows()}
    assert rows["answer"] == ("yes", "no")
    assert rows["weights"] == (None, "ana 1, ben 3, eva 1")
    assert rows["expert ana"] == ("yes", "yes")
    with pytest.raises(InvalidInput, match="neither a question nor a verdict 'nothing'"):
        observed.compare(question.id, "nothing")


@pytest.mark.parametrize(
    "query", ["SELECT * FROM generate_series(1, 5)", "SELECT * FROM generate_series(1, 5) ; -- all"]
)
def test_sql_says_when_rows_are_cut(store, query):
    with pytest.warns(RowsCut, match="more than 3 rows, and the frame holds the first 3") as caught:
        assert store.sql(query, limit=3).height == 3
    assert caught[0].filename == __file__
    assert store.sql(query, limit=5).height == store.sql(query, limit=None).height == 5
    with pytest.raises(InvalidInput, match="from 1 up, 0 came"):
        store.sql(query, limit=0)


def test_sql_stops_a_statement_that_takes_too_long_and_goes_on(store, asked):
    store.record(*asked())
    with pytest.raises(StatementTimedOut, match=r"had 0\.05 s and needs more"):
        store.sql(LONG, timeout=0.05)
    assert store.latest().height == 1
    stopped = store.slow().row(0, named=True)
    assert (stopped["text"], stopped["seconds"], stopped["row_count"]) == (LONG, 0.05, None)
    assert stopped["plan"]
    with pytest.raises(InvalidInput, match="above 0, -1 came"):
        store.sql("SELECT 1", timeout=-1)


def test_slow_statements_are_kept_with_their_plan(open_store, asked):
    store = open_store(slow=1e-9)
    store.record(*asked())
    store.sql("SELECT text FROM questions WHERE text = ?", "Is water wet?")
    store.sql("SELECT 1")
    kept = open_store().slow()
    assert kept["seconds"].is_sorted(descending=True)
    row = kept.filter(kept["text"].str.starts_with("SELECT text FROM questions")).row(0, named=True)
    assert row["row_count"] == 1
    assert "questions" in row["plan"]
    assert kept["plan"].null_count() == 0


def test_quick_statements_are_not_kept(open_store, asked):
    store = open_store(slow=3600)
    store.record(*asked())
    store.latest()
    assert store.slow().height == 0


def test_watch_counts_shapes_and_warns_with_the_line_of_the_loop(store, asked):
    ids = []
    for n in range(4):
        question, responses, verdict = asked(f"Question {n}?")
        ids.append(question.id)
        store.record(question, responses, verdict)
    with store.watch(repeats=4) as watched, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for each in ids:
            store.sql(f"SELECT count(*) FROM responses WHERE question_id = '{each}'")
            line = inspect.currentframe().f_lineno
        store.latest()
    store.latest()
    assert [(shape.n, shape.rows) for shape in watched.shapes] == [(4, 4), (1, 4)]
    assert watched.shapes[0].sql == "SELECT count(*) FROM responses WHERE question_id = ?"
    assert repr(watched) == "<Watched: 5 statements of 2 shapes>"
    assert [(w.category, w.filename, w.lineno) for w in caught] == [(RepeatedStatement, __file__, line - 1)]
    assert "4 times" in str(caught[0].message)


def test_watch_counts_and_does_not_blame_the_packages_own_threads(store):
    thread = threading.Thread(target=store.latest)
    with store.watch(repeats=1) as watched:
        thread.start()
        thread.join()
    assert watched.n == 1


def test_watch_is_silent_about_different_lines_and_shapes(store):
    with store.watch(repeats=2):
        store.sql("SELECT 1")
        store.sql("SELECT 2")
        for column in ("text", "id"):
            store.sql(f"SELECT {column} FROM questions")


def test_a_file_of_an_older_version_is_read_unchanged_and_migrated_by_the_next_write(
    tmp_path, asked, monkeypatch
):
    path = tmp_path / "history.duckdb"
    monkeypatch.setattr(leases, "MIGRATIONS", leases.MIGRATIONS[:2])
    with duckdb.connect(str(path)) as connection:
        leases.migrate(connection)
        connection.execute(
            "INSERT INTO questions VALUES ('old', ?, 'Is it?', NULL, 'text', '{\"kind\": \"text\"}', '[]', 'd')",
            [datetime(2026, 1, 1, tzinfo=UTC)],
        )
    monkeypatch.undo()
    before = path.read_bytes()
    store = cs.Store(path)
    assert store.question("old").question.text == "Is it?"
    assert store.search("is").height == store.latest().height == 1
    assert store.sql("SELECT weights FROM verdicts").height == 0
    assert store.slow().height == 0
    assert path.read_bytes() == before
    store.record(*asked())
    assert store.latest().height == 2
    assert store.sql("SELECT max(version) FROM schema_version").item() == len(leases.MIGRATIONS)
    store.close()


def test_frames_become_pandas(store, asked):
    store.record(*asked())
    assert store.latest().to_pandas()["question"].to_list() == ["Is water wet?"]
    assert cs.store.Store is type(store)


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda store: store.latest("3"), r"rows of latest\(\) is a whole number from 1 up, '3' came"),
        (lambda store: store.slow(0), r"rows of slow\(\) is a whole number from 1 up, 0 came"),
        (lambda store: store.search("", 2.5), r"rows of search\(\) is a whole number from 1 up, 2.5 came"),
        (lambda store: store.search(5), r"search\(\) takes a text, 5 came"),
        (
            lambda store: store.search("", since="2026-01-01"),
            "since= takes a time with a zone, '2026-01-01' came",
        ),
        (
            lambda store: store.search("", until=date(2026, 1, 1)),
            "until= takes a time with a zone, 2026-01-01",
        ),
        (
            lambda store: store.sql("SELECT 1", timeout="5"),
            "timeout is a number of seconds above 0, '5' came",
        ),
        (lambda store: store.export("out", since="2026"), "since= takes a day, '2026' came"),
        (lambda store: store.compare(5, "b"), r"compare\(\) takes two ids, 5 came"),
    ],
)
def test_what_is_of_the_wrong_type_is_said_with_what_is_required(store, ask, why):
    with pytest.raises(InvalidInput, match=why):
        ask(store)
