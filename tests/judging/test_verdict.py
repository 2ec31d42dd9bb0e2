import pytest

import consilience as cs
from consilience.errors import InvalidInput
from consilience.models import Items, Label, Outcome, Question, Response, Source, Text, Usage
from consilience.verdict import Decision, decide

YES_NO = Question("Is it?", Label("yes", "no"))


def responses(question, said):
    """One response an expert: a value is an answer, an `Outcome` an expert who gave none."""
    return [
        Response(
            question_id=question.id, expert=name, source=Source.SCRIPTED, outcome=value, reason="because"
        )
        if isinstance(value, Outcome)
        else Response(
            question_id=question.id,
            expert=name,
            source=Source.SCRIPTED,
            outcome=Outcome.ANSWERED,
            answer=value,
        )
        for name, value in said.items()
    ]


def verdict_on(said, question=YES_NO, **options):
    return decide(question, responses(question, said), **options)


def test_more_than_half_decide():
    verdict = verdict_on({"a": "yes", "b": "yes", "c": "no"})
    assert (verdict.answer, verdict.decision, verdict.support.n, verdict.support.of) == (
        "yes",
        "majority",
        2,
        3,
    )
    assert [(vote.answer, vote.experts) for vote in verdict.dissent] == [("no", ("c",))]


def test_a_tie_is_said_and_not_broken():
    verdict = verdict_on({"a": "yes", "b": "no"})
    assert (verdict.answer, verdict.decision, verdict.ties) == (None, Decision.TIE, ("no", "yes"))
    assert verdict.headline == "tie: no | yes"


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.ANSWERED])
def test_every_outcome_counts_in_the_denominator(outcome):
    verdict = verdict_on({"a": "yes", "b": "yes", "c": outcome, "d": outcome})
    assert (verdict.answer, verdict.decision, verdict.support.of) == (None, Decision.NO_MAJORITY, 4)
    assert verdict.degraded is (outcome is not Outcome.NOT_NEEDED)
    assert verdict.banner == f"2 of 4 answered: 2 {outcome}"


def test_plurality_counts_those_who_answered():
    said = {"a": "yes", "b": "yes", "c": Outcome.TIMED_OUT, "d": Outcome.REFUSED}
    assert verdict_on(said, method="plurality").answer == "yes"


def test_nobody_answered():
    verdict = verdict_on({"a": Outcome.FAILED, "b": Outcome.REFUSED})
    assert (verdict.answer, verdict.decision, verdict.support.n) == (None, Decision.NO_ANSWER, 0)
    assert verdict.banner == "0 of 2 answered: 1 refused, 1 failed"


def test_two_opposed_camps_are_no_consensus():
    verdict = verdict_on({"a": "yes", "b": "yes", "c": "no", "d": "no"})
    assert verdict.agreement.value < 0


def test_unanimity_says_how_likely_guessing_would_have_given_it():
    verdict = verdict_on({"a": "yes", "b": "yes", "c": "yes", "d": "yes"})
    assert verdict.agreement.value == 1
    assert "probability 0.1" in verdict.agreement.explain()


def test_items_are_merged_with_their_sources():
    verdict = verdict_on({"a": ("Add an index.", "Shard"), "b": ("add an index",)}, Question("How?", Items()))
    assert [(row.support, row.text, row.experts) for row in verdict.recommendations] == [
        (2, "Add an index.", ("a", "b")),
        (1, "Shard", ("a",)),
    ]
    assert verdict.answer == ("Add an index.", "Shard")
    assert verdict.dissent[0].answer == "Shard"


def test_a_contradicted_recommendation_is_explained_with_what_stands_against_it():
    verdict = verdict_on({"a": ("Shard it",), "b": ("Don't shard it", "shard it")}, Question("How?", Items()))
    assert verdict.support.n == 2
    assert "contradicts: Don't shard it" in verdict.explain()


def test_texts_are_the_same_answer_only_in_the_same_words():
    question = Question("How many?", Text())
    assert (
        verdict_on({"a": "Use 4 shards.", "b": "use 4 shards", "c": "Use 5 shards."}, question).support.n == 2
    )
    assert verdict_on({"a": "Do it.", "b": "Do not do it."}, question).decision is Decision.TIE


def test_replay_drops_experts_and_changes_the_method_without_a_call():
    verdict = verdict_on({"a": "yes", "b": "yes", "c": "no", "d": Outcome.TIMED_OUT})
    assert verdict.answer is None
    assert verdict.replay(without=["d"]).answer == "yes"
    assert verdict.replay(method="plurality").answer == "yes"
    assert verdict.replay().votes == verdict.votes


@pytest.mark.parametrize(
    ("options", "why"), [({"without": ["zoe"]}, "zoe was not asked"), ({"without": ["a", "b"]}, "none came")]
)
def test_a_replay_that_cannot_be_is_refused(options, why):
    with pytest.raises(InvalidInput, match=why):
        verdict_on({"a": "yes", "b": "no"}).replay(**options)


def test_an_unknown_cost_makes_the_sum_unknown():
    known, unknown = responses(YES_NO, {"a": "yes", "b": "yes"})
    known = Response(**{name: getattr(known, name) for name in known.__slots__} | {"usage": Usage(1, 1, 0.1)})
    assert decide(YES_NO, [known]).usage == Usage(1, 1, 0.1)
    assert decide(YES_NO, [known, unknown]).usage.cost_usd is None


def test_the_explanation_has_everything_a_colleague_would_ask():
    text = verdict_on(
        {"ana": "yes", "ben": "yes", "cy": "no", "dee": Outcome.REFUSED, "eve": "yes"}
    ).explain()
    for part in (
        "Is it?",
        "yes",
        "3 of 5",
        "no (cy)",
        "dee: refused: because",
        "4 of 5 answered",
        "majority",
    ):
        assert part in text


def test_terminal_escapes_in_an_answer_are_not_printed():
    text = verdict_on({"a": "\x1b[2Jgone"}, Question("What?")).explain()
    assert "\x1b" not in text


def test_a_verdict_becomes_a_frame_of_responses():
    frame = verdict_on({"a": "yes", "b": Outcome.ABSTAINED}).to_polars()
    assert frame.select("expert", "outcome", "answer").rows() == [
        ("a", "answered", "yes"),
        ("b", "abstained", None),
    ]


def test_a_verdict_needs_a_response_and_a_known_method():
    with pytest.raises(InvalidInput, match="at least one response"):
        decide(YES_NO, [])
    with pytest.raises(InvalidInput, match="'median' came"):
        verdict_on({"a": "yes"}, method="median")


def test_replay_weighs_the_experts():
    verdict = verdict_on({"a": "yes", "b": "no", "c": "no"})
    again = verdict.replay(weights={"a": 3, "b": 1, "c": 1})
    assert (again.answer, again.decision, again.method) == ("yes", Decision.MAJORITY, "weighted majority")
    assert str(again.support) == "1 of 3, 0.33 [0.06, 0.79], 0.60 of the weight"
    assert again.weights == (("a", 3.0), ("b", 1.0), ("c", 1.0))
    assert "Weights: a 3, b 1, c 1" in again.explain()


def test_the_weight_of_who_gave_no_answer_counts_in_the_denominator():
    verdict = verdict_on({"a": "yes", "b": Outcome.REFUSED})
    assert verdict.replay(weights={"a": 1, "b": 1}).decision is Decision.NO_MAJORITY
    assert verdict.replay(weights={"a": 2, "b": 1}).answer == "yes"
    assert verdict.replay(weights={"a": 0, "b": 1}).decision is Decision.NO_MAJORITY


def test_weights_that_add_up_to_the_same_tie_whatever_their_floats():
    verdict = verdict_on({"a": "yes", "b": "yes", "c": "no"})
    again = verdict.replay(weights={"a": 0.1, "b": 0.2, "c": 0.3})
    assert (again.answer, again.decision, again.ties) == (None, Decision.TIE, ("no", "yes"))


def test_a_weighted_replay_keeps_its_weights_when_it_is_replayed():
    verdict = verdict_on({"a": "yes", "b": "no", "c": "no"}).replay(weights={"a": 3, "b": 1, "c": 1})
    assert verdict.replay(without=["c"]).answer == "yes"
    assert verdict.replay(method="majority").answer == "no"


def test_texts_are_weighed_too():
    verdict = verdict_on(
        {"a": "Use 4 shards.", "b": "use 5 shards", "c": "Use 4 shards"}, Question("How many?", Text())
    )
    assert verdict.replay(weights={"a": 1, "b": 3, "c": 1}).answer == "use 5 shards"


def test_a_replay_says_that_it_is_one_and_of_what():
    verdict = verdict_on({"a": "yes", "b": "yes", "c": "no"})
    again = verdict.replay(without=["c"]).replay(without=["b"])
    assert (verdict.replayed, again.replayed.of, again.replayed.without) == (None, verdict.id, ("b", "c"))
    said = (
        f"Replayed from the stored answers of verdict {verdict.id[:8]} without b, c; nobody was asked again"
    )
    assert str(again.replayed) == said
    for display in (again.explain(), again._repr_html_()):
        assert said in display
    assert "replayed" in repr(again)
    assert again.id != verdict.id


def test_recommendations_are_replayed_without_an_expert_and_not_by_vote():
    verdict = verdict_on({"a": ("Shard",), "b": ("Index", "Shard")}, Question("How?", Items()))
    assert [row.text for row in verdict.replay(without=["a"]).recommendations] == ["Index", "Shard"]
    for options in ({"weights": {"a": 1, "b": 1}}, {"method": "plurality"}):
        with pytest.raises(InvalidInput, match="merged, not voted on"):
            verdict.replay(**options)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"weights": {"a": 1}}, "'b' is missing"),
        ({"weights": {"a": 1, "b": -1}}, "-1 came for 'b'"),
        ({"weights": {"a": 1, "b": float("nan")}}, "nan came for 'b'"),
        ({"weights": {"a": 1, "b": "2"}}, "'2' came for 'b'"),
        ({"weights": {"a": 0, "b": 0}}, "all weights may be 0"),
        ({"weights": {"a": 1, "b": 1, "z": 1}}, "z was not asked"),
        ({"weights": {"a": 1, "b": 1}, "method": "plurality"}, "belongs to the method"),
        ({"method": "weighted majority"}, "needs weights="),
        ({"without": "a"}, r"write without=\['a'\]"),
    ],
)
def test_weights_that_do_not_fit_are_refused(options, why):
    with pytest.raises(InvalidInput, match=why):
        verdict_on({"a": "yes", "b": "no"}).replay(**options)


def test_a_circle_refuses_to_weigh_before_anybody_is_asked():
    with pytest.raises(InvalidInput, match="'weighted majority' came: weigh in replay"):
        cs.Circle([cs.Scripted("a", ["yes"])], method="weighted majority")


def persons(*said):
    """What one person said to a question, in the order of the seconds."""
    return [
        Response(
            question_id=YES_NO.id,
            expert="zoe",
            source=Source.PERSON,
            outcome=outcome,
            answer=answer,
            latency_s=float(second),
        )
        for second, (outcome, answer) in enumerate(said)
    ]


CHANGED = [(Outcome.ANSWERED, "no"), (Outcome.ANSWERED, "yes")]
TAKEN_BACK = [*CHANGED, (Outcome.WITHDRAWN, None)]


@pytest.mark.parametrize("turn", [1, -1])
def test_of_what_a_person_said_the_last_counts(turn):
    before = responses(YES_NO, {"a": "yes", "b": "no"})
    verdict = decide(YES_NO, [*before, *persons(*CHANGED)][::turn])
    assert (verdict.answer, verdict.support.n, verdict.support.of) == ("yes", 2, 3)


def test_an_answer_that_was_taken_back_leaves_the_verdict_as_it_was_without_it():
    before = responses(YES_NO, {"a": "yes", "b": "no"})
    assert decide(YES_NO, [*before, *persons(*TAKEN_BACK)]).support == decide(YES_NO, before).support
    again = [*before, *persons(*TAKEN_BACK, (Outcome.ANSWERED, "yes"))]
    assert decide(YES_NO, again).support.n == 2


def test_who_was_timed_out_and_took_the_late_answer_back_is_timed_out():
    late = [(Outcome.TIMED_OUT, None), *TAKEN_BACK]
    verdict = decide(YES_NO, [*responses(YES_NO, {"a": "yes"}), *persons(*late)])
    assert verdict.outcomes == {Outcome.ANSWERED: 1, Outcome.TIMED_OUT: 1}


def test_the_only_one_who_answered_and_took_it_back_leaves_no_answer():
    verdict = decide(YES_NO, persons(*TAKEN_BACK))
    assert (verdict.decision, verdict.answer) == (Decision.NO_ANSWER, None)
