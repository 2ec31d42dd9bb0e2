"""One contract for every function that takes a frame: a sentence that names column, row and remedy."""

import re

import pandas as pd
import polars as pl
import pytest

from consilience import aggregate, agreement
from consilience.errors import InvalidFrame

GOLD = {"task": [1, 2], "score": [1, 0]}
LABELS = {
    "krippendorff_alpha": agreement.krippendorff_alpha,
    "krippendorff_alpha, ordinal": lambda frame: agreement.krippendorff_alpha(frame, "ordinal"),
    "cohen_kappa": agreement.cohen_kappa,
    "fleiss_kappa": agreement.fleiss_kappa,
    "conger_kappa": agreement.conger_kappa,
    "gwet_ac1": agreement.gwet_ac1,
    "gwet_ac2": agreement.gwet_ac2,
    "brennan_prediger": agreement.brennan_prediger,
    "majority": aggregate.majority,
    "weighted_majority": lambda frame: aggregate.weighted_majority(frame, {"a": 1, "b": 1}),
    "dawid_skene": aggregate.dawid_skene,
    "one_coin_dawid_skene": aggregate.one_coin_dawid_skene,
    "glad": aggregate.glad,
    "mace": aggregate.mace,
}
SCORES = {
    "icc": agreement.icc,
    "kendall_w": agreement.kendall_w,
    "kendall_tau_b": agreement.kendall_tau_b,
    "median": aggregate.median,
    "trimmed_mean": aggregate.trimmed_mean,
    "huber_mean": aggregate.huber_mean,
    "inverse_variance": aggregate.inverse_variance,
    "bias_and_scale": aggregate.bias_and_scale,
    "delphi_stop": lambda frame: aggregate.delphi_stop([frame], agreed=1),
}
PROBABILITIES = {
    "log_pool": aggregate.log_pool,
    "extremised_pool": aggregate.extremised_pool,
    "brier_score": lambda frame: aggregate.brier_score(frame, GOLD),
}
SETS = {"set_alpha": agreement.set_alpha}
TEXTS = {
    method.__name__: method
    for method in (
        aggregate.medoid,
        aggregate.self_consistency,
        aggregate.semantic_entropy,
        aggregate.text_clusters,
    )
}
RANKINGS = {
    method.__name__: method
    for method in (
        aggregate.borda,
        aggregate.copeland,
        aggregate.schulze,
        aggregate.kemeny,
        aggregate.bradley_terry,
        aggregate.plackett_luce,
        aggregate.rrf,
    )
}
KINDS = {
    "label": (LABELS, [1, 2, 1, 1]),
    "score": (SCORES | PROBABILITIES, [0.1, 0.2, 0.3, 0.4]),
    "text": (TEXTS, ["Shard it", "Shard it", "Wait", "Add an index"]),
    "items": (SETS, [["x"], ["y"], ["x"], ["x"]]),
    "ranking": (RANKINGS, [["x", "y"], ["y", "x"], ["x", "y"], ["x", "y"]]),
}
CASES = [
    pytest.param(method, column, values, id=name)
    for column, (methods, values) in KINDS.items()
    for name, method in methods.items()
]
every = pytest.mark.parametrize(("method", "column", "values"), CASES)


def good(column, values):
    return {"task": [1, 1, 2, 2], "expert": list("abab"), column: list(values)}


def refused(method, frame, *parts):
    with pytest.raises(InvalidFrame) as caught:
        method(frame)
    said = str(caught.value)
    for part in parts:
        assert part in said
    # what to do about it stands at the end
    assert re.search(r": (make|drop|cast|rename|keep|add|divide|merge|use|split)", said), said


def named_of_these(module):
    return {name for name in module.__all__ if name[0].islower()}


def test_the_contract_holds_for_every_public_function():
    covered = {name.split(",")[0] for methods, _ in KINDS.values() for name in methods}
    assert named_of_these(agreement) - {
        "one_question",
        "one_ranking",
        "one_score",
        "pairwise",
    } == covered & named_of_these(agreement)
    assert named_of_these(aggregate) == covered & named_of_these(aggregate)


@every
def test_a_good_frame_is_taken(method, column, values):
    assert method(good(column, values)) is not None


@every
@pytest.mark.parametrize("missing", ["task", "expert", "value"])
def test_a_missing_column_is_named_with_what_is_there(method, column, values, missing):
    name = column if missing == "value" else missing
    frame = {key: each for key, each in good(column, values).items() if key != name}
    refused(method, frame, name, ", ".join(frame), "rename with frame.rename")


@every
def test_what_is_no_frame_is_named(method, column, values):
    with pytest.raises(InvalidFrame, match=r"frame is required, a builtins\.(list|int) came"):
        method([1, 2])


@every
@pytest.mark.parametrize("name", ["task", "expert"])
def test_a_null_name_says_where(method, column, values, name):
    frame = good(column, values)
    frame[name][2] = None
    refused(method, frame, f"Column {name!r} must be filled, row 2 is null")


@every
def test_an_expert_who_answered_twice_is_named_with_the_rows(method, column, values):
    frame = good(column, values)
    frame["expert"][1] = "a"
    refused(method, frame, "'a' has more than one row for task 1 (rows 0, 1 of columns 'task' and 'expert')")


@every
@pytest.mark.parametrize("make", [dict, pd.DataFrame], ids=["columns", "pandas"])
def test_values_of_several_types_say_which_row(method, column, values, make):
    frame = good(column, values)
    frame["expert"] = ["a", "b", "a", 7]
    refused(
        method, make(frame), "column 'expert' must hold values of one type, row 3 holds int and row 0 str"
    )


@pytest.mark.parametrize("method", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("make", [dict, pd.DataFrame], ids=["columns", "pandas"])
def test_labels_of_mixed_types_say_which_row(method, make):
    frame = make(good("label", [1, "x", 2, 2]))
    refused(method, frame, "column 'label' must hold values of one type, row 1 holds str and row 0 int")


@pytest.mark.parametrize("method", LABELS.values(), ids=LABELS)
def test_a_label_that_is_no_number_but_nan_says_which_row(method):
    frame = pl.DataFrame(good("label", [1.0, 2.0, float("nan"), 1.0]))
    refused(method, frame, "row 2 of column 'label' holds nan")


@pytest.mark.parametrize("method", [*SCORES.values(), *PROBABILITIES.values()], ids=[*SCORES, *PROBABILITIES])
@pytest.mark.parametrize("odd", ["nan", "inf", "-inf"])
def test_a_score_that_is_not_finite_says_which_row(method, odd):
    frame = good("score", [0.1, 0.2, float(odd), 0.4])
    refused(method, frame, f"must be finite, row 2 of column 'score' holds {odd}")


@pytest.mark.parametrize("method", [*SCORES.values(), *PROBABILITIES.values()], ids=[*SCORES, *PROBABILITIES])
def test_scores_that_are_text_say_so(method):
    refused(method, good("score", list("abcd")), "Column 'score' must hold numbers, it holds String")


@pytest.mark.parametrize("method", PROBABILITIES.values(), ids=PROBABILITIES)
@pytest.mark.parametrize("odd", [-0.1, 1.5, 40.0])
def test_a_probability_outside_0_to_1_says_which_row(method, odd):
    frame = good("score", [0.1, 0.2, 0.3, odd])
    refused(method, frame, f"lie from 0 to 1, row 3 of column 'score' holds {odd} ('b' on task 2)")


@pytest.mark.parametrize("method", RANKINGS.values(), ids=RANKINGS)
def test_a_ranking_that_cannot_be_used_says_which_row(method):
    lists = good("ranking", [["x", "y"], ["x", None], ["x"], ["y"]])
    refused(method, lists, "'b' ranks a null on task 1 (row 1 of column 'ranking')")
    lists["ranking"][1] = ["x", "y", "x"]
    refused(method, lists, "'b' has 'x' twice on task 1 (row 1 of column 'ranking')")
    long = {"task": [1, 1], "expert": ["a", "a"], "item": ["x", "x"], "rank": [1, 2]}
    refused(method, long, "'a' has 'x' twice on task 1 (row 1 of column 'item')")
    refused(
        method, long | {"item": ["x", "y"], "rank": [1.0, float("inf")]}, "row 1 of column 'rank' holds inf"
    )


def test_a_set_that_cannot_be_used_says_which_row():
    refused(
        agreement.set_alpha, good("items", [["x"], [None], ["x"], []]), "row 1 of column 'items' holds a null"
    )
    refused(
        agreement.set_alpha, good("items", list("abcd")), "Column 'items' must hold lists, it holds String"
    )
