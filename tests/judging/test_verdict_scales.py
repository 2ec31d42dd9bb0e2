"""Verdicts on scores, rankings and texts."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import consilience as cs
from consilience.agreement import one_ranking, one_score
from consilience.errors import InvalidInput
from consilience.models import Source
from consilience.verdict import decide

SCALE = cs.Score(0, 10)
ITEMS = ("cost", "safety", "speed")
ORDER = cs.Ranking(*ITEMS)


def responses(question, answers):
    return [
        cs.Response(
            question_id=question.id,
            expert=f"e{at}",
            source=Source.SCRIPTED,
            outcome=cs.Outcome.ABSTAINED if answer is None else cs.Outcome.ANSWERED,
            answer=answer,
            id=str(at),
        )
        for at, answer in enumerate(answers)
    ]


def verdict(kind, answers, **how):
    question = cs.Question("How?", kind)
    return decide(question, responses(question, answers), **how)


def test_scores_are_pooled_by_their_median():
    found = verdict(SCALE, [7.0, 7.5, 0.0, None])
    assert (found.answer, found.decision, found.headline) == (7.0, "pooled", "7")
    assert (found.support.n, found.support.of) == (2, 4)
    assert [vote.experts for vote in found.dissent] == [("e2",)]
    assert found.degraded


def test_other_methods_pool_otherwise():
    found = verdict(SCALE, [7.0, 8.0, 0.0])
    assert found.replay(method="mean").answer == 5.0
    assert found.replay(weights={"e0": 1, "e1": 5, "e2": 1}).answer == 8.0
    assert found.replay(weights={"e0": 1, "e1": 1, "e2": 0}).answer == 7.5
    assert found.replay(weights={"e0": 1, "e1": 5, "e2": 1}).support.weight == pytest.approx(5 / 7)


def test_weights_only_of_the_silent_give_no_answer():
    found = verdict(SCALE, [7.0, None])
    assert found.replay(weights={"e0": 0, "e1": 1}).decision == "no answer"


@given(st.lists(st.floats(0, 10), min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_the_order_of_the_experts_moves_no_score(scores, shuffle):
    question = cs.Question("How?", SCALE)
    given_ = responses(question, scores)
    first = decide(question, given_)
    shuffle.shuffle(given_)
    again = decide(question, given_)
    assert (first.answer, first.support, first.agreement, first.votes) == (
        again.answer,
        again.support,
        again.agreement,
        again.votes,
    )


@given(st.lists(st.floats(0, 10), min_size=1, max_size=9))
def test_the_verdict_on_scores_is_the_median_of_a_frame(scores):
    frame = {"task": [0] * len(scores), "expert": list(range(len(scores))), "score": scores}
    expected = cs.aggregate.median(frame).estimates["estimate"][0]
    assert verdict(SCALE, scores).answer == pytest.approx(expected, abs=1e-12)


def test_agreement_of_scores_is_one_for_all_alike_and_below_zero_for_camps():
    alike = one_score((7.0, 7.0, 7.0), 0, 10)
    assert alike.value == 1
    assert 0 < alike.low < 1
    camps = one_score((0.0, 0.0, 10.0, 10.0), 0, 10)
    assert camps.value < camps.high
    assert camps.value == pytest.approx(-3)
    assert math.isnan(one_score((7.0,), 0, 10).value)


def test_a_coarser_resolution_promises_less():
    assert one_score((7.0,) * 3, 0, 10, resolution=2).low < one_score((7.0,) * 3, 0, 10, resolution=0.5).low


def test_guessed_scores_agree_by_chance_alone():
    draw = random.Random(0)
    values = [one_score(tuple(draw.uniform(0, 10) for _ in range(5)), 0, 10).value for _ in range(300)]
    assert sum(values) / len(values) == pytest.approx(0, abs=0.1)


def test_rankings_are_joined_and_the_winner_of_all_pairs_is_first():
    found = verdict(
        ORDER, [("cost", "speed", "safety"), ("cost", "safety", "speed"), ("speed", "cost", "safety")]
    )
    assert found.answer[0] == "cost"
    assert (found.support.n, found.support.of, found.decision) == (2, 3, "ranked")
    assert found.headline == "cost > speed > safety"
    assert [vote.experts for vote in found.dissent] == [("e2",)]


@pytest.mark.parametrize("method", ["schulze", "borda", "copeland", "kemeny"])
def test_each_rule_gives_what_it_gives_over_a_frame(method):
    orders = [("cost", "speed", "safety"), ("safety", "speed", "cost"), ("speed", "safety", "cost")]
    found = verdict(ORDER, orders, method=method)
    frame = {"task": [0] * 3, "expert": [0, 1, 2], "ranking": [list(order) for order in orders]}
    expected = getattr(cs.aggregate, method)(frame).rankings
    assert [set(place) for place in found.places] == [
        set(expected.filter(expected["rank"] == rank)["item"]) for rank in expected["rank"].unique().sort()
    ]


def test_items_without_a_difference_share_a_place():
    found = verdict(ORDER, [("cost", "safety", "speed"), ("cost", "speed", "safety")])
    assert found.headline == "cost > safety = speed"
    assert found.ties == ("safety = speed",)


def test_opposed_orders_of_two_items_are_a_tie_without_an_answer():
    found = verdict(cs.Ranking("a", "b"), [("a", "b"), ("b", "a")])
    assert (found.decision, found.answer, found.support.n) == ("tie", None, 0)


def test_items_below_the_top_are_last_together():
    found = verdict(cs.Ranking("a", "b", "c", top=1), [("b",), ("b",)])
    assert found.places == (("b",), ("a", "c"))
    assert found.agreement is None


@settings(max_examples=25)
@given(st.lists(st.permutations(ITEMS), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_the_experts_moves_no_ranking(orders, shuffle):
    question = cs.Question("How?", ORDER)
    given_ = responses(question, [tuple(order) for order in orders])
    first = decide(question, given_)
    shuffle.shuffle(given_)
    again = decide(question, given_)
    assert (first.places, first.support, str(first.agreement)) == (
        again.places,
        again.support,
        str(again.agreement),
    )


def test_agreement_of_rankings_is_one_for_all_alike_and_not_above_zero_for_camps():
    alike = one_ranking(["abcd"] * 4)
    assert (alike.value, alike.high) == (1.0, 1.0)
    assert 0 < alike.low < 1
    assert one_ranking(["abcd", "abcd", "dcba", "dcba"]).value == pytest.approx(-1 / 3)
    assert math.isnan(one_ranking(["abc"]).value)


def test_guessed_rankings_agree_by_chance_alone():
    draw = random.Random(0)
    orders = [["".join(draw.sample("abcd", 4)) for _ in range(4)] for _ in range(200)]
    assert sum(one_ranking(each).value for each in orders) / len(orders) == pytest.approx(0, abs=0.1)


def test_reworded_texts_are_one_answer_and_negations_and_numbers_are_not():
    found = verdict(cs.Text(), ["Use 4 shards.", "use four shards", "Use 5 shards", "Do not use 4 shards"])
    assert [vote.experts for vote in found.votes] == [("e0", "e1"), ("e3",), ("e2",)]


def test_a_text_without_words_stands_alone_and_keeps_the_others_together():
    found = verdict(cs.Text(), ["Use 4 shards.", "use four shards", "..."])
    assert (found.answer, found.support.n) == ("Use 4 shards.", 2)


@pytest.mark.parametrize(
    ("kind", "answers", "method"),
    [(SCALE, [7.0], "majority"), (ORDER, [ITEMS], "median"), (cs.Label("a", "b"), ["a"], "schulze")],
)
def test_a_method_of_another_kind_is_refused(kind, answers, method):
    with pytest.raises(InvalidInput, match=f"method for {kind.kind} answers is one of"):
        verdict(kind, answers, method=method)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (SCALE, ["7", "8", "2"]),
        (ORDER, ["cost, speed, safety", "cost, safety, speed", "speed, cost, safety"]),
    ],
)
def test_a_stored_verdict_comes_back_as_it_was(tmp_path, kind, said):
    experts = [cs.Scripted(f"e{at}", [answer]) for at, answer in enumerate(said)]
    with cs.Circle(experts, store=tmp_path / "history.duckdb") as circle:
        asked = circle.ask_sync("How?", answer=kind)
        again = circle.store.verdict(asked.question.id)
    assert (again.answer, again.support, again.method, again.places) == (
        asked.answer,
        asked.support,
        asked.method,
        asked.places,
    )


def test_displays_show_numbers_and_places():
    found = verdict(SCALE, [7.0, 7.25, 0.0])
    assert "7.25" in found._repr_html_()
    assert "Answer: 7 (2 of 3" in found.explain()
    order = verdict(ORDER, [("cost", "speed", "safety")])
    assert "cost &gt; speed &gt; safety" in order._repr_html_()
