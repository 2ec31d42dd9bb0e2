"""Review: what the page is told, and what becomes of a person's answers."""

import json
import threading

import polars as pl
import pytest

import consilience as cs
from consilience.errors import InvalidInput, StoreFull
from consilience.loop import background
from consilience.notebook import Review
from consilience.policies import ManualClock

KIND = cs.Label("bug", "feature", "question")
HIDDEN = "the circle's own words"


def messages(review):
    """Keep what is sent to the page beside its state."""
    sent = []
    review.send = lambda content, buffers=None: sent.append(content)
    return sent


def do(review, action, **sent):
    review._receive(None, {"action": action, **sent}, [])
    review.flush()
    assert review.error == ""


def written(review):
    """Wait for what is being written, with a deadline that only a failure reaches."""
    waits_for(lambda: review.unsaved == 0)
    review.flush()


def waits_for(condition):
    done = threading.Event()

    def look():
        if condition():
            done.set()
        else:
            background.call_later(0.01, look)

    background.call_later(0, look)
    assert done.wait(30)


@pytest.fixture
def run(tmp_path):
    texts = ["It crashes.", "Add a theme.", "How do I pay?"]
    frame = pl.DataFrame({"id": ["a", "b", "c"], "text": texts})
    said = {"ben": "bug", "cy": "bug", "dora": "question"}
    circle = cs.Circle([cs.Scripted(n, [a] * 3) for n, a in said.items()], store=tmp_path / "h.duckdb")
    made = circle.run(frame, prompt="Classify: {text}", answer=KIND, key="id", progress=False)
    made.wait_sync()
    yield made
    circle.close()


@pytest.fixture
def review(run):
    made = Review(run, person="ana")
    yield made
    made.close()


def test_an_answer_is_recorded_as_a_persons_and_the_verdict_is_decided_again(run, review):
    number = review.current["number"]
    do(review, "answer", number=number, value=1, note="I know this one")
    written(review)
    assert review.progress["place"] == "h.duckdb"
    people = run._store.sql("SELECT expert, answer, reason FROM responses WHERE source = 'person'")
    assert people.rows() == [("ana", "feature", "I know this one")]
    newest = run._store.latest().filter(pl.col("support_of") == 4)
    assert newest.height == 1
    assert review.answers.select("id", "answer", "note").rows() == [("a", "feature", "I know this one")]


def test_undo_goes_back_any_number_of_steps_and_leaves_the_verdicts_as_they_were(run, review):
    before = run._store.latest().select("question", "answer", "support_n", "support_of").rows()
    for value in (0, 1, 2):
        do(review, "answer", number=review.current["number"], value=value)
    assert review.current is None
    assert review.remaining == 0
    for _ in range(3):
        do(review, "undo")
    written(review)
    assert review.remaining == 3
    assert review.answers.height == 0
    assert run._store.latest().select("question", "answer", "support_n", "support_of").rows() == before


def test_a_changed_answer_counts_once_and_undo_brings_the_first_one_back(run, review):
    do(review, "answer", number=0, value=0)
    do(review, "answer", number=0, value=2)
    written(review)
    assert [each["headline"] for each in _circles(review, 0)] == ["tie: bug | question"]
    do(review, "undo")
    written(review)
    assert review.answers["answer"].to_list() == ["bug"]
    assert run._store.latest().filter(pl.col("support_n") == 3)["support_of"].to_list() == [4]


def _circles(review, number):
    do(review, "focus", number=number)
    return [review.current["circle"]]


def test_nothing_that_an_expert_said_reaches_the_page_before_the_person_has_answered():
    rows = {"question": ["Is it wet?", "Is it dry?"], "answer": [HIDDEN] * 2, "decision": ["majority"] * 2}
    review = Review({**rows, "support": [0.5, 0.6]}, answer=cs.Text())
    sent = messages(review)
    do(review, "need", start=0, end=2)
    do(review, "skip", number=0)
    do(review, "answer", number=1, value="No.")
    do(review, "focus", number=0)
    state = {name: getattr(review, name) for name in review.keys if not name.startswith("_")}
    assert HIDDEN not in json.dumps([sent, state], default=str)
    written(review)
    do(review, "focus", number=1)
    assert review.current["circle"]["headline"] == HIDDEN
    review.close()


def test_an_answer_that_was_given_after_a_look_at_the_circle_is_not_called_blind(review):
    do(review, "answer", number=0, value=0)
    do(review, "answer", number=1, value=0)
    written(review)
    do(review, "focus", number=0)
    do(review, "answer", number=0, value=1)
    assert review.answers["blind"].to_list() == [False, True]


def test_seconds_are_those_that_the_question_was_looked_at(run):
    clock = ManualClock()
    review = Review(run, clock=clock)
    clock.advance(4)
    do(review, "pause", paused=True)
    clock.advance(100)
    do(review, "pause", paused=False)
    clock.advance(2)
    do(review, "answer", number=0, value=0)
    assert review.answers["seconds"].to_list() == [6.0]
    written(review)
    review.close()


def test_an_answer_of_another_kind_is_refused_and_the_question_stays(run):
    review = Review({"question": ["How much?"]}, answer=cs.Score(0, 10))
    sent = messages(review)
    do(review, "answer", number=0, value="11")
    assert sent == [{"kind": "refused", "number": 0, "reason": "A number from 0 to 10 is required, 11 came."}]
    assert review.remaining == 1
    review.close()


def test_skipped_questions_come_back_at_the_end(review):
    do(review, "skip", number=0)
    do(review, "answer", number=1, value=0)
    assert review.current["number"] == 2
    do(review, "answer", number=2, value=0)
    assert review.current["number"] == 0
    written(review)


def test_an_answer_that_cannot_be_written_is_said_to_be_unsaved_and_is_written_later(
    run, review, monkeypatch
):
    def full(*_):
        raise StoreFull("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(review.session.queue.place, "record", full)
        review._receive(None, {"action": "answer", "number": 0, "value": 0}, [])
        waits_for(lambda: review.progress["failed"] == 1)
    assert "The disk is full" in review.error
    do(review, "retry")
    written(review)
    assert run._store.sql("SELECT count(*) FROM responses WHERE source = 'person'").item() == 1


def test_ten_thousand_long_questions_take_no_message_of_a_megabyte():
    texts = [f"{n} " + "word " * 4_000 for n in range(10_000)]
    review = Review({"question": texts}, answer=KIND)
    sent = messages(review)
    do(review, "need", start=0, end=10_000)
    do(review, "focus", number=9_999)
    sizes = [len(json.dumps(message)) for message in sent]
    assert max(*sizes, len(json.dumps(review.get_state(), default=str))) < 1_000_000
    review.close()


def test_open_questions_of_a_person_in_a_store_are_reviewed_and_then_gone(tmp_path):
    store = cs.Store(tmp_path / "h.duckdb")
    circle = cs.Circle([cs.Human("ana"), cs.Scripted("ben", ["yes"])], store=store, deadline=0.01)
    circle.ask_sync("Is water wet?", answer=cs.Label("yes", "no"))
    review = Review(store, "ana")
    assert review.current["text"] == "Is water wet?"
    do(review, "answer", number=0, value=0)
    written(review)
    assert Review(store, "ana").remaining == 0
    do(review, "undo")
    written(review)
    assert Review(store, "ana").remaining == 1
    circle.ask_sync("Is ice wet?", answer=cs.Label("yes", "no"))
    do(review, "more")
    waits_for(lambda: review.remaining == 2)
    review.close()
    circle.close()
    store.close()


def test_a_run_without_a_store_is_decided_again_in_the_kernel():
    circle = cs.Circle([cs.Scripted("ben", ["bug"]), cs.Scripted("cy", ["question"])])
    run = circle.run({"id": [1], "text": ["x"]}, prompt="{text}", answer=KIND, key="id", progress=False)
    run.wait_sync()
    review = Review(run)
    do(review, "answer", number=0, value=0)
    written(review)
    do(review, "focus", number=0)
    assert review.current["circle"]["headline"] == "bug"
    assert review.progress["place"] == ""
    review.close()
    circle.close()


def test_the_result_of_a_reviewed_run_has_the_person_as_an_expert(run, review):
    do(review, "answer", number=0, value=1)
    do(review, "answer", number=1, value=0)
    written(review)
    result = review.result
    assert result.frame.select("id", "answer", "support_n", "support_of").rows() == [
        ("a", None, 2, 4),
        ("b", "bug", 3, 4),
        ("c", "bug", 2, 3),
    ]
    people = result.answers.filter(pl.col("expert") == "ana").select("task", "label")
    assert sorted(people.rows()) == [("a", "feature"), ("b", "bug")]
    assert "ana" in result.report().skills["expert"].to_list()
    assert run.result.answers.height == 9


def test_a_frame_needs_a_kind_of_answer():
    with pytest.raises(InvalidInput, match="answer="):
        Review({"question": ["Is it?"]})
