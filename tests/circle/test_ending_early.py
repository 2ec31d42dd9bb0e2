import asyncio
import threading

import pytest

import consilience as cs
from consilience.errors import InvalidInput, UnknownExpert
from consilience.verdict import Decision

YES_NO = cs.Label("yes", "no")


class Never:
    """An expert that waits until it is cancelled, and says so."""

    source = cs.models.Source.FUNCTION

    def __init__(self, name="never"):
        self.name = name
        self.cancelled = threading.Event()

    async def answer(self, question):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def aclose(self):
        pass


def experts(*answers, never=0):
    said = [cs.Scripted(name, [answer]) for name, answer in zip("abcdef", answers, strict=False)]
    return [*said, *(Never(f"n{number}") for number in range(never))]


def by_name(verdict):
    return {response.expert: response for response in verdict.responses}


def test_the_first_answers_suffice_and_the_others_are_released():
    given = experts("yes", "yes", "yes", never=1)
    verdict = cs.Circle(given).ask_sync("Is it?", answer=YES_NO, first=3)
    released = by_name(verdict)["n0"]
    assert (released.outcome, released.reason) == ("not needed", "the first 3 of 4 answers suffice")
    assert given[-1].cancelled.is_set()
    assert verdict.banner == "3 of 4 answered: 1 not needed"
    assert not verdict.degraded


def test_who_was_released_stays_among_the_asked():
    verdict = cs.Circle(experts("yes", "no", "yes", never=1)).ask_sync("Is it?", answer=YES_NO, first=3)
    assert (verdict.answer, verdict.decision) == (None, Decision.NO_MAJORITY)
    assert (verdict.support.n, verdict.support.of) == (2, 4)


def test_a_failure_is_no_answer_for_first():
    verdict = cs.Circle(experts(ValueError("x"), "yes", "yes")).ask_sync("Is it?", answer=YES_NO, first=2)
    assert verdict.answer == "yes"
    assert by_name(verdict)["a"].outcome == "failed"


def test_first_pools_the_scores_that_came():
    verdict = cs.Circle(experts("3", "5", never=2)).ask_sync("How bad?", answer=cs.Score(0, 10), first=2)
    assert verdict.answer == 4
    assert verdict.agreement is None


def test_a_quorum_ends_the_vote_when_more_than_half_of_the_asked_agree():
    verdict = cs.Circle(experts("yes", "yes", "yes", never=2)).ask_sync("Is it?", answer=YES_NO, quorum=True)
    assert (verdict.answer, verdict.support.n, verdict.support.of) == ("yes", 3, 5)
    assert by_name(verdict)["n0"].reason == "3 of 5 agree already"


def test_agreement_is_left_out_where_a_vote_ended_because_of_it():
    circle = cs.Circle(experts("yes", "yes", never=1))
    assert circle.ask_sync("Is it?", answer=YES_NO, quorum=True).agreement is None
    assert cs.Circle(experts("yes", "yes")).ask_sync("Is it?", answer=YES_NO).agreement is not None


def test_a_quorum_ends_a_vote_that_can_reach_no_majority_and_no_tie():
    label = cs.Label("w", "x", "y", "z")
    given = experts("x", "x", "x", "y", "w", "z", never=1)
    verdict = cs.Circle(given).ask_sync("Which?", answer=label, quorum=True, deadline=0.2)
    # a fourth x would be a majority of the seven
    assert by_name(verdict)["n0"].outcome == "timed out"
    given = [*experts("x", "x", "x", "y", "w", ValueError("z"), never=1), cs.Scripted("g", ["z"])]
    verdict = cs.Circle(given).ask_sync("Which?", answer=label, quorum=True)
    assert by_name(verdict)["n0"].reason == "no answer can reach a majority any more"
    assert verdict.decision is Decision.NO_MAJORITY


def test_under_plurality_a_quorum_waits_until_no_other_answer_can_overtake():
    label = cs.Label("x", "y", "z")
    circle = cs.Circle(experts("x", "x", "x", "y", "z", never=1), method="plurality")
    verdict = circle.ask_sync("Which?", answer=label, quorum=True)
    assert verdict.answer == "x"
    assert by_name(verdict)["n0"].reason == "no other answer can overtake"


def test_required_experts_are_waited_for():
    late = cs.Scripted("late", ["no"], latency=0.02)
    verdict = cs.Circle([*experts("yes", "yes", "yes", never=1), late]).ask_sync(
        "Is it?", answer=YES_NO, quorum=True, required=["late"]
    )
    assert by_name(verdict)["late"].outcome == "answered"


def test_min_responses_hold_the_end_up():
    late = cs.Scripted("late", ["no"], latency=0.02)
    verdict = cs.Circle([*experts("yes", "yes"), late]).ask_sync(
        "Is it?", answer=YES_NO, quorum=True, min_responses=3
    )
    assert verdict.outcomes == {cs.Outcome.ANSWERED: 3}


@pytest.mark.parametrize(
    ("how", "shortfall"),
    [
        ({"min_responses": 3}, "2 of at least 3 answered"),
        ({"required": ["c"]}, "c, required, did not answer"),
        ({"min_responses": 3, "required": ["c", "a"]}, "2 of at least 3 answered; c, required, did not"),
    ],
)
def test_without_what_it_needs_a_circle_gives_no_answer(how, shortfall):
    verdict = cs.Circle(experts("yes", "yes", None)).ask_sync("Is it?", answer=YES_NO, **how)
    assert (verdict.decision, verdict.answer, verdict.agreement) == (Decision.NO_QUORUM, None, None)
    assert verdict.headline == f"no quorum: {shortfall}"
    assert verdict.degraded
    assert verdict.votes[0].answer == "yes"
    assert (verdict.support.n, verdict.support.of) == (0, 3)
    assert shortfall in verdict.explain()
    assert shortfall in verdict._repr_html_()


@pytest.mark.parametrize(
    ("kind", "answer"),
    [(cs.Items(), ["a"]), (cs.Score(0, 10), "3"), (cs.Ranking("x", "y"), "x > y"), (cs.Text(), "a")],
)
def test_no_kind_of_answer_passes_for_a_verdict_without_a_quorum(kind, answer):
    verdict = cs.Circle(experts(answer, None)).ask_sync("Is it?", answer=kind, min_responses=2)
    assert (verdict.decision, verdict.answer, len(verdict.recommendations)) == (Decision.NO_QUORUM, None, 0)
    assert "no quorum" in repr(verdict)
    assert "no quorum" in verdict.explain()


def test_enough_answers_are_a_verdict_like_any_other():
    verdict = cs.Circle(experts("yes", "yes", None)).ask_sync(
        "Is it?", answer=YES_NO, min_responses=2, required=["a"]
    )
    assert (verdict.answer, verdict.shortfall) == ("yes", "")


def test_no_replay_turns_a_shortfall_into_an_answer():
    verdict = cs.Circle(experts("yes", "yes", None)).ask_sync("Is it?", answer=YES_NO, min_responses=3)
    for replayed in (verdict.replay(method="plurality"), verdict.replay(without=["c"])):
        assert (replayed.decision, replayed.answer) == (Decision.NO_QUORUM, None)


def test_a_replay_without_experts_may_fall_short():
    verdict = cs.Circle(experts("yes", "yes")).ask_sync("Is it?", answer=YES_NO, min_responses=2)
    assert verdict.answer == "yes"
    assert verdict.replay(without=["a"]).shortfall == "1 of at least 2 answered"


def test_a_stored_verdict_without_a_quorum_is_read_back_as_one(tmp_path):
    with cs.Circle(experts("yes", "yes", None), store=tmp_path / "history.duckdb") as circle:
        verdict = circle.ask_sync("Is it?", answer=YES_NO, min_responses=3)
        again = circle.store.verdict(verdict.question.id)
        released = circle.ask_sync("Is it?", answer=YES_NO, first=2)
        kept = circle.store.verdict(released.question.id)
    assert (again.decision, again.answer) == (Decision.NO_QUORUM, None)
    assert kept.outcomes == released.outcomes


@pytest.mark.parametrize(
    ("how", "error", "why"),
    [
        ({"first": 0}, InvalidInput, "first is between 1 and the 4"),
        ({"first": 5}, InvalidInput, "first is between 1 and the 4"),
        ({"first": 2}, InvalidInput, "take first=3 or more"),
        ({"first": 3, "min_responses": 4}, InvalidInput, "take first=4"),
        ({"min_responses": 5}, InvalidInput, "min_responses"),
        ({"min_responses": -1}, InvalidInput, "min_responses"),
        ({"required": ["x"]}, UnknownExpert, "'x' came"),
        ({"required": "a"}, InvalidInput, r"required=\['a'\]"),
        ({"quorum": True, "answer": cs.Score()}, InvalidInput, "not voted on"),
        ({"quorum": True, "answer": cs.Items()}, InvalidInput, "merged"),
    ],
)
def test_terms_that_cannot_be_met_say_why(how, error, why):
    with pytest.raises(error, match=why):
        cs.Circle(experts("yes", "yes", "yes", "yes")).ask_sync("Is it?", **{"answer": YES_NO, **how})


def test_the_first_answers_may_be_few_where_no_majority_of_the_asked_is_needed():
    circle = cs.Circle(experts("yes", never=3), method="plurality")
    assert circle.ask_sync("Is it?", answer=YES_NO, first=1).answer == "yes"
