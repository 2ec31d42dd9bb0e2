import math

import numpy as np
import polars as pl
import pytest

import consilience as cs
from consilience.aggregate import dawid_skene
from consilience.errors import InvalidInput
from consilience.simulate import Planted, answers

THREE = {
    "x": {"x": 0.9, "y": 0.1},
    "y": {"y": 0.6, "z": 0.4},
    "z": {"z": 1.0},
}


def accuracy(made):
    joined = made.answers.drop_nulls("label").join(made.gold.rename({"label": "gold"}), on="task")
    grouped = joined.group_by("expert").agg((pl.col("label") == pl.col("gold")).mean().alias("accuracy"))
    return dict(grouped.select("expert", "accuracy").iter_rows())


@pytest.mark.parametrize("shared", [{}, {"correlation": 0.8}, {"difficulty": 0.6}, {"correlation": 1.0}])
def test_planted_accuracies_hold_whatever_experts_share(shared):
    made = answers([0.9, 0.7, 0.55], tasks=8000, labels=list("abc"), prior=[0.6, 0.3, 0.1], **shared)
    found = accuracy(made)
    # 0.02 is 3.6 standard errors of the least certain
    assert [found[e] for e in ("e1", "e2", "e3")] == pytest.approx([0.9, 0.7, 0.55], abs=0.02)
    shares = dict(made.gold["label"].value_counts(normalize=True).iter_rows())
    assert [shares[label] for label in "abc"] == pytest.approx([0.6, 0.3, 0.1], abs=0.02)


def test_a_planted_confusion_is_what_the_answers_show():
    made = answers([Planted("a", confusion=THREE)], tasks=9000, labels=list("xyz"), correlation=0.5)
    joined = made.answers.join(made.gold.rename({"label": "truth"}), on="task")
    counts = joined.group_by("truth", "label").len()
    shares = counts.with_columns((pl.col("len") / pl.col("len").sum().over("truth")).alias("seen"))
    beside = made.confusion.join(shares, on=["truth", "label"], how="left").fill_null(0)
    assert (beside["probability"] - beside["seen"]).abs().max() < 0.03
    assert made.experts["accuracy"].item() == pytest.approx((0.9 + 0.6 + 1.0) / 3)


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.9])
def test_planted_correlations_are_what_the_errors_show(correlation):
    circle = [Planted("a", 0.8, family="f"), Planted("b", 0.65, family="f"), Planted("c", 0.8, family="g")]
    made = answers(circle, tasks=20_000, correlation=correlation, difficulty=0.1, seed=2)
    wrong = made.answers.join(made.gold.rename({"label": "gold"}), on="task").with_columns(
        (pl.col("label") != pl.col("gold")).cast(pl.Float64)
    )
    wide = wrong.pivot(on="expert", index="task", values="label").select("a", "b", "c").to_numpy()
    seen = np.corrcoef(wide.T)[np.triu_indices(3, 1)]
    assert made.correlations["correlation"].to_list() == pytest.approx(seen.tolist(), abs=0.03)


def test_members_of_a_family_tend_to_the_same_wrong_label():
    def same_wrong(correlation):
        made = answers([0.4, 0.4], tasks=4000, labels=list("abcde"), correlation=correlation)
        wide = made.answers.pivot(on="expert", index="task", values="label").join(made.gold, on="task")
        both = wide.filter((pl.col("e1") != pl.col("label")) & (pl.col("e2") != pl.col("label")))
        return (both["e1"] == both["e2"]).mean()

    assert same_wrong(0.0) == pytest.approx(0.25, abs=0.05)
    assert same_wrong(0.9) > 0.6


def test_dawid_skene_recovers_planted_skills():
    made = answers([0.9, 0.85, 0.8, 0.7, 0.6], tasks=3000, seed=5)
    found = dawid_skene(made.answers).skills.sort("expert")["skill"].to_list()
    assert found == pytest.approx(made.experts["accuracy"].to_list(), abs=0.03)


def test_the_interval_of_an_accuracy_covers_the_planted_one():
    held = 0
    for seed in range(60):
        made = answers([0.8], tasks=80, seed=seed)
        row = cs.evaluate(made.answers, made.gold, draws=1, methods=["majority"]).accuracy.row(
            by_predicate=pl.col("kind") == "member", named=True
        )
        held += row["low"] <= 0.8 <= row["high"]
    # of 60 intervals that hold in 95 % of cases, fewer than 52 do so once in 700 times
    assert held >= 52


def test_effective_votes_fall_as_the_correlation_rises():
    votes = [answers([0.8] * 9, tasks=1, correlation=c).effective_votes for c in (0, 0.3, 0.6, 0.9, 1)]
    assert votes == sorted(votes, reverse=True)
    assert votes[0] == pytest.approx(9)
    assert votes[-1] == pytest.approx(1)
    assert math.isnan(answers([0.8], tasks=1).effective_votes)


def test_abstentions_and_unknown_costs_are_null():
    made = answers([Planted("a", abstains=0.3, cost_usd=0.01), Planted("b")], tasks=3000)
    a, b = (made.answers.filter(expert=name) for name in "ab")
    assert a["label"].null_count() / 3000 == pytest.approx(0.3, abs=0.03)
    assert a["confidence"].is_null().equals(a["label"].is_null())
    assert (a["cost_usd"].unique().to_list(), b["cost_usd"].null_count()) == ([0.01], 3000)


@pytest.mark.parametrize(("overconfidence", "sign"), [(0.3, -1), (3.0, 1)])
def test_overconfidence_moves_what_is_stated_and_not_what_is_true(overconfidence, sign):
    made = answers([Planted("a", 0.75, overconfidence=overconfidence)], tasks=3000)
    fair = answers([Planted("a", 0.75)], tasks=3000)
    assert made.answers["label"].equals(fair.answers["label"])
    assert sign * (made.answers["confidence"].mean() - fair.answers["confidence"].mean()) > 0.02


def test_hard_tasks_are_those_on_which_more_err():
    made = answers([0.7] * 5, tasks=2000, difficulty=0.6)
    joined = made.answers.join(made.gold.rename({"label": "gold"}), on="task").join(
        made.difficulty, on="task"
    )
    right = joined.with_columns((pl.col("label") == pl.col("gold")).alias("right"))
    easy, hard = (
        right.filter(keep)["right"].mean() for keep in (pl.col("difficulty") < 0, pl.col("difficulty") > 0)
    )
    assert easy > hard + 0.2


def test_the_same_seed_gives_the_same_answers_and_one_more_expert_changes_nobody_else():
    two, three = answers([0.8, 0.7], tasks=50, seed=3), answers([0.8, 0.7, 0.6], tasks=50, seed=3)
    assert two.answers.equals(answers([0.8, 0.7], tasks=50, seed=3).answers)
    assert two.answers.equals(three.answers.filter(pl.col("expert") != "e3"))
    assert not two.answers.equals(answers([0.8, 0.7], tasks=50, seed=4).answers)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"experts": []}, "At least one expert"),
        ({"experts": [Planted("a"), Planted("a")]}, "each name once"),
        ({"tasks": 0}, "tasks is 1 or more"),
        ({"labels": ["x"]}, "two different labels"),
        ({"prior": [0.5, 0.6]}, "sums to 1"),
        ({"prior": [1.0]}, "each of 2 labels"),
        ({"correlation": 1.5}, "correlation lies from 0 to 1"),
        ({"correlation": 0.6, "difficulty": 0.6}, r"correlation \+ difficulty"),
        ({"experts": [Planted("a", confusion={"yes": {"yes": 1.0}})]}, "a row for each of yes, no"),
        (
            {"experts": [Planted("a", confusion={"yes": {"yes": 0.5}, "no": {"no": 1}})]},
            "for 'yes' they sum to 0.5",
        ),
        ({"experts": [Planted("a", confusion={"yes": {"maybe": 1}, "no": {"no": 1}})]}, "maybe"),
    ],
)
def test_what_cannot_be_planted_is_refused(given, why):
    with pytest.raises(InvalidInput, match=why):
        answers(**{"experts": [0.8], **given})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"accuracy": 1.1}, "accuracy of 'a' lies from 0 to 1, 1.1 came"),
        ({"abstains": -0.1}, "abstains of 'a'"),
        ({"overconfidence": -1}, "overconfidence of 'a'"),
        ({"overconfidence": math.nan}, "overconfidence of 'a'"),
        ({"cost_usd": -1}, "cost_usd of 'a'"),
    ],
)
def test_an_expert_that_cannot_be_is_refused(given, why):
    with pytest.raises(InvalidInput, match=why):
        Planted("a", **given)


def test_a_simulation_says_what_it_is():
    made = answers([0.8] * 9, tasks=10, correlation=0.7)
    assert repr(made) == "<Simulation of 10 tasks and 9 experts, 1.9 effective votes planted>"
    assert made.to_polars().equals(made.answers)
