"""History: what it finds, what the page is told, and what is decided again."""

import json
import threading

import pytest

import consilience as cs
from consilience.loop import background
from consilience.models import Question
from consilience.notebook import History

KIND = cs.Label("yes", "no")


def waits_for(condition):
    done = threading.Event()

    def look():
        if condition():
            done.set()
        else:
            background.call_later(0.01, look)

    background.call_later(0, look)
    assert done.wait(30)


def do(history, action, **sent):
    history._receive(None, {"action": action, **sent}, [])
    history.flush()


def messages(history):
    """Keep what is sent to the page beside its state."""
    sent = []
    history.send = lambda content, buffers=None: sent.append(content)
    return sent


def read(history):
    waits_for(lambda: history.state == "ready" and not history._busy)
    return history


@pytest.fixture
def store(tmp_path):
    with cs.Store(tmp_path / "h.duckdb") as made:
        yield made


@pytest.fixture
def circle(store):
    said = {"ana": "yes", "ben": "yes", "cy": "no"}
    return cs.Circle([cs.Scripted(name, [answer] * 50) for name, answer in said.items()], store=store)


@pytest.fixture
def history(circle, store):
    circle.ask_sync("Is water wet?", answer=KIND)
    circle.ask_sync("Is ice wet?", answer=KIND)
    made = read(History(store))
    yield made
    made.close()


def test_questions_come_newest_first_with_their_verdict_on_one_line(history):
    assert history.frame.select("question", "headline", "support_n", "support_of").rows() == [
        ("Is ice wet?", "yes", 2, 3),
        ("Is water wet?", "yes", 2, 3),
    ]
    sent = messages(history)
    do(history, "need", start=0, end=2)
    assert [row["question"] for row in sent[0]["rows"]] == ["Is ice wet?", "Is water wet?"]
    assert sent[0]["version"] == history.found["version"]


def test_a_search_leaves_what_fits(history):
    do(history, "search", filters={"text": "WATER"})
    read(history)
    assert history.frame["question"].to_list() == ["Is water wet?"]
    do(history, "search", filters={"kind": "score"})
    read(history)
    assert history.frame.height == 0
    do(history, "search", filters={"expert": "cy", "since": "hour"})
    read(history)
    assert history.frame.height == 2


def test_a_row_that_is_chosen_is_shown_with_its_verdict_and_decided_again_without_a_call(history, store):
    do(history, "look", number=1)
    waits_for(lambda: history.verdict is not None)
    history.flush()
    assert history.selected == [history.frame["question_id"][1]]
    assert history.card["question"] == "Is water wet?"
    assert history.card["replayed"] == ""
    do(history, "replay", without=["ana"], method="plurality")
    assert history.verdict.headline == "tie: no | yes"
    assert "without ana" in history.card["replayed"]
    do(history, "replay")
    assert history.verdict.headline == "yes"
    assert store.sql("SELECT count(*) FROM verdicts").item() == 2


def test_two_questions_stand_side_by_side(history):
    do(history, "look", number=0)
    do(history, "compare", number=1)
    waits_for(lambda: bool(history.compared))
    history.flush()
    assert history.selected == history.frame["question_id"].to_list()
    assert history.compared[0] == ["question", "Is ice wet?", "Is water wet?", False]
    do(history, "single")
    assert history.selected == [history.frame["question_id"][0]]


def test_a_look_for_new_questions_is_one_statement_and_changes_nothing_where_there_are_none(
    history, store, circle
):
    waits_for(lambda: history.experts == ["ana", "ben", "cy"])
    version = history.found["version"]
    with store.watch() as watched:
        do(history, "refresh")
        read(history)
    assert sum(shape.n for shape in watched.shapes) == 1
    assert history.found["version"] == version
    do(history, "look", number=0)
    chosen = history.selected
    circle.ask_sync("Is steam wet?", answer=KIND)
    do(history, "refresh")
    read(history)
    history.flush()
    assert history.found["version"] == version + 1
    assert history.frame["question"][0] == "Is steam wet?"
    assert (history.found["at"], history.selected) == (1, chosen)


def test_a_question_that_nobody_answered_says_so(store):
    store.record(Question("Is it?", KIND), [], None)
    history = read(History(store))
    do(history, "look", number=0)
    waits_for(lambda: history.error != "" or history.flush())
    assert "no response" in history.error
    history.close()


def test_long_questions_and_many_of_them_take_no_message_of_a_megabyte(store):
    for n in range(300):
        store.record(Question(f"{n} " + "word " * 20_000, cs.Text()), [], None)
    history = read(History(store))
    sent = messages(history)
    do(history, "need", start=0, end=300)
    assert max(len(json.dumps(message)) for message in sent) < 1_000_000
    assert len(json.dumps(history.get_state(), default=str)) < 1_000_000
    history.close()


def test_without_a_store_it_says_how_to_give_one():
    history = History()
    assert history.state == "empty"
    history.close()
