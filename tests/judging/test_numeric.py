"""Pools of numbers beside published formulas and other programs."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from scipy.stats.mstats import trimmed_mean_ci

from consilience.aggregate import (
    bias_and_scale,
    brier_score,
    extremised_pool,
    huber_mean,
    inverse_variance,
    log_pool,
    median,
    trimmed_mean,
)
from consilience.aggregate.numeric.quantiles import median_rank, student_quantile
from consilience.errors import InvalidFrame, InvalidInput

CENTRES = [median, trimmed_mean, huber_mean, inverse_variance]
POOLS = [log_pool, extremised_pool]


def long(values):
    """Return a frame of tasks by experts; nan is no answer."""
    values = np.asarray(values, dtype=float)
    n, k = values.shape
    frame = pl.DataFrame(
        {
            "task": np.repeat(np.arange(n), k),
            "expert": np.tile([f"e{j}" for j in range(k)], n),
            "score": values.ravel(),
        }
    )
    return frame.with_columns(pl.col("score").fill_nan(None))


def one(values):
    return long([values])


def found(pooled, column="estimate"):
    return pooled.estimates[column].to_numpy()


def measured(seed, n=200, deviations=(1.0, 2.0, 4.0), bias=0.0, scale=1.0):
    generator = np.random.default_rng(seed)
    truth = generator.normal(50, 10, n)
    errors = generator.normal(size=(n, len(deviations))) * deviations
    return truth, bias + truth[:, None] * scale + errors


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_students_quantiles_are_those_of_scipy(confidence):
    for df in (1, 2, 3, 4, 7, 30, 199, 1999, 2000, 50_000):
        expected = stats.t.ppf((1 + confidence) / 2, df)
        assert student_quantile(df, confidence) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n", [1, 5, 6, 7, 20, 101, 3000])
def test_the_ranks_that_enclose_a_median_are_binomial(n):
    k = median_rank(n, 0.95)
    assert stats.binom.cdf(k - 1, n, 0.5) <= 0.025 < stats.binom.cdf(k, n, 0.5) or (k == 0 and n < 6)


def test_the_median_and_its_interval_of_two_answers():
    values = [9.0, 1, 4, 2, 8, 3, 7]
    pooled = median(one(values)).estimates.row(0, named=True)
    assert (pooled["estimate"], pooled["low"], pooled["high"]) == (4.0, 1.0, 9.0)
    assert pooled["spread"] == np.subtract(*np.percentile(values, [75, 25]))
    assert median(one([1.0, 2])).estimates.select("estimate", "low").row(0) == (1.5, None)


def test_the_interval_of_the_median_covers_whatever_the_distribution():
    values = np.random.default_rng(0).exponential(size=(2000, 15))
    pooled = median(long(values))
    covered = (found(pooled, "low") <= np.log(2)) & (np.log(2) <= found(pooled, "high"))
    assert 0.95 <= covered.mean() <= 0.98


@pytest.mark.parametrize("trim", [0.1, 0.2, 0.3])
def test_the_trimmed_mean_and_its_interval_are_those_of_scipy(trim):
    values = np.random.default_rng(1).standard_t(3, size=(5, 30))
    pooled = trimmed_mean(long(values), trim=trim)
    assert found(pooled) == pytest.approx(stats.trim_mean(values, trim, axis=1))
    for row, low, high in zip(values, found(pooled, "low"), found(pooled, "high"), strict=True):
        expected = trimmed_mean_ci(row, limits=(trim, trim), alpha=0.05)
        assert (low, high) == pytest.approx(expected, rel=0.01)


def test_a_trim_of_none_is_the_mean_with_students_interval():
    values = [3.0, 4, 6, 9]
    pooled = trimmed_mean(one(values), trim=0, confidence=0.9)
    expected = stats.t.interval(0.9, 3, np.mean(values), stats.sem(values))
    assert (found(pooled, "low")[0], found(pooled, "high")[0]) == pytest.approx(expected)
    assert pooled.method == "mean"


@pytest.mark.parametrize("k", [0.5, 1.345, 3.0])
def test_hubers_mean_balances_what_pulls_at_it(k):
    values = np.random.default_rng(2).standard_cauchy(size=(20, 11))
    estimate = found(huber_mean(long(values), k=k))
    scale = stats.median_abs_deviation(values, axis=1, scale="normal")
    pull = np.clip((values - estimate[:, None]) / scale[:, None], -k, k)
    assert pull.sum(axis=1) == pytest.approx(0, abs=1e-9)


def test_hubers_mean_with_a_wide_reach_is_the_mean_and_half_equal_answers_give_themselves():
    values = [1.0, 2, 4, 8]
    assert found(huber_mean(one(values), k=100))[0] == pytest.approx(3.75)
    pooled = huber_mean(one([5.0, 5, 5, 90]))
    assert pooled.estimates.select("estimate", "low").row(0) == (5.0, None)


def test_the_interval_of_hubers_mean_covers_normal_errors():
    values = np.random.default_rng(3).normal(size=(1000, 15))
    pooled = huber_mean(long(values))
    covered = (found(pooled, "low") <= 0) & (found(pooled, "high") >= 0)
    assert 0.92 <= covered.mean() <= 0.97


def test_known_variances_weigh_by_their_inverse():
    pooled = inverse_variance(one([10.0, 13]), variances={"e0": 1, "e1": 2})
    half = 1.959964 / np.sqrt(1 + 1 / 2)
    assert pooled.estimates.select("estimate", "low", "high").row(0) == pytest.approx(
        (11, 11 - half, 11 + half)
    )


def test_three_experts_variances_are_those_of_grubbs():
    _, values = measured(4, n=2000)
    gaps = {(i, j): np.square(values[:, i] - values[:, j]).mean() for i in range(3) for j in range(3)}
    grubbs = [(gaps[i, j] + gaps[i, k] - gaps[j, k]) / 2 for i, j, k in ((0, 1, 2), (1, 0, 2), (2, 0, 1))]
    pooled = inverse_variance(long(values), smoothing=0, tolerance=1e-10)
    assert pooled.experts["variance"].to_list() == pytest.approx(grubbs, rel=0.02)
    assert pooled.note == ""


def test_planted_variances_are_found_with_answers_missing_and_the_interval_covers():
    truth, values = measured(5, n=3000, deviations=(1.0, 2.0, 3.0, 4.0))
    values[np.random.default_rng(0).random(values.shape) < 0.3] = np.nan
    pooled = inverse_variance(long(values))
    assert np.sqrt(pooled.experts["variance"]).to_list() == pytest.approx([1, 2, 3, 4], rel=0.1)
    assert pooled.experts["weight"].mean() == pytest.approx(1)
    some = ~np.isnan(values).all(axis=1)
    covered = (found(pooled, "low") <= truth) & (truth <= found(pooled, "high"))
    assert covered[some].mean() == pytest.approx(0.95, abs=0.02)
    plain = np.nanmean(values[some], axis=1)
    closer = np.abs(found(pooled)[some] - truth[some]) < np.abs(plain - truth[some])
    assert closer.mean() > 0.5


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([[1.0, 2], [3, 5]], "two experts show the sum of their variances alone"),
        ([[1.0, 1, 1], [3, 3, 3]], "all experts say the same"),
        ([[1.0, np.nan], [np.nan, 2]], "no two experts answered a task"),
    ],
)
def test_variances_that_cannot_be_told_apart_leave_the_mean_and_say_so(values, why):
    pooled = inverse_variance(long(values))
    assert why in repr(pooled)
    assert found(pooled) == pytest.approx(np.nanmean(values, axis=1))


def test_smoothing_keeps_an_expert_from_counting_as_infallible():
    values = [[1.0, 1.1, 3], [2, 2.2, 1], [3, 2.9, 5]]
    plain, smooth = (inverse_variance(long(values), smoothing=each).experts for each in (0, 1))
    assert smooth["weight"].max() < plain["weight"].max()


def test_variances_that_have_not_settled_say_so():
    _, values = measured(6, n=20)
    assert "NOT settled after 1 iterations" in repr(inverse_variance(long(values), max_iterations=1))


def test_bias_and_scale_beside_gold_are_a_regression():
    truth, values = measured(7, n=60, bias=3.0, scale=1.5)
    gold = {"task": range(60), "score": truth}
    frame = bias_and_scale(long(values), gold=gold).experts
    for column, row in zip(values.T, frame.iter_rows(named=True), strict=True):
        line = stats.linregress(truth, column)
        half = line.stderr * stats.t.ppf(0.975, 58)
        assert row["scale"] == pytest.approx(line.slope)
        assert (row["scale_low"], row["scale_high"]) == pytest.approx((line.slope - half, line.slope + half))
        away = column - truth
        assert row["bias"] == pytest.approx(away.mean())
        assert (row["bias_low"], row["bias_high"]) == pytest.approx(
            stats.t.interval(0.95, 59, away.mean(), stats.sem(away))
        )
        assert row["deviation"] == pytest.approx(away.std(ddof=1))


def test_bias_and_scale_beside_the_others_find_what_was_planted_up_to_what_all_share():
    truth, values = measured(8, n=4000, deviations=(2.0, 2.0, 2.0, 2.0))
    values[:, 0] = values[:, 0] * 1.5 + 7
    frame = bias_and_scale(long(values)).experts
    # the others have the scale 1, and the first takes part in what they are compared with
    assert frame["scale"][0] == pytest.approx(1.5, abs=0.03)
    assert frame["bias"][0] == pytest.approx(7 + 0.5 * truth.mean(), abs=0.2)
    assert frame["bias"].sum() == pytest.approx(0, abs=1e-6)
    assert frame["scale_low"][0] < 1.5 < frame["scale_high"][0]


def test_the_intervals_of_scale_cover():
    covered = 0
    for seed in range(60):
        _, values = measured(seed, n=80, deviations=(5.0, 5.0, 5.0))
        row = bias_and_scale(long(values)).experts.row(0, named=True)
        covered += row["scale_low"] <= 1 <= row["scale_high"]
    assert covered >= 52


def test_corrected_scores_lie_beside_the_truth_again():
    truth, values = measured(9, bias=5.0, scale=2.0, deviations=(0.1, 0.1, 0.1))
    frame = long(values)
    corrected = bias_and_scale(frame, gold={"task": range(200), "score": truth}).corrected(frame)
    assert corrected["score"].to_numpy() == pytest.approx(np.repeat(truth, 3), abs=1)
    with pytest.raises(InvalidFrame, match="named as they were measured"):
        bias_and_scale(frame).corrected(frame.with_columns(expert=1))


@pytest.mark.parametrize("method", [*CENTRES, *POOLS], ids=lambda method: method.__name__)
def test_silence_counts_as_asked_and_an_empty_task_has_no_estimate(method):
    frame = {"task": ["t", "t", "u", "u"], "expert": list("abab"), "score": [0.25, 0.25, None, None]}
    pooled = method(frame)
    assert pooled.estimates["task"].to_list() == ["t", "u"]
    assert pooled.estimates["estimate"][1] is None
    assert pooled.estimates.select("answered", "asked").rows() == [(2, 2), (0, 2)]
    assert pooled.decided == 1
    assert "1 of 2 tasks have an estimate" in repr(pooled)
    assert pooled.to_polars() is pooled.estimates


@pytest.mark.parametrize("method", [*CENTRES, *POOLS], ids=lambda method: method.__name__)
@pytest.mark.parametrize("scores", [[], [None]])
def test_frames_without_an_answer_are_fine(method, scores):
    frame = pl.DataFrame(
        {"task": [1] * len(scores), "expert": ["a"] * len(scores), "score": scores},
        schema={"task": pl.Int64, "expert": pl.String, "score": pl.Float64},
    )
    assert method(frame).decided == 0
    assert method(frame)._repr_html_()


@pytest.mark.parametrize("convert", [lambda f: f, lambda f: f.lazy(), lambda f: f.to_arrow(), pd.DataFrame])
def test_polars_pandas_and_arrow_frames_are_taken(convert):
    frame = long([[1.0, 2, 9]])
    given = convert(frame.to_dict(as_series=False) if convert is pd.DataFrame else frame)
    assert found(median(given)).tolist() == [2]


def test_tasks_are_escaped_in_html():
    frame = {"task": ["<script>"], "expert": ["<script>"], "score": [0.5]}
    gold = {"task": ["<script>"], "score": [1]}
    for result in (median(frame), bias_and_scale(frame), brier_score(frame, gold)):
        assert "<script>" not in result._repr_html_()


@pytest.mark.parametrize(
    ("method", "option", "name"),
    [
        (median, {"confidence": 1}, "confidence"),
        (trimmed_mean, {"trim": 0.5}, "trim"),
        (huber_mean, {"k": 0}, "k is a positive number"),
        (inverse_variance, {"smoothing": -1}, "smoothing"),
        (inverse_variance, {"max_iterations": 0}, "max_iterations"),
        (
            inverse_variance,
            {"variances": {"e0": 0, "e1": 1}},
            "variances are positive numbers, 0 came for 'e0'",
        ),
        (inverse_variance, {"variances": {"e0": 1}}, "'e1' is missing"),
        (log_pool, {"clip": 0.5}, "clip"),
        (log_pool, {"weights": {"e0": 1}}, "'e1' is missing"),
        (extremised_pool, {"exponent": 0}, "exponent"),
        (extremised_pool, {"exponent": 2, "gold": {"task": [0], "score": [1]}}, "Either exponent or gold"),
        (bias_and_scale, {"confidence": 0}, "confidence"),
        (brier_score, {"gold": {"task": [0], "score": [1]}, "bins": 0}, "bins is 1 or more"),
    ],
)
def test_options_outside_their_range_are_refused(method, option, name):
    with pytest.raises(InvalidInput, match=name):
        method(one([0.2, 0.4]), **option)
