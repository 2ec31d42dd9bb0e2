import pytest

import consilience as cs
from consilience.errors import InvalidInput, StoreError
from consilience.models import Example, Outcome, Response
from consilience.models.response import Source
from consilience.verdict import decide

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


def run(store, frame, *experts, **how):
    with cs.Circle(experts, store=store) as circle:
        answer = cs.Label("bug", "other")
        return circle.run(frame, "Is {text} a bug?", answer=answer, progress=False, **how).wait_sync()


def counted(verdict):
    return verdict.answer, str(verdict.decision), verdict.support.n, verdict.support.of


def test_who_failed_first_and_answered_in_the_next_run_counts_once(store):
    left = [1]

    def flaky(question):
        if left:
            left.pop()
            raise ConnectionResetError("not now")
        return "bug"

    experts = cs.Scripted("ben", ["bug"]), cs.Scripted("eva", ["other"]), flaky
    run(store, {"text": ["it"]}, *experts)
    second = run(store, {"text": ["it"]}, *experts)
    assert second.frame.select("answer", "support_n", "support_of").row(0) == ("bug", 2, 3)
    again = store.verdict(store.latest()["question_id"][0])
    assert counted(again) == ("bug", "majority", 2, 3)
    assert [r.expert for r in again.responses] == ["ben", "eva", "flaky"]


def test_a_verdict_rests_on_those_who_were_asked_for_it(store):
    everyone = {
        name: cs.Scripted(name, [said])
        for name, said in zip("abce", ["bug", "bug", "other", "other"], strict=True)
    }
    run(store, {"text": ["it"]}, *(everyone[name] for name in "abc"))
    question_id = store.latest()["question_id"][0]
    assert counted(store.verdict(question_id)) == ("bug", "majority", 2, 3)
    result = run(store, {"text": ["it"]}, everyone["c"], everyone["e"])
    assert (result.asked, result.frame["answer"][0]) == (1, "other")
    assert store.latest()["answer"][0] == "other"
    assert counted(store.verdict(question_id)) == ("other", "majority", 2, 2)
    first, second = reversed(store.question(question_id).verdicts)
    beside = store.compare(first.id, second.id)
    assert beside.filter(what="expert e").select("a", "b").row(0) == (None, "other")
    assert beside.filter(what="expert a").select("a", "b").row(0) == ("bug", None)


def test_a_run_that_asks_nobody_keeps_its_verdict_where_it_is_another_one(store):
    experts = [cs.Scripted("a", ["bug"]), cs.Scripted("b", ["bug"]), cs.Scripted("c", ["other"])]
    run(store, {"text": ["it"]}, *experts)
    verdicts = "SELECT count(*) FROM verdicts"
    assert run(store, {"text": ["it"]}, *experts).asked == 0
    assert store.sql(verdicts).item() == 1
    assert run(store, {"text": ["it"]}, experts[2]).asked == 0
    assert store.latest().select("answer", "support_of").row(0) == ("other", 1)
    assert run(store, {"text": ["it"]}, *experts).asked == 0
    assert store.latest().select("answer", "support_of").row(0) == ("bug", 3)
    assert store.sql(verdicts).item() == 3


def test_what_a_person_says_after_the_newest_verdict_belongs_to_it(store):
    question = cs.Question("Is water wet?", cs.Label("yes", "no"))

    def said(name, outcome, answer=None):
        return Response(
            question_id=question.id, expert=name, source=Source.PERSON, outcome=outcome, answer=answer
        )

    asked = [
        said("ana", Outcome.ANSWERED, "yes"),
        said("ben", Outcome.TIMED_OUT),
        said("eva", Outcome.TIMED_OUT),
    ]
    store.record(question, asked, decide(question, asked))
    late = [said(name, Outcome.ANSWERED, "no") for name in ("ben", "eva")]
    # two desks at the same moment: neither knows of the other
    for each in late:
        store.record(question, [each], decide(question, [*asked, each]))
    again = store.verdict(question.id)
    assert (again.answer, again.support.n, again.support.of) == ("no", 2, 3)


def test_who_may_not_be_asked_counts_in_a_run_that_goes_on(store):
    left = [1]

    def flaky(question):
        if left:
            left.pop()
            raise ConnectionResetError("not now")
        return "bug"

    experts = [flaky, cs.Scripted("ben", ["bug"]), cs.Scripted("eva", ["other"])]
    for _ in range(3):
        with cs.Circle(experts, store=store, allow={"secret": ["function", "scripted:ben"]}) as circle:
            kind = cs.Label("bug", "other")
            result = circle.run(
                {"text": ["it"]}, "Is {text}?", answer=kind, tags=["secret"], progress=False
            ).wait_sync()
    assert result.asked == 0
    again = store.verdict(store.latest()["question_id"][0])
    assert (again.answer, again.support.n, again.support.of) == ("bug", 2, 3)
    assert [(r.expert, str(r.outcome)) for r in again.responses][1] == ("eva", "refused")
    assert store.sql("SELECT count(*) FROM verdicts").item() == 2


def test_replicates_keep_their_numbers(store):
    result = run(store, {"text": ["it"]}, cs.Scripted("b", ["bug", "other", "bug"]), replicates=3)
    assert sorted(result.answers["expert"]) == ["b", "b #2", "b #3"]
    again = store.verdict(store.latest()["question_id"][0])
    assert sorted(r.expert for r in again.responses) == ["b", "b #2", "b #3"]
    assert again.replay(without=["b #2"]).support.of == 2
