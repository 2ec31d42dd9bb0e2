import pytest

import consilience as cs
from consilience.errors import InvalidInput, StoreError
from consilience.models import Example

KINDS = {
    "label": (cs.Label("yes", "no", name="Wet"), ["yes", "yes", "no"]),
    "text": (cs.Text(max_chars=200), ["Use 4 shards.", "use 4 shards", "Use 5."]),
    "items": (cs.Items(), [["Shard", "Index"], ["shard"], ["Wait"]]),
}


@pytest.fixture
def store(where):
    with cs.Store(where) as store:
        yield store


def asked(store, kind="label", method="majority"):
    answer, said = KINDS[kind]
    circle = cs.Circle(
        [cs.Scripted(name, [each]) for name, each in zip("abc", said, strict=True)],
        store=store,
        method=method,
    )
    examples = [Example("Is fire wet?", "no")] if kind == "label" else []
    return circle.ask_sync("Is water wet?", answer=answer, examples=examples)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_verdict_comes_back_as_it_was(store, kind):
    verdict = asked(store, kind)
    again = store.verdict(store.latest()["question_id"][0])
    assert again.question == verdict.question
    assert again.responses == verdict.responses
    assert (again.answer, again.votes, again.decided_at) == (
        verdict.answer,
        verdict.votes,
        verdict.decided_at,
    )
    assert again.replayed.of == verdict.id


def test_it_can_be_decided_otherwise_with_no_call(store):
    verdict = asked(store)
    again = store.verdict(verdict.question.id)
    assert again.replay(weights={"a": 1, "b": 1, "c": 3}).answer == "no"
    assert again.replay(without=["a", "b"]).support.of == 1
    assert again.replay(without=["a"]).replayed.of == verdict.id


def test_the_stored_method_decides(store):
    verdict = asked(store, method="plurality")
    assert store.verdict(verdict.question.id).method == "plurality"


def test_a_question_without_a_verdict_is_decided_by_majority(store):
    verdict = asked(store)
    question = cs.Question("Is ice wet?", cs.Label("yes", "no"))
    responses = [
        cs.Response(
            question_id=question.id, expert=r.expert, source=r.source, outcome=r.outcome, answer=r.answer
        )
        for r in verdict.responses
    ]
    store.record(question, responses, None)
    found = store.verdict(question.id)
    assert (found.answer, found.replayed) == ("yes", None)


def test_a_question_that_is_not_there_is_refused(store):
    asked(store)
    with pytest.raises(InvalidInput, match="no question 'nothing'"):
        store.verdict("nothing")


def test_a_kind_of_answer_that_cannot_be_read_back_is_said(store):
    class Odd(cs.Text):
        kind = "odd"

    question = cs.Question("What?", Odd())
    said = asked(store).responses[0]
    store.record(
        question,
        [
            cs.Response(
                question_id=question.id, expert="a", source=said.source, outcome=said.outcome, answer="that"
            )
        ],
        None,
    )
    with pytest.raises(StoreError, match="'odd' are not read back"):
        store.verdict(question.id)
