"""The report of a circle that gives scores, beside figures that are computed another way."""

import numpy as np
import polars as pl
import pytest

from consilience.errors import InvalidFrame, InvalidInput
from consilience.evaluation import ScoreReport, evaluate_scores

TASKS = 200
NOISE = {"ana": 1.0, "ben": 1.2, "eva": 1.1}


def made(seed=0, noise=NOISE, bias=None, missing=0.0, tasks=TASKS):
    """Return answers and the truth behind them."""
    random = np.random.default_rng(seed)
    truth = random.uniform(0, 10, tasks)
    rows = [
        (task, name, None if random.random() < missing else float(value))
        for name, spread in noise.items()
        for task, value in enumerate(truth + (bias or {}).get(name, 0.0) + random.normal(0, spread, tasks))
    ]
    frame = pl.DataFrame(rows, schema=["task", "expert", "score"], orient="row")
    return frame, pl.DataFrame({"task": range(tasks), "score": truth})


def test_errors_and_lift_are_those_of_another_computation():
    frame, gold = made(missing=0.2)
    report = evaluate_scores(frame, gold)
    errors = {row["who"]: row for row in report.errors.iter_rows(named=True)}
    joined = frame.drop_nulls().join(gold.rename({"score": "truth"}), on="task")
    n = joined["task"].n_unique()  # on three of the 200 tasks nobody gave a score
    off = joined.with_columns(off=(pl.col("score") - pl.col("truth")).abs())
    for name in NOISE:
        own = off.filter(pl.col("expert") == name)["off"]
        assert (errors[name]["answered"], errors[name]["tasks"]) == (len(own), n)
        assert errors[name]["error"] == pytest.approx(own.mean())
        assert errors[name]["low"] < errors[name]["error"] < errors[name]["high"]
    middle = joined.group_by("task").agg(pl.col("score").median(), pl.col("truth").first())
    apart = middle.select("task", circle=(pl.col("score") - pl.col("truth")).abs())
    assert errors["circle, median"]["error"] == pytest.approx(apart["circle"].mean())
    best = report.lift.best
    beside = off.filter(pl.col("expert") == best).join(apart, on="task")
    assert report.lift.plain == pytest.approx(beside["off"].mean() - beside["circle"].mean())
    known = middle["truth"]
    always = (known - known.median()).abs().mean()
    assert report.errors.filter(kind="baseline")["error"].item() == pytest.approx(always)


def test_independent_errors_make_the_circle_closer_and_a_shared_one_does_not():
    apart = evaluate_scores(*made())
    assert apart.lift.low > 0
    assert "It is closer than every member" in apart.finding
    _frame, gold = made()
    random = np.random.default_rng(1)
    shared = gold.with_columns(pl.col("score") + random.normal(0, 1, TASKS))
    alike = pl.concat([shared.select("task", pl.lit(name).alias("expert"), "score") for name in NOISE])
    report = evaluate_scores(alike, gold)
    assert report.lift.plain == pytest.approx(0)
    assert "no difference is shown" in report.finding
    better_alone = evaluate_scores(*made(noise={"ana": 0.1, "ben": 5.0, "eva": 5.0}))
    assert better_alone.lift.high < 0
    assert "Ask that one alone" in better_alone.finding


def test_the_interval_of_the_lift_holds_the_true_one_about_as_often_as_it_says():
    noise = {"ana": 1.0, "ben": 1.0, "eva": 1.0}
    random = np.random.default_rng(7)
    errors = np.abs(np.median(random.normal(0, 1, (400_000, 3)), axis=1)).mean()
    true = np.sqrt(2 / np.pi) - errors
    held = [evaluate_scores(*made(seed, noise), draws=200, seed=seed).lift for seed in range(1000, 1120)]
    assert sum(lift.low <= true <= lift.high for lift in held) >= 0.88 * len(held)
    assert np.mean([lift.value for lift in held]) == pytest.approx(true, abs=0.02)
    assert np.mean([lift.plain for lift in held]) < np.mean([lift.value for lift in held])


def test_a_bias_is_named_beside_the_truth_and_beside_the_others():
    frame, gold = made(bias={"ben": 3.0})
    assert "Scores beside the known scores: ben by +" in evaluate_scores(frame, gold).explain()
    report = evaluate_scores(frame)
    assert report.errors is None
    assert report.lift is None
    assert not report.lifts
    said = report.explain()
    assert "3 experts scored 200 tasks" in said
    assert "Not said, since it takes known scores" in said
    assert "ben by +" in said
    assert report.to_polars() is report.bias.experts


def test_the_order_of_rows_changes_nothing():
    frame, gold = made(missing=0.3)
    one = evaluate_scores(frame, gold)
    two = evaluate_scores(frame.sample(fraction=1, shuffle=True, seed=3), gold.reverse())
    assert one.errors.equals(two.errors)
    assert one.lifts == two.lifts
    assert one.explain() == two.explain()


def test_who_answered_nothing_that_is_known_stands_without_an_error():
    frame, gold = made(tasks=20)
    silent = frame.with_columns(score=pl.when(pl.col("expert") != "eva").then("score"))
    report = evaluate_scores(silent, gold)
    assert report.errors.filter(who="eva").select("answered", "error", "low").row(0) == (0, None, None)
    assert report.errors.row(-1, named=True)["who"] == "eva"
    assert "eva" in report._repr_html_()


def test_one_expert_is_no_circle():
    frame, gold = made(noise={"ana": 1.0})
    report = evaluate_scores(frame, gold)
    assert report.lift is None
    assert report.finding == "One expert is no circle: there is nothing to compare."


def test_providers_and_hostile_names_are_shown():
    frame, gold = made(tasks=20, noise={"<b>ana": 1.0, "ben": 2.0})
    priced = frame.with_columns(provider=pl.lit("x"), cost_usd=0.5)
    report = evaluate_scores(priced, gold)
    assert "Cost by provider: x $20 (40 answers)." in report.explain()
    assert "<b>ana" not in report._repr_html_()
    assert "&lt;b&gt;ana" in report._repr_html_()
    assert repr(report).startswith("<ScoreReport: On average the circle's median is ")


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        ({"draws": 0}, InvalidInput, "draws is a whole number from 1 up, 0 came"),
        ({"gold": {"task": [99_999], "score": [1.0]}}, InvalidFrame, "tasks that nobody was asked"),
        ({"gold": {"task": [1], "label": [1.0]}}, InvalidFrame, "score is missing"),
        ({"gold": {"task": [1], "score": [None]}}, InvalidFrame, "it knows none"),
    ],
)
def test_what_cannot_be_used_is_refused(change, error, why):
    frame, gold = made(tasks=5)
    with pytest.raises(error, match=why):
        evaluate_scores(**({"frame": frame, "gold": gold} | change))


def test_a_frame_that_also_has_labels_is_judged_by_its_scores():
    frame, gold = made(tasks=20)
    labelled = frame.with_columns(label=pl.lit("yes"))
    assert isinstance(evaluate_scores(labelled, gold), ScoreReport)
    assert evaluate_scores(labelled, gold).agreement == evaluate_scores(frame, gold).agreement
