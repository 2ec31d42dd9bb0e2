"""What must hold for any scores: order, names, shifts, scale and bounds."""

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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

CENTRES = [median, trimmed_mean, huber_mean, inverse_variance]
POOLS = [log_pool, extremised_pool]
FEW = settings(max_examples=20)
SCORES = st.lists(
    st.lists(st.one_of(st.none(), st.integers(0, 100).map(lambda n: n / 100)), min_size=1, max_size=7),
    min_size=1,
    max_size=6,
)


def long(tasks):
    rows = [(f"t{t}", f"e{e}", score) for t, scores in enumerate(tasks) for e, score in enumerate(scores)]
    schema = {"task": pl.String, "expert": pl.String, "score": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def estimates(pooled):
    return pooled.estimates.sort("task")["estimate"].fill_null(-9.0).to_list()


@FEW
@given(tasks=SCORES, seed=st.integers(0, 99))
@pytest.mark.parametrize("method", [*CENTRES, *POOLS])
def test_the_order_of_rows_changes_no_number(method, tasks, seed):
    frame = long(tasks)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    first, second = (method(each).estimates.sort("task") for each in (frame, shuffled))
    assert first.equals(second)


@FEW
@given(tasks=SCORES)
@pytest.mark.parametrize("method", [*CENTRES, *POOLS])
def test_names_change_nothing(method, tasks):
    frame = long(tasks)
    renamed = frame.with_columns(
        pl.col("expert").str.replace("e", "").cast(pl.Int64).neg(), pl.col("task").str.replace("t", "u")
    )
    assert estimates(method(frame)) == pytest.approx(estimates(method(renamed)), abs=1e-7)


@FEW
@given(tasks=SCORES)
@pytest.mark.parametrize("method", CENTRES)
def test_an_estimate_lies_among_the_answers_and_inside_its_interval(method, tasks):
    answers = long(tasks).group_by("task").agg(low=pl.col("score").min(), high=pl.col("score").max())
    rows = method(long(tasks)).estimates.join(answers, on="task", suffix="_answer").drop_nulls("estimate")
    for row in rows.iter_rows(named=True):
        assert row["low_answer"] - 1e-9 <= row["estimate"] <= row["high_answer"] + 1e-9
        if row["low"] is not None:
            assert row["low"] <= row["estimate"] <= row["high"]
        assert (row["spread"] is None) == (row["answered"] < 2)


@FEW
@given(tasks=SCORES, shift=st.integers(-50, 50), scale=st.sampled_from([0.5, 2.0, 8.0]))
@pytest.mark.parametrize("method", CENTRES)
def test_scores_moved_and_stretched_move_and_stretch_the_estimates(method, tasks, shift, scale):
    moved = [[None if score is None else score * scale + shift for score in scores] for scores in tasks]
    plain = method(long(tasks)).estimates.sort("task")["estimate"].to_list()
    found = method(long(moved)).estimates.sort("task")["estimate"].to_list()
    for before, after in zip(plain, found, strict=True):
        assert (before is None) == (after is None)
        if before is not None:
            assert after == pytest.approx(before * scale + shift, abs=1e-5)


@FEW
@given(tasks=SCORES)
@pytest.mark.parametrize("method", POOLS)
def test_the_opposite_event_has_the_rest_of_the_probability(method, tasks):
    opposite = [[None if score is None else 1 - score for score in scores] for scores in tasks]
    pooled, other = (method(long(each)).estimates.sort("task")["estimate"] for each in (tasks, opposite))
    for p, q in zip(pooled, other, strict=True):
        assert (p is None and q is None) or math.isclose(p + q, 1, abs_tol=1e-9)


@FEW
@given(n=st.integers(1, 6), score=st.integers(1, 99).map(lambda n: n / 100))
def test_experts_who_say_the_same_are_followed_and_extremised(n, score):
    frame = long([[score] * n])
    for method in [*CENTRES, log_pool]:
        assert method(frame).estimates["estimate"].item() == pytest.approx(score)
    surer = extremised_pool(frame).estimates["estimate"].item()
    assert abs(surer - 0.5) >= abs(score - 0.5) - 1e-12


@FEW
@given(tasks=SCORES)
def test_a_copied_expert_has_the_same_bias_and_the_same_brier_score(tasks):
    frame = long(tasks)
    copied = pl.concat([frame, frame.filter(expert="e0").with_columns(expert=pl.lit("copy"))])
    gold = frame.select("task").unique().with_columns(score=pl.col("task").hash() % 2)
    for table in (brier_score(copied, gold).experts, bias_and_scale(copied, gold=gold).experts):
        first, second = (table.filter(expert=name).drop("expert") for name in ("e0", "copy"))
        assert first.equals(second)


@FEW
@given(tasks=SCORES)
def test_brier_scores_and_their_parts_lie_from_0_to_1(tasks):
    gold = long(tasks).select("task").unique().with_columns(score=pl.col("task").hash() % 2)
    table = brier_score(long(tasks), gold).experts
    for name in ("brier", "low", "high", "reliability", "resolution", "uncertainty"):
        assert table[name].drop_nulls().is_between(-1e-12, 1 + 1e-12).all()
