import math

import numpy as np
import polars as pl
import pytest

import consilience as cs
from consilience.aggregate import majority
from consilience.errors import InvalidFrame, InvalidInput
from consilience.evaluation import METHODS, effective_votes, evaluate
from consilience.evaluation.lift import lifts

CIRCLE = "circle, majority"


def panel(right, n):
    """Tasks 0 to n-1 with gold 'x'; each expert is right on the given tasks and says 'y' elsewhere."""
    rows = [(t, e, "x" if t in tasks else "y") for e, tasks in right.items() for t in range(n)]
    frame = {"task": [r[0] for r in rows], "expert": [r[1] for r in rows], "label": [r[2] for r in rows]}
    return frame, {"task": list(range(n)), "label": ["x"] * n}


def right_of(report):
    return dict(report.accuracy.select("who", "right").iter_rows())


# the lift


def test_members_who_err_apart_make_a_circle_that_helps():
    n = 300
    right = {e: {t for t in range(n) if t % 3 != k} for k, e in enumerate("abc")}
    report = evaluate(*panel(right, n))
    assert report.lift.plain == pytest.approx(1 / 3)
    assert report.lift.low > 0
    assert "beats every member" in report.finding


def test_members_who_err_together_do_not():
    right = {"a": set(range(50)), "b": set(range(40)), "c": set(range(40))}
    report = evaluate(*panel(right, 60))
    assert report.lift.best == "a"
    assert report.lift.high < 0
    assert "worse than its best member" in report.finding


def test_a_small_difference_is_not_told_apart():
    right = {"a": set(range(58)), "b": set(range(3, 60)), "c": set(range(57))}
    assert "no difference is shown" in evaluate(*panel(right, 60)).finding


def test_a_best_member_that_was_lucky_is_corrected_for():
    made = cs.simulate.answers([0.8] * 6, tasks=100, seed=3)
    lift = evaluate(made.answers, made.gold, methods=["majority"]).lift
    assert lift.optimism > 0.01
    assert lift.value == pytest.approx(lift.plain + lift.optimism)


def test_a_best_member_that_stands_out_is_not_corrected():
    made = cs.simulate.answers([0.95, 0.6, 0.6], tasks=400, seed=3)
    assert evaluate(made.answers, made.gold, methods=["majority"]).lift.optimism < 0.002


def test_a_method_that_follows_its_best_member_claims_no_lift():
    right = np.array([[t < 58, t >= 3, t < 52] for t in range(60)])
    (lift,) = lifts(right, right[:, :1], ["a", "b", "c"], 500, seed=0)
    assert lift.plain == 0
    assert lift.low <= 0 <= lift.high


@pytest.mark.parametrize(("accuracies", "correlation"), [([0.8] * 5, 0.3), ([0.9, 0.8, 0.7], 0.3)])
def test_the_interval_holds_the_planted_lift(accuracies, correlation):
    truth = cs.simulate.answers(accuracies, tasks=40_000, correlation=correlation, seed=999)
    expected = evaluate(truth.answers, truth.gold, methods=["majority"], draws=20).lift.plain
    held = 0
    for seed in range(40):
        made = cs.simulate.answers(accuracies, tasks=150, correlation=correlation, seed=seed)
        lift = evaluate(made.answers, made.gold, methods=["majority"], draws=200).lift
        held += lift.low <= expected <= lift.high
    # of 40 intervals that hold in 95 % of cases, fewer than 34 do so once in 700 times
    assert held >= 34


def test_the_circle_is_the_strict_majority_and_a_missing_answer_is_not_right():
    frame = {"task": [1, 1, 2, 2], "expert": list("abab"), "label": ["x", None, "x", "x"]}
    report = evaluate(frame, {"task": [1, 2], "label": ["x", "x"]}, methods=["majority"])
    assert right_of(report) == {"a": 2, "b": 1, CIRCLE: 1, "always x": 2}
    assert majority(frame).decided == right_of(report)[CIRCLE]
    assert report.undecided == 1


def test_ties_are_counted_apart():
    frame = {"task": [1, 1, 2, 2, 3, 3], "expert": list("ababab"), "label": ["x", "y", "x", None, None, None]}
    report = evaluate(frame, {"task": [1, 2, 3], "label": ["x", "x", "x"]})
    assert (report.ties, report.undecided) == (1, 2)


def test_one_expert_is_no_circle():
    report = evaluate({"task": [1], "expert": ["a"], "label": ["x"]}, {"task": [1], "label": ["x"]})
    assert report.lift is None
    assert report.votes is None
    assert "no circle" in report.finding
    assert report.explain()
    assert report._repr_html_()


def test_the_bootstrap_repeats_itself_and_moves_with_its_seed():
    generator = np.random.default_rng(5)
    right = {e: set(np.flatnonzero(generator.random(100) < 0.7).tolist()) for e in "abc"}
    frame, gold = panel(right, 100)
    assert evaluate(frame, gold).lift == evaluate(frame, gold).lift
    assert evaluate(frame, gold, seed=1, draws=50).lift.low != evaluate(frame, gold).lift.low


# methods


def test_every_method_stands_beside_the_members_and_the_baseline():
    made = cs.simulate.answers([0.8, 0.7, 0.6], tasks=100, labels=list("xyz"))
    report = evaluate(made.answers, made.gold, draws=20)
    kinds = report.accuracy.group_by("kind").len().sort("kind").rows()
    assert kinds == [("baseline", 1), ("circle", len(METHODS)), ("member", 3)]
    assert set(report.lifts) == set(METHODS)


def test_plurality_is_right_where_others_were_silent():
    frame = {"task": [1, 1, 1], "expert": list("abc"), "label": ["x", None, None]}
    right = right_of(evaluate(frame, {"task": [1], "label": ["x"]}))
    assert (right["circle, majority"], right["circle, plurality"]) == (0, 1)


def test_a_weighted_majority_learns_from_other_tasks_whom_to_trust():
    made = cs.simulate.answers([0.97, 0.55, 0.55], tasks=300, seed=1)
    right = right_of(evaluate(made.answers, made.gold, draws=20))
    assert right["circle, weighted majority"] == right["e1"] > right["circle, majority"]


def test_the_models_never_see_gold():
    made = cs.simulate.answers([0.8] * 4, tasks=60, seed=2)
    turned = made.gold.with_columns(pl.col("label").replace({"yes": "no", "no": "yes"}))
    given, swapped = (right_of(evaluate(made.answers, gold, draws=5)) for gold in (made.gold, turned))
    for method in ("Dawid-Skene", "one-coin Dawid-Skene", "majority"):
        assert given[f"circle, {method}"] + swapped[f"circle, {method}"] <= 60


def test_texts_of_which_no_two_are_alike_are_labels_too():
    n = 3000
    frame = {
        "task": [*range(n)] * 2,
        "expert": ["a"] * n + ["b"] * n,
        "label": [f"text {k}" for k in range(2 * n)],
    }
    gold = {"task": range(n), "label": [f"text {k}" for k in range(n)]}
    report = evaluate(frame, gold, draws=5, methods=["majority", "plurality", "weighted majority"])
    assert right_of(report)["a"] == n
    assert report.ties == n


def test_only_the_methods_that_are_wanted_are_compared():
    frame, gold = panel({"a": {0}, "b": {0, 1}}, 2)
    assert list(evaluate(frame, gold, methods=["plurality", "majority"]).lifts) == ["plurality", "majority"]


@pytest.mark.parametrize("methods", [["plurality"], ["majority", "median"], ["majority", "majority"], []])
def test_methods_that_cannot_be_compared_are_refused(methods):
    with pytest.raises(InvalidInput, match="methods"):
        evaluate(*panel({"a": {0}, "b": {0}}, 2), methods=methods)


# votes


def test_nine_who_say_the_same_are_one_vote():
    made = cs.simulate.answers([0.8] * 9, tasks=200, correlation=1.0)
    votes = evaluate(made.answers, made.gold, methods=["majority"]).votes
    assert votes.value == pytest.approx(1)
    assert votes.by_eigenvalues == pytest.approx(1)
    assert votes.by_weights == pytest.approx(9)


def test_effective_votes_are_recovered_from_planted_correlations():
    made = cs.simulate.answers([0.8] * 9, tasks=4000, correlation=0.7, seed=4)
    votes = evaluate(made.answers, made.gold, methods=["majority"], draws=200).votes
    assert votes.low <= made.effective_votes <= votes.high
    assert votes.value == pytest.approx(made.effective_votes, rel=0.05)
    assert votes.independent_accuracy > 0.97


def test_two_camps_hide_from_the_mean_correlation_and_not_from_the_eigenvalues():
    tasks = set(range(40))
    camps = {
        "a": set(range(20)),
        "b": set(range(20)),
        "c": tasks - set(range(20)),
        "d": tasks - set(range(20)),
    }
    votes = evaluate(*panel(camps, 40), methods=["majority"]).votes
    assert votes.value > 4
    assert votes.by_eigenvalues == pytest.approx(1)


def test_votes_of_members_who_never_err_are_undefined_and_say_why():
    votes = evaluate(*panel({"a": {0, 1}, "b": {0, 1}}, 2)).votes
    assert math.isnan(votes.value)
    assert "undefined" in votes.explain()


def test_the_accuracy_of_independent_votes_is_exact():
    right = {"a": set(range(8)), "b": set(range(8)), "c": set(range(8))}
    votes = evaluate(*panel(right, 10)).votes
    assert votes.independent_accuracy == pytest.approx(0.8**3 + 3 * 0.8**2 * 0.2)


def test_weights_that_differ_leave_fewer_votes():
    made = cs.simulate.answers([0.99, 0.55, 0.55, 0.55], tasks=2000)
    assert evaluate(made.answers, made.gold, draws=20).votes.by_weights < 2


@pytest.mark.parametrize(("correlations", "members"), [([0.1], 3), ([], 1), ([0.1, 0.2], 2)])
def test_correlations_that_are_not_those_of_all_pairs_are_refused(correlations, members):
    with pytest.raises(InvalidInput, match="correlation for each pair"):
        effective_votes(correlations, members)


# shared errors


def test_double_fault_and_q_are_those_of_the_textbook():
    # both right on 4, only b wrong on 2, only a wrong on 1, both wrong on 3
    right = {"a": {0, 1, 2, 3, 4, 5}, "b": {0, 1, 2, 3, 6}}
    report = evaluate(*panel(right, 10))
    row = report.shared_errors.row(0, named=True)
    assert row["double_fault"] == pytest.approx(0.3)
    assert row["expected"] == pytest.approx(0.4 * 0.5)
    assert row["q"] == pytest.approx((4 * 3 - 2 * 1) / (4 * 3 + 2 * 1))
    wrong = np.array([[t not in right[e] for t in range(10)] for e in "ab"])
    assert row["correlation"] == pytest.approx(np.corrcoef(wrong)[0, 1])
    assert report.double_fault().rows() == [("a", 0.4, 0.3), ("b", 0.3, 0.5)]
    assert report.q_statistic()["a"].to_list() == [None, pytest.approx(10 / 14)]


def test_a_pair_is_judged_on_the_tasks_that_both_answered():
    frame = {"task": [1, 1, 2, 2], "expert": list("abab"), "label": ["y", "y", "y", None]}
    row = evaluate(frame, {"task": [1, 2], "label": ["x", "x"]}).shared_errors.row(0, named=True)
    assert (row["tasks"], row["double_fault"], row["q"]) == (1, 1.0, None)


def test_a_member_named_like_the_first_column_keeps_its_place():
    report = evaluate(*panel({"expert": {0}, "b": {1}}, 3))
    assert report.double_fault().columns == ["expert (row)", "b", "expert"]


# calibration


def test_confidence_that_comes_true_has_no_error_beyond_chance():
    made = cs.simulate.answers(
        [cs.simulate.Planted("fair", 0.75), cs.simulate.Planted("loud", 0.75, overconfidence=3)], tasks=4000
    )
    scores = {r["who"]: r for r in evaluate(made.answers, made.gold, draws=20).calibration.scores.to_dicts()}
    assert scores["fair"]["ece"] < 2 * scores["fair"]["ece_by_chance"]
    assert scores["loud"]["ece"] > 5 * scores["loud"]["ece_by_chance"]
    assert scores["fair"]["brier"] < scores["loud"]["brier"]


def test_ece_brier_and_coverage_are_counted_by_hand():
    frame = {
        "task": [1, 2, 3, 4],
        "expert": ["a"] * 4,
        "label": ["x", "x", "y", None],
        "confidence": [0.95, 0.55, 0.55, None],
    }
    gold = {"task": [1, 2, 3, 4], "label": ["x"] * 4}
    found = evaluate(frame, gold).calibration
    row = found.scores.row(0, named=True)
    assert row["ece"] == pytest.approx((abs(0.95 - 1) + abs(1.1 - 1)) / 3)
    assert row["brier"] == pytest.approx((0.05**2 + 0.45**2 + 0.55**2) / 3)
    mine = found.coverage.filter(pl.col("who") == "a").select("answers", "coverage", "accuracy").rows()
    assert mine == [(1, 0.25, 1.0), (3, 0.75, pytest.approx(2 / 3))]


def test_a_posterior_that_rounds_above_one_is_one():
    made = cs.simulate.answers([0.8] * 9, tasks=1500, correlation=0.7, seed=7)
    found = evaluate(made.answers, made.gold, draws=5).calibration
    assert found.scores["ece_by_chance"].is_nan().sum() == 0
    assert found.curve["confidence"].max() <= 1


def test_without_confidences_there_is_no_calibration():
    assert evaluate(*panel({"a": {0}, "b": {1}}, 2)).calibration is None


def test_a_confidence_of_one_falls_into_the_last_bin():
    frame = {"task": [1], "expert": ["a"], "label": ["x"], "confidence": [1.0]}
    curve = evaluate(frame, {"task": [1], "label": ["x"]}).calibration.curve
    assert curve.filter(pl.col("who") == "a")["low"].to_list() == [0.9]


# cost and sub-circles


def priced(prices, accuracies, n=400, seed=0):
    circle = [
        cs.simulate.Planted(f"e{k}", a, cost_usd=p)
        for k, (a, p) in enumerate(zip(accuracies, prices, strict=True))
    ]
    made = cs.simulate.answers(circle, tasks=n, seed=seed)
    return evaluate(made.answers, made.gold, draws=20)


def test_the_unknown_part_of_the_cost_is_named_and_not_zero():
    report = priced([0.01, None], [0.8, 0.8])
    costs = {row["who"]: row for row in report.costs.to_dicts()}
    assert costs["e1"]["cost_usd"] is None
    assert costs["e1"]["usd_per_right"] is None
    assert costs[CIRCLE]["cost_usd"] == pytest.approx(4.0)
    assert (costs[CIRCLE]["unpriced"], costs[CIRCLE]["lower_bound"]) == (400, True)
    assert costs["e0"]["usd_per_right"] == pytest.approx(4.0 / right_of(report)["e0"])
    assert "at least: 400 of 800 answers have no known price" in report.explain()


def test_costs_that_nobody_knows_are_unknown():
    assert "unknown for all 800 answers" in priced([None, None], [0.8, 0.8]).explain()


def test_the_best_sub_circle_leaves_out_who_only_harms():
    best = priced([0.01] * 4, [0.9, 0.9, 0.9, 0.3]).best_sub_circle()
    assert best.experts == ("e0", "e1", "e2")
    assert best.tried == 15
    assert best.usd_a_task == pytest.approx(0.03)


def test_the_limit_of_cost_is_kept_and_the_unpriced_are_named():
    report = priced([0.05, 0.01, None], [0.9, 0.8, 0.95])
    best = report.best_sub_circle(max_cost=0.02)
    assert (best.experts, best.unpriced) == (("e1",), ("e2",))
    assert "e2" in best.explain()
    with pytest.raises(InvalidInput, match="buys nobody; the cheapest whose cost is known is 'e1'"):
        report.best_sub_circle(max_cost=0.001)


def test_a_limit_that_is_just_the_price_is_enough():
    assert len(priced([0.1, 0.2, 0.1], [0.8] * 3, n=7).best_sub_circle(max_cost=0.4).experts) >= 1
    assert priced([0.1] * 3, [0.8, 0.8, 0.8], n=300).best_sub_circle(max_cost=0.3).tried == 7


def test_a_limit_without_costs_says_what_is_missing():
    with pytest.raises(InvalidInput, match="cost_usd"):
        evaluate(*panel({"a": {0}, "b": {1}}, 2)).best_sub_circle(max_cost=1)


def test_the_accuracy_of_a_chosen_sub_circle_is_not_that_of_the_tasks_that_chose_it():
    gaps = []
    for seed in range(4):
        made = cs.simulate.answers([0.7] * 8, tasks=60, correlation=0.4, seed=seed)
        best = evaluate(made.answers, made.gold, methods=["majority"], draws=5).best_sub_circle()
        gaps.append(best.in_sample - best.accuracy)
    assert min(gaps) >= 0
    assert np.mean(gaps) > 0.01


def test_equals_are_decided_by_cost_then_size_then_name():
    frame, gold = panel({"b": {0, 1}, "a": {0, 1}, "c": {0, 1}}, 2)
    assert evaluate(frame, gold).best_sub_circle().experts == ("a",)
    costly = {**frame, "cost_usd": [1.0 if e == "a" else 0.5 for e in frame["expert"]]}
    assert evaluate(costly, gold).best_sub_circle().experts == ("b",)


def test_too_many_members_for_trying_all_are_refused():
    report = evaluate(*panel({f"e{k:02}": {0} for k in range(13)}, 2), methods=["majority"])
    with pytest.raises(InvalidInput, match="up to 12 members, 13 came"):
        report.best_sub_circle()


# without gold


def test_without_gold_nothing_is_said_about_who_is_right():
    made = cs.simulate.answers([0.9, 0.8, 0.7, 0.6], tasks=500)
    report = evaluate(made.answers, draws=50)
    assert isinstance(report, cs.UnverifiedReport)
    assert report.skills["expert"].to_list() == ["e1", "e2", "e3", "e4"]
    text = report.explain()
    assert "Not said" in text
    assert "drawn at random" in text
    assert "lift" not in text


def test_without_gold_experts_who_err_together_are_taken_for_competent():
    circle = [cs.simulate.Planted(f"twin{k}", 0.7, family="twins") for k in range(3)]
    made = cs.simulate.answers([*circle, cs.simulate.Planted("apart", 0.9, family="alone")], correlation=0.98)
    skills = dict(evaluate(made.answers, draws=5).skills.select("expert", "skill").iter_rows())
    assert skills["twin0"] > skills["apart"]


# what cannot be used


@pytest.mark.parametrize(
    ("gold", "why"),
    [
        (
            {"task": [1, 1], "label": ["x", "x"]},
            r"more than once \(rows 0 and 1 of column 'task'\): keep one row",
        ),
        ({"task": [1, 9], "label": ["x", "x"]}, "nobody was asked, the first is 9 in row 1 of column 'task'"),
        ({"task": [None], "label": ["x"]}, "at least one task"),
        ({"task": ["1"], "label": ["x"]}, "of one type in column 'task'.*cast one"),
        ({"task": [1], "label": [1]}, "of one type in column 'label'.*cast one"),
        ({"task": [1]}, "label is missing"),
    ],
)
def test_gold_that_does_not_fit_is_refused(gold, why):
    with pytest.raises(InvalidFrame, match=why):
        evaluate({"task": [1], "expert": ["a"], "label": ["x"]}, gold)


@pytest.mark.parametrize(
    ("column", "values", "why"),
    [
        ("confidence", [0.5, 1.2], "'confidence' must be from 0 to 1, row 1 holds 1.2.*divide percentages"),
        ("confidence", [0.5, -0.1], "row 1 holds -0.1"),
        ("confidence", ["a", "b"], "'confidence' must hold numbers"),
        ("cost_usd", [0.1, -1.0], "'cost_usd' must be 0 or more and finite, row 1 holds -1 .*'b' on task 1"),
        ("cost_usd", [math.inf, 1.0], "row 0 holds inf"),
        ("label", [["x"], ["y"]], "'label' must hold values of one type"),
        ("label", ["x", 1], "label"),
        ("expert", ["a", "a"], "'a' has more than one row for task 1.*keep one"),
        ("expert", ["a", None], "'expert' must be filled, row 1 is null"),
    ],
)
def test_answers_that_cannot_be_used_are_refused(column, values, why):
    frame = {"task": [1, 1], "expert": ["a", "b"], "label": ["x", "y"], column: values}
    with pytest.raises(InvalidFrame, match=why):
        evaluate(frame, {"task": [1], "label": ["x"]})


def test_a_confidence_that_is_nan_is_unknown():
    frame = {"task": [1, 1], "expert": ["a", "b"], "label": ["x", "y"], "confidence": [math.nan, 0.4]}
    scores = evaluate(frame, {"task": [1], "label": ["x"]}).calibration.scores
    assert scores.filter(pl.col("kind") == "member")["who"].to_list() == ["b"]


def test_missing_columns_are_named():
    with pytest.raises(InvalidFrame, match="expert is missing"):
        evaluate({"task": [1], "label": ["x"]}, {"task": [1], "label": ["x"]})


def test_no_draws_are_refused():
    with pytest.raises(InvalidInput, match="draws"):
        evaluate({"task": [1], "expert": ["a"], "label": ["x"]}, {"task": [1], "label": ["x"]}, draws=0)


# displays


def test_reports_show_themselves_as_html_with_names_escaped():
    frame, gold = panel({"<i>": {0}, "c": {1}, "d": {0}}, 2)
    frame |= {"confidence": [0.9] * 6, "cost_usd": [0.1] * 6}
    for report in (evaluate(frame, gold), evaluate(frame), evaluate(frame, gold).calibration):
        html = report._repr_html_()
        assert "<i>" not in html
        assert "&lt;i&gt;" in html
        assert html.count("<div") == html.count("</div")


def test_terminal_escapes_in_a_name_are_not_printed():
    frame, gold = panel({"\x1b[2Ja": {0, 1}, "b": {1}}, 2)
    for report in (evaluate(frame, gold), evaluate(frame)):
        assert "\x1b" not in str(report)
    assert "\x1b" not in evaluate(frame, gold).best_sub_circle().explain()


def test_the_explanation_names_what_limits_it():
    made = cs.simulate.answers([0.8] * 5, tasks=100, correlation=0.5)
    text = evaluate(made.answers, made.gold).explain()
    for part in (
        "independent votes",
        "best member was chosen on the same tasks",
        "flattered",
        "Krippendorff",
    ):
        assert part in text


def test_pandas_and_arrow_frames_are_taken():
    made = cs.simulate.answers([0.8] * 3, tasks=30)
    bare = made.answers.select("task", "expert", "label")
    reports = [
        evaluate(bare, made.gold, draws=5),
        evaluate(bare.to_pandas(), made.gold.to_pandas(), draws=5),
        evaluate(bare.to_arrow(), made.gold.to_arrow(), draws=5),
    ]
    assert reports[0].accuracy.equals(reports[1].accuracy)
    assert reports[0].accuracy.equals(reports[2].accuracy)


PAID = {
    "task": [1, 1, 1, 2, 2, 2],
    "expert": list("abcabc"),
    "label": list("xxyyxy"),
    "cost_usd": [0.5, None, None, 0.25, 0.125, None],
    "provider": ["big", "big", "own", "big", "big", "own"],
}


@pytest.mark.parametrize("gold", [None, {"task": [1, 2], "label": ["x", "y"]}], ids=["unverified", "gold"])
def test_costs_are_told_by_provider_with_their_unknown_part(gold):
    report = cs.evaluate(PAID, gold)
    assert report.providers.rows() == [("big", 2, 4, 3, 1, 0.875, True), ("own", 1, 2, 0, 2, None, True)]
    said = "big $0.875 (4 answers, 1 without a price); own unknown (2 answers, 2 without a price)"
    assert said in report.explain()
    assert "Cost by provider" in report._repr_html_()
    assert cs.evaluate({k: v for k, v in PAID.items() if k != "provider"}, gold).providers is None


def test_the_name_of_a_provider_is_escaped():
    frame = PAID | {"provider": ["<script>"] * 6}
    assert "<script>" not in cs.evaluate(frame)._repr_html_()
