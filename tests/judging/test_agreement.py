import math
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from consilience.agreement import krippendorff_alpha, one_question
from consilience.errors import InvalidFrame, InvalidInput

RELIABILITY = pl.read_csv(Path(__file__).parents[1] / "reference" / "krippendorff_c.csv").rename(
    {"unit": "task", "observer": "expert", "value": "label"}
)
PUBLISHED = {"nominal": 0.7434, "ordinal": 0.8154, "interval": 0.8491, "ratio": 0.7974}


@pytest.mark.parametrize("level", PUBLISHED)
def test_the_published_reliability_data_to_four_digits(level):
    found = krippendorff_alpha(RELIABILITY, level)
    assert round(found.value, 4) == PUBLISHED[level]
    assert found.low < found.value <= found.high
    assert (found.n_tasks, found.n_experts) == (11, 4)


@pytest.mark.parametrize("level", PUBLISHED)
def test_the_krippendorff_package_agrees_on_random_data(level):
    generator = np.random.default_rng(7)
    for _ in range(20):
        table = generator.integers(1, 5, size=(4, 30)).astype(float)
        table[generator.random(table.shape) < 0.2] = np.nan
        frame = pl.DataFrame(
            {"task": np.tile(np.arange(30), 4), "expert": np.repeat(np.arange(4), 30), "label": table.ravel()}
        ).with_columns(pl.col("label").fill_nan(None))
        expected = krippendorff.alpha(table, level_of_measurement=level)
        assert krippendorff_alpha(frame, level, draws=0).value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "convert",
    [
        lambda f: f,
        lambda f: f.lazy(),
        lambda f: f.to_arrow(),
        lambda f: pd.DataFrame(f.to_dict(as_series=False)),
    ],
)
def test_polars_pandas_and_arrow_frames_are_taken(convert):
    assert round(krippendorff_alpha(convert(RELIABILITY), draws=0).value, 4) == 0.7434


def test_arrow_is_what_the_conversion_gives():
    assert isinstance(RELIABILITY.to_arrow(), pa.Table)


def test_unanimity_over_different_tasks_is_one_and_opposition_is_below_zero():
    agree = {"task": [1, 1, 2, 2], "expert": list("abab"), "label": list("xxyy")}
    oppose = {"task": [1, 1, 2, 2], "expert": list("abab"), "label": list("xyyx")}
    assert krippendorff_alpha(agree).value == 1
    assert krippendorff_alpha(oppose).value < 0


def test_guessing_is_zero_within_the_interval():
    generator = np.random.default_rng(3)
    frame = {
        "task": np.repeat(np.arange(400), 3),
        "expert": np.tile(np.arange(3), 400),
        "label": generator.integers(0, 3, 1200),
    }
    found = krippendorff_alpha(frame)
    assert found.low < 0 < found.high
    assert "not told apart from chance" in found.explain()


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ({"task": [1, 1], "expert": ["a", "b"], "label": ["x", "x"]}, "no variation"),
        ({"task": [1, 2], "expert": ["a", "b"], "label": ["x", "y"]}, "no task has two answers"),
    ],
)
def test_an_undefined_alpha_says_why(frame, why):
    found = krippendorff_alpha(frame)
    assert math.isnan(found.value)
    assert why in found.explain()
    assert "nan" not in str(found)


def test_the_interval_is_the_same_every_time_and_moves_with_its_options():
    first = krippendorff_alpha(RELIABILITY)
    assert krippendorff_alpha(RELIABILITY) == first
    assert krippendorff_alpha(RELIABILITY, seed=1).low != first.low
    narrow = krippendorff_alpha(RELIABILITY, confidence=0.5)
    assert first.low < narrow.low <= narrow.high <= first.high
    assert math.isnan(krippendorff_alpha(RELIABILITY, draws=0).low)


def test_the_bootstrap_over_patterns_is_the_bootstrap_over_tasks():
    generator = np.random.default_rng(11)
    truth = generator.integers(0, 3, 200)
    labels = np.where(generator.random((200, 4)) < 0.7, truth[:, None], generator.integers(0, 3, (200, 4)))
    frame = {
        "task": np.repeat(np.arange(200), 4),
        "expert": np.tile(np.arange(4), 200),
        "label": labels.ravel(),
    }
    found = krippendorff_alpha(frame, draws=2000)
    plain = [
        krippendorff.alpha(labels[generator.integers(0, 200, 200)].T, level_of_measurement="nominal")
        for _ in range(500)
    ]
    assert found.low == pytest.approx(np.quantile(plain, 0.025), abs=0.02)
    assert found.high == pytest.approx(np.quantile(plain, 0.975), abs=0.02)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ({"task": [1], "label": ["x"]}, "expert is missing"),
        ({"task": [1, 1], "expert": ["a", "a"], "label": ["x", "y"]}, "'a' has more than one row for task 1"),
        ({"task": [1, None], "expert": ["a", "a"], "label": ["x", "y"]}, "row 1 is null"),
        ([1, 2], "a builtins.list came"),
    ],
)
def test_a_frame_that_cannot_be_used_names_column_and_row(frame, why):
    with pytest.raises(InvalidFrame, match=why):
        krippendorff_alpha(frame)


def test_levels_that_need_numbers_say_so():
    words = {"task": [1, 1], "expert": ["a", "b"], "label": ["x", "y"]}
    with pytest.raises(InvalidFrame, match="needs numbers"):
        krippendorff_alpha(words, "interval")
    with pytest.raises(InvalidFrame, match="finite"):
        krippendorff_alpha(words | {"label": [1.0, float("nan")]}, "interval")
    with pytest.raises(InvalidFrame, match="negative"):
        krippendorff_alpha(words | {"label": [1.0, -1.0]}, "ratio")


@pytest.mark.parametrize("option", [{"level": "odd"}, {"confidence": 95}, {"draws": -1}])
def test_options_outside_their_range_are_refused(option):
    with pytest.raises(InvalidInput, match=next(iter(option))):
        krippendorff_alpha(RELIABILITY, **option)


def test_ordinal_alpha_of_very_many_values_is_as_wide_as_ranking_anew():
    generator = np.random.default_rng(0)
    labels = generator.normal(size=(2000, 1)) + generator.normal(size=(2000, 3))

    def frame(rows):
        n = len(rows)
        return pl.DataFrame(
            {"task": np.repeat(range(n), 3), "expert": np.tile(range(3), n), "label": rows.ravel()}
        )

    found = krippendorff_alpha(frame(labels), "ordinal", draws=500)
    drawn = [labels[generator.integers(0, 2000, 2000)] for _ in range(150)]
    plain = [krippendorff_alpha(frame(each), "ordinal", draws=0).value for each in drawn]
    ranks = labels.ravel().argsort().argsort().reshape(labels.shape)
    assert found.value == pytest.approx(krippendorff_alpha(frame(ranks), "interval", draws=0).value)
    assert found.standard_error == pytest.approx(np.std(plain), rel=0.15)
    assert (found.low + found.high) / 2 == pytest.approx(np.mean(plain), abs=found.standard_error / 2)


def test_ratio_alpha_of_more_values_than_can_be_compared_says_what_to_do():
    frame = {"task": np.repeat(range(9000), 2), "expert": ["a", "b"] * 9000, "label": np.arange(1.0, 18001.0)}
    with pytest.raises(InvalidInput, match="18,000 different values and 1,000 draws came: round the values"):
        krippendorff_alpha(frame, "ratio")


def test_one_question_needs_two_answers():
    assert "fewer than two" in one_question((1, 0)).explain()


def test_one_question_is_brennan_and_predigers_kappa():
    assert one_question((3, 1)).value == pytest.approx((0.5 - 0.5) / 0.5)
    assert one_question((2, 1, 1)).value == pytest.approx((1 / 6 - 1 / 3) / (2 / 3))
    assert one_question((5, 0, 0)).value == 1


def test_a_coefficient_becomes_a_frame_and_html():
    found = krippendorff_alpha(RELIABILITY)
    assert found.to_polars()["value"][0] == found.value
    assert "<svg" in found._repr_html_()
