import itertools
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import silhouette_score

from consilience import agreement
from consilience.agreement.camps import camps, joins, silhouette
from consilience.errors import InvalidFrame, InvalidInput
from consilience.simulate import Planted, answers

CIRCLE = [*(Planted(name, 0.9) for name in "abcd"), Planted("z", 0.45)]


def planted(circle=CIRCLE, tasks=200, seed=0):
    return answers(circle, tasks=tasks, labels=["x", "y", "w"], seed=seed).answers


def distances(n, seed):
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(n, 3))
    return np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))


@pytest.mark.parametrize("function", ["krippendorff_alpha", "gwet_ac1", "fleiss_kappa", "conger_kappa"])
def test_a_pair_has_the_coefficient_of_the_frame_that_holds_the_two(function):
    frame, call = planted(), getattr(agreement, function)
    found = agreement.pairwise(frame, call, draws=100)
    for one, other in itertools.combinations(found.experts, 2):
        assert found.between(one, other) == call(
            frame.filter(pl.col("expert").is_in([one, other])), draws=100
        )


@given(st.integers(2, 9), st.integers(0, 10**6))
def test_groups_are_those_of_scipy(n, seed):
    distance = distances(n, seed)
    reached = {step.both for step in joins(distance)} | {(item,) for item in range(n)}
    tree = linkage(squareform(distance), "average")
    for k in range(1, n + 1):
        cut = fcluster(tree, k, "maxclust")
        groups = {frozenset(np.flatnonzero(cut == number).tolist()) for number in set(cut)}
        assert groups <= {frozenset(group) for group in reached}


@given(st.integers(3, 9), st.integers(0, 10**6))
def test_the_silhouette_is_that_of_scikit_learn(n, seed):
    distance = distances(n, seed)
    cut = np.random.default_rng(seed).integers(0, 2, n)
    cut[:2] = 0, 1
    groups = [tuple(np.flatnonzero(cut == number).tolist()) for number in (0, 1)]
    assert silhouette(distance, groups) == pytest.approx(
        silhouette_score(distance, cut, metric="precomputed")
    )


def test_camps_are_found_and_named():
    two = [Planted(name, 0.95) for name in "abc"]
    one = planted(two, seed=1)
    other = planted(two, seed=2).with_columns(pl.col("expert") + "2")
    found = agreement.pairwise(pl.concat([one, other]))
    assert {frozenset(camp) for camp in found.camps} == {frozenset("abc"), frozenset({"a2", "b2", "c2"})}
    assert found.outliers() == ()
    assert found.findings()[0].startswith("2 camps: ")


def test_a_large_camp_is_named_by_some_of_its_members():
    many = [Planted(f"expert {n}", 0.95) for n in range(9)]
    one = planted(many, seed=1)
    other = planted([Planted(name, 0.95) for name in "ab"], seed=2)
    said = agreement.pairwise(pl.concat([one, other]), draws=100).findings()[0]
    assert said.count("expert") == 6
    assert "and 3 more" in said


def test_experts_of_a_camp_stand_together_in_the_order():
    groups = camps(distances(9, 4))
    assert sorted(itertools.chain(*groups)) == list(range(9))


def test_who_agrees_with_nobody_is_named_with_the_figures():
    found = agreement.pairwise(planted())
    assert found.outliers() == ("z",)
    assert found.findings()[0].startswith("z stands apart: coefficients with the others are 0.17 on average")


@pytest.mark.parametrize("seed", range(5))
def test_equal_experts_are_one_camp_without_outliers(seed):
    found = agreement.pairwise(planted([Planted(name, 0.8) for name in "abcde"], 400, seed), draws=200)
    assert (len(found.camps), found.outliers(), found.findings()) == (1, (), ())


def test_the_order_of_the_rows_changes_nothing():
    frame = planted()
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=3)
    one, other = agreement.pairwise(frame, draws=50), agreement.pairwise(shuffled, draws=50)
    assert one.camps == other.camps
    assert one.matrix().equals(other.matrix())


def test_two_who_never_met_have_no_value_and_a_note():
    frame = {"task": [1, 1, 2, 2], "expert": ["a", "b", "a", "c"], "label": ["x", "x", "y", "x"]}
    found = agreement.pairwise(frame, draws=0)
    assert math.isnan(found.between("b", "c").value)
    assert found.matrix().filter(pl.col("expert") == "b")["c"].to_list() == [None]
    assert found.to_polars().filter(pl.col("tasks") == 0)["note"].to_list() == ["no task has two answers"]


def test_what_two_differ_on_is_a_table_of_their_answers():
    frame = {
        "task": [1, 1, 2, 2, 3, 3],
        "expert": ["a", "b"] * 3,
        "label": ["x", "y", "x", "x", None, "x"],
    }
    found = agreement.pairwise(frame, draws=0).differ("b", "a")
    assert found.rows() == [(1, "y", "x")]


def test_scores_that_differ_most_come_first():
    frame = {"task": [1, 1, 2, 2, 3, 3], "expert": ["a", "b"] * 3, "score": [1, 2, 5, 9, 4, 4]}
    found = agreement.pairwise(frame, agreement.icc, draws=0)
    assert found.differ("a", "b")["task"].to_list() == [2, 1]


def test_one_expert_has_nobody_to_be_compared_with():
    with pytest.raises(InvalidInput, match="2 to 100 experts are compared with each other, 1 came"):
        agreement.pairwise({"task": [1], "expert": ["a"], "label": ["x"]})


def test_an_expert_who_answers_twice_is_refused():
    with pytest.raises(InvalidFrame, match="has more than one row for task 1"):
        agreement.pairwise({"task": [1, 1, 1], "expert": ["a", "a", "b"], "label": ["x", "y", "x"]})


def test_an_unknown_expert_is_refused_by_name():
    found = agreement.pairwise(planted(), draws=0)
    with pytest.raises(InvalidInput, match="'nobody' came"):
        found.between("a", "nobody")
