"""Pools and scores of probabilities beside published formulas and other programs."""

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.metrics import brier_score_loss
from statsmodels.discrete.discrete_model import Logit

from consilience.aggregate import brier_score, extremised_pool, log_pool
from consilience.errors import InvalidFrame, InvalidInput


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


def test_the_log_pool_is_the_geometric_mean_of_the_odds():
    values = np.array([[0.2, 0.5, 0.9], [0.01, 0.02, 0.6]])
    odds = stats.gmean(values / (1 - values), axis=1)
    assert found(log_pool(long(values))) == pytest.approx(odds / (1 + odds))


def test_to_update_and_pool_is_to_pool_and_update():
    values, factor = np.array([[0.2, 0.5, 0.9]]), 3.0

    def updated(p):
        return p * factor / (p * factor + 1 - p)

    pooled = found(log_pool(long(updated(values))))
    assert pooled == pytest.approx(updated(found(log_pool(long(values)))))


def test_weights_are_shares_and_take_the_interval_away():
    pooled = log_pool(one([0.8, 0.5]), weights={"e0": 3, "e1": 1})
    odds = (0.8 / 0.2) ** 0.75
    assert found(pooled)[0] == pytest.approx(odds / (1 + odds))
    assert pooled.estimates["low"].to_list() == [None]


def test_a_stated_certainty_does_not_decide_alone_and_is_counted():
    pooled = log_pool(one([1.0, 0.5, 0.5]))
    assert 0.5 < found(pooled)[0] < 0.95
    assert pooled.note == "1 of 3 probabilities were beyond 0.001 and clipped"
    assert found(log_pool(one([1.0, 0.5, 0.5]), clip=0.1))[0] < found(pooled)[0]


@pytest.mark.parametrize(("n", "exponent"), [(1, 1.0), (2, 1.2915), (1000, 1.7315)])
def test_the_exponent_grows_with_the_number_of_answers(n, exponent):
    pooled = found(extremised_pool(one([0.6] * n)))[0]
    assert np.log(pooled / (1 - pooled)) / np.log(1.5) == pytest.approx(exponent, abs=1e-3)


def test_the_exponent_that_gold_teaches_is_a_logistic_regression():
    generator = np.random.default_rng(10)
    odds = generator.normal(size=300)
    came = generator.random(300) < 1 / (1 + np.exp(-2.5 * odds))
    values = 1 / (1 + np.exp(-(odds[:, None] + generator.normal(size=(300, 3)) / 5)))
    pooled = found(log_pool(long(values)))
    expected = Logit(came.astype(float), np.log(pooled / (1 - pooled))[:, None]).fit(disp=0).params[0]
    name = extremised_pool(long(values), gold={"task": range(300), "score": came}).method
    assert name == f"extremised pool (exponent {expected:.4g}, taught by gold)"


@pytest.mark.parametrize(
    ("came", "why"), [([1, 1], "it errs on none to speak of"), ([0, 0], "right more often than not")]
)
def test_gold_that_cannot_teach_an_exponent_says_why(came, why):
    with pytest.raises(InvalidInput, match=why):
        extremised_pool(long([[0.8, 0.9], [0.7, 0.8]]), gold={"task": [0, 1], "score": came})


def forecasts(seed=0, n=400):
    generator = np.random.default_rng(seed)
    values = generator.beta(2, 2, size=(n, 2))
    came = (generator.random(n) < values[:, 0]).astype(int)
    return values, came


def test_brier_scores_are_those_of_scikit_learn_and_their_parts_add_up():
    values, came = forecasts()
    frame = brier_score(long(values), {"task": range(400), "score": came}).experts
    assert frame["brier"].to_list() == pytest.approx([brier_score_loss(came, column) for column in values.T])
    whole = frame.select(
        pl.col("reliability") - pl.col("resolution") + pl.col("uncertainty") + pl.col("within")
    ).to_series()
    assert whole.to_list() == pytest.approx(frame["brier"].to_list())
    assert frame["uncertainty"].to_list() == pytest.approx([came.mean() * (1 - came.mean())] * 2)
    # the first said what came about, the second guessed
    assert frame["reliability"][0] < frame["reliability"][1]
    assert frame["resolution"][0] > frame["resolution"][1]
    assert frame["skill"][0] > 0 > frame["skill"][1]


def test_murphys_parts_of_probabilities_that_repeat_leave_nothing_within_bins():
    values = np.repeat([0.1, 0.7], 10)[:, None]
    came = np.array([0] * 9 + [1] + [1] * 6 + [0] * 4)
    row = brier_score(long(values), {"task": range(20), "score": came}).experts.row(0, named=True)
    share = came.mean()
    assert row["reliability"] == pytest.approx((0 + (0.7 - 0.6) ** 2) / 2)
    assert row["resolution"] == pytest.approx(((0.1 - share) ** 2 + (0.6 - share) ** 2) / 2)
    assert row["within"] == pytest.approx(0, abs=1e-12)


def test_bins_change_the_parts_and_not_the_score():
    values, came = forecasts()
    few, many = (
        brier_score(long(values), {"task": range(400), "score": came}, bins=n).experts for n in (1, 20)
    )
    assert few["brier"].equals(many["brier"])
    assert few["resolution"].to_list() == pytest.approx([0, 0])
    assert many["resolution"][0] > 0


def test_tasks_without_gold_and_silence_are_not_scored_and_show_in_the_counts():
    frame = {"task": [1, 2, 3, 1], "expert": list("aaab"), "score": [0.9, None, 0.2, 0.5]}
    found = brier_score(frame, {"task": [1, 2], "score": [True, False]}).experts
    assert found.select("expert", "scored", "answered", "asked").rows() == [("a", 1, 2, 3), ("b", 1, 1, 1)]
    assert found["brier"].to_list() == pytest.approx([0.01, 0.25])
    assert found["low"].to_list() == [None, None]


def test_the_interval_of_a_brier_score_covers():
    covered = 0
    for seed in range(100):
        values, came = forecasts(seed, n=100)
        row = brier_score(long(values), {"task": range(100), "score": came}).experts.row(0, named=True)
        covered += row["low"] <= 0.2 <= row["high"]  # the mean of p (1 - p) under Beta(2, 2)
    assert covered >= 90


@pytest.mark.parametrize(
    ("gold", "why"),
    [
        ({"task": [0]}, "score is missing"),
        ({"task": [9], "score": [1]}, "Gold holds 1 tasks that nobody was asked, the first is 9"),
        ({"task": [0, 0], "score": [1, 1]}, "task 0 stands more than once"),
        ({"task": ["0"], "score": [1]}, "one type in column 'task'"),
        ({"task": [0], "score": [float("inf")]}, "task 0 has inf"),
        ({"task": [0], "score": [0.5]}, "0 or 1; task 0 has 0.5"),
        ({"task": [0], "score": ["yes"]}, "'score' must hold numbers"),
    ],
)
def test_gold_that_cannot_be_used_says_why(gold, why):
    with pytest.raises(InvalidFrame, match=why):
        brier_score(one([0.2, 0.4]), gold)
