"""What must hold for any answers: order, names and repetition."""

import math

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from consilience.aggregate import majority
from consilience.agreement import krippendorff_alpha
from consilience.models import Items, Label, Outcome, Question, Response, Source, Text
from consilience.verdict import decide

CHOICES = ("yes", "no", "unsure")
OUTCOMES = [outcome for outcome in Outcome if outcome is not Outcome.ANSWERED]
KINDS = {
    Label(*CHOICES): st.sampled_from(CHOICES),
    Text(): st.sampled_from(["Yes.", "yes", "no", "Nein"]),
    Items(): st.lists(st.sampled_from(["Shard", "shard.", "Index", "Wait"]), min_size=1, max_size=3).map(
        tuple
    ),
}


@st.composite
def asked(draw):
    kind = draw(st.sampled_from(list(KINDS)))
    question = Question("Is it?", kind)
    said = draw(st.lists(st.one_of(KINDS[kind], st.sampled_from(OUTCOMES)), min_size=1, max_size=7))
    responses = [
        Response(
            question_id=question.id,
            expert=f"e{n}",
            source=Source.SCRIPTED,
            outcome=value if isinstance(value, Outcome) else Outcome.ANSWERED,
            answer=None if isinstance(value, Outcome) else value,
        )
        for n, value in enumerate(said)
    ]
    return question, responses, draw(st.permutations(responses))


def comparable(verdict):
    return (
        verdict.decision,
        verdict.answer,
        verdict.votes,
        verdict.support,
        str(verdict.agreement),
        verdict.recommendations,
        verdict.responses,
    )


@given(asked(), st.sampled_from(["majority", "plurality"]))
def test_a_verdict_does_not_depend_on_the_order_of_the_experts(case, method):
    question, responses, shuffled = case
    assert comparable(decide(question, responses, method=method)) == comparable(
        decide(question, shuffled, method=method)
    )


@given(asked())
def test_support_and_votes_add_up(case):
    question, responses, _ = case
    verdict = decide(question, responses)
    answered = sum(response.answered for response in responses)
    assert verdict.support.of == len(responses)
    assert sum(len(vote.experts) for vote in verdict.votes) == answered
    assert 0 <= verdict.support.low <= verdict.support.share <= verdict.support.high <= 1
    if verdict.decision == "majority":
        assert 2 * verdict.support.n > len(responses)


@given(asked())
def test_the_displays_of_any_verdict_hold_together(case):
    verdict = decide(case[0], case[1])
    assert verdict.explain()
    assert "Verdict" in repr(verdict)
    assert verdict._repr_html_().count("<div") == verdict._repr_html_().count("</div")


labelled = st.lists(
    st.lists(st.one_of(st.none(), st.sampled_from("abc")), min_size=2, max_size=5), min_size=1, max_size=12
)


def long(tasks, rename=lambda expert: expert):
    rows = [(t, rename(e), label) for t, labels in enumerate(tasks) for e, label in enumerate(labels)]
    return pl.DataFrame(rows, schema={"task": pl.Int64, "expert": pl.Int64, "label": pl.String}, orient="row")


def same(left, right):
    return (math.isnan(left) and math.isnan(right)) or math.isclose(left, right, abs_tol=1e-9)


@given(labelled, st.randoms(use_true_random=False))
def test_alpha_does_not_depend_on_order_or_on_names(tasks, random):
    frame = long(tasks)
    value = krippendorff_alpha(frame, draws=0).value
    shuffled = frame.sample(fraction=1, shuffle=True, seed=random.randrange(1000))
    assert same(value, krippendorff_alpha(shuffled, draws=0).value)
    renamed = frame.with_columns(pl.col("label").replace({"a": "z", "b": "y", "c": "x"}))
    assert same(value, krippendorff_alpha(renamed, draws=0).value)


@given(labelled)
def test_alpha_lies_at_or_below_one_and_its_interval_is_ordered(tasks):
    found = krippendorff_alpha(long(tasks), draws=50)
    if not math.isnan(found.value):
        assert found.value <= 1 + 1e-12
    if not math.isnan(found.low):
        assert found.low <= found.high


@given(labelled, st.randoms(use_true_random=False))
def test_a_majority_does_not_depend_on_the_order_of_the_rows(tasks, random):
    frame = long(tasks)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=random.randrange(1000))
    first, second = (majority(each).answers.sort("task") for each in (frame, shuffled))
    assert first.equals(second)


@given(labelled)
def test_a_frame_is_judged_as_its_questions_are_one_by_one(tasks):
    question = Question("Is it?", Label("a", "b", "c"))
    answers = majority(long(tasks)).answers.sort("task")
    for labels, (answer, decision) in zip(
        tasks, answers.select("answer", "decision").iter_rows(), strict=True
    ):
        responses = [
            Response(
                question_id=question.id,
                expert=f"e{n}",
                source=Source.SCRIPTED,
                outcome=Outcome.ABSTAINED if label is None else Outcome.ANSWERED,
                answer=label,
            )
            for n, label in enumerate(labels)
        ]
        verdict = decide(question, responses)
        assert (verdict.answer, verdict.decision) == (answer, decision)
