"""Every coefficient beside published figures and other programs."""

from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
import pingouin
import polars as pl
import pytest
from nltk.metrics import jaccard_distance
from nltk.metrics.agreement import AnnotationTask
from scipy.stats import kendalltau
from statsmodels.stats import inter_rater
from statsmodels.stats.tests.test_inter_rater import diagnoses

from consilience.agreement import (
    brennan_prediger,
    cohen_kappa,
    conger_kappa,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac2,
    icc,
    kendall_tau_b,
    kendall_w,
    krippendorff_alpha,
    set_alpha,
)
from consilience.errors import InvalidFrame, InvalidInput

REFERENCE = Path(__file__).parents[1] / "reference"
TABLES = {
    "krippendorff_c": pl.read_csv(REFERENCE / "krippendorff_c.csv").rename(
        {"unit": "task", "observer": "expert", "value": "label"}
    ),
    "diagnoses": pl.DataFrame(
        {
            "task": np.repeat(np.arange(30), 6),
            "expert": np.tile(np.arange(6), 30),
            "label": np.asarray(diagnoses).ravel(),
        }
    ),
}
IRRCAC = pl.read_csv(REFERENCE / "irrcac.csv")
NAMES = {"fleiss": fleiss_kappa, "gwet": gwet_ac2, "bp": brennan_prediger, "conger": conger_kappa}
# P. E. Shrout and J. L. Fleiss, Psychological Bulletin 86 (1979), table 2: six targets, four judges.
SHROUT = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
SHROUT_ICC = {"1,1": 0.17, "2,1": 0.29, "3,1": 0.71, "1,k": 0.44, "2,k": 0.62, "3,k": 0.91}


def table(scores, value="score"):
    """Return a long frame of tasks by experts; nan is missing."""
    scores = np.asarray(scores)
    n, k = scores.shape
    columns = {
        "task": np.repeat(np.arange(n), k),
        "expert": np.tile([f"e{j}" for j in range(k)], n),
        value: scores.ravel(),
    }
    frame = pl.DataFrame(columns)
    return frame.with_columns(pl.col(value).fill_nan(None)) if scores.dtype.kind == "f" else frame


def scores(seed, n=40, k=4, levels=None):
    generator = np.random.default_rng(seed)
    found = generator.normal(size=(n, 1)) + generator.normal(size=(n, k)) + np.arange(k) / 3
    return found if levels is None else np.clip(np.round(found * levels / 4 + levels / 2), 0, levels)


@pytest.mark.parametrize("row", IRRCAC.to_dicts(), ids=lambda row: "-".join([*row.values()][:3]))
def test_what_irrcac_says(row):
    frame = TABLES[row["table"]]
    if row["coefficient"] == "krippendorff":
        level = {"identity": "nominal", "quadratic": "interval"}[row["weights"]]
        found = krippendorff_alpha(frame, level)
    else:
        method = NAMES[row["coefficient"]]
        found = method(frame, weights=row["weights"], labels=[1, 2, 3, 4, 5])
    assert found.value == pytest.approx(row["value"], abs=1e-5)
    if row["table"] == "diagnoses":  # 30 tasks; the other has 12, too few for the two to be near
        assert found.standard_error == pytest.approx(row["standard_error"], rel=0.15)


def test_fleiss_published_kappa_of_the_diagnoses():
    assert round(fleiss_kappa(TABLES["diagnoses"], draws=0).value, 4) == 0.4302


def test_ac1_is_ac2_without_weights():
    for frame in TABLES.values():
        assert gwet_ac1(frame).value == gwet_ac2(frame, weights="identity").value


@pytest.mark.parametrize("weights", ["identity", "linear", "quadratic"])
@pytest.mark.parametrize("seed", range(3))
def test_cohens_kappa_and_its_standard_error_are_those_of_statsmodels(weights, seed):
    labels = scores(seed, n=400, k=2, levels=4).astype(int)
    counts = np.zeros((5, 5), dtype=int)
    np.add.at(counts, (labels[:, 0], labels[:, 1]), 1)
    expected = inter_rater.cohens_kappa(counts, wt=None if weights == "identity" else weights)
    found = cohen_kappa(table(labels, "label"), weights=weights)
    assert found.value == pytest.approx(expected.kappa, abs=1e-9)
    assert found.standard_error == pytest.approx(expected.std_kappa, rel=0.1)
    assert (found.low, found.high) == pytest.approx((expected.kappa_low, expected.kappa_upp), abs=0.02)


def test_labels_as_text_are_weighed_by_their_place_on_a_scale_that_is_named():
    numbers = table(scores(1, levels=4, k=3).astype(int), "label")
    scale = ["worst", "bad", "so-so", "good", "best"]
    words = numbers.with_columns(pl.col("label").replace_strict(dict(enumerate(scale))))
    assert gwet_ac2(words, labels=scale) == gwet_ac2(numbers, labels=range(5))
    ordered = words.with_columns(pl.col("label").cast(pl.Enum(scale)))
    assert fleiss_kappa(ordered, weights="linear").value == pytest.approx(
        fleiss_kappa(numbers, weights="linear").value
    )
    with pytest.raises(InvalidInput, match=r"need an order, .* name the scale from low to high with labels="):
        fleiss_kappa(words, weights="linear")


def test_numbers_are_weighed_by_how_far_they_lie_apart_not_by_their_place():
    near = {"task": [1, 1, 2, 2, 3, 3], "expert": list("ab") * 3, "label": [1, 2, 9, 9, 1, 1]}
    far = near | {"label": [1, 5, 9, 9, 1, 1]}
    assert cohen_kappa(near, weights="linear").value > cohen_kappa(far, weights="linear").value


def test_a_label_that_nobody_gave_counts_where_chance_is_one_in_so_many():
    frame = {"task": [1, 1, 2, 2], "expert": list("ab") * 2, "label": list("xxyx")}
    assert brennan_prediger(frame).value == pytest.approx((0.5 - 1 / 2) / (1 - 1 / 2))
    assert brennan_prediger(frame, labels=list("xyz")).value == pytest.approx((0.5 - 1 / 3) / (1 - 1 / 3))
    with pytest.raises(InvalidFrame, match="row 2 of column 'label' holds 'y'"):
        brennan_prediger(frame, labels=["x", "z"])
    with pytest.raises(InvalidInput, match="names each label of the scale once"):
        brennan_prediger(frame, labels=["x", "x"])


def test_cohens_kappa_of_two_among_more_experts_leaves_out_what_they_did_not_share():
    frame = TABLES["krippendorff_c"]
    found = cohen_kappa(frame, experts=("A", "C"))
    alone = frame.filter(pl.col("expert").is_in(["A", "C"]))
    assert found.value == cohen_kappa(alone).value
    assert (found.n_tasks, found.n_experts, found.left_out) == (8, 2, 4)
    assert found.explain().endswith("; 4 tasks left out for want of answers.")
    with pytest.raises(InvalidInput, match="compares two experts, 4 came"):
        cohen_kappa(frame)
    with pytest.raises(InvalidInput, match="experts names two experts of column 'expert'"):
        cohen_kappa(frame, experts=("A", "Z"))


@pytest.mark.parametrize("form", SHROUT_ICC)
def test_the_published_intraclass_correlations(form):
    assert round(icc(table(SHROUT), form, draws=0).value, 2) == SHROUT_ICC[form]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pingouin's own use of pandas
def test_intraclass_correlations_are_those_of_pingouin(seed):
    given = scores(seed)
    long = pd.DataFrame(table(given).to_dict(as_series=False))
    expected = pingouin.intraclass_corr(long, targets="task", raters="expert", ratings="score")
    for form, value in zip(("1,1", "2,1", "3,1", "1,k", "2,k", "3,k"), expected["ICC"], strict=True):
        assert icc(table(given), form, draws=0).value == pytest.approx(value, abs=1e-9)


def test_large_numbers_close_together_keep_their_digits():
    given = scores(5)
    moved = icc(table(given + 1e9), draws=0).value
    assert moved == pytest.approx(icc(table(given), draws=0).value, abs=1e-6)
    far, near = (
        krippendorff_alpha(table(each, "label"), "interval", draws=0).value for each in (given + 1e9, given)
    )
    assert far == pytest.approx(near, abs=1e-6)


@pytest.mark.parametrize("levels", [None, 4])
@pytest.mark.parametrize("seed", range(3))
def test_tau_b_is_that_of_scipy(seed, levels):
    given = scores(seed, n=60, k=2, levels=levels)
    found = kendall_tau_b(table(given))
    assert found.value == pytest.approx(kendalltau(*given.T).statistic, abs=1e-12)
    generator = np.random.default_rng(seed)
    plain = [kendalltau(*given[generator.integers(0, 60, 60)].T).statistic for _ in range(400)]
    assert found.standard_error == pytest.approx(np.std(plain), rel=0.15)


def test_tau_b_of_many_tasks_is_that_of_scipy_and_so_is_its_standard_error():
    given = scores(4, n=3000, k=2, levels=200)
    found = kendall_tau_b(table(given), draws=300)
    assert found.value == pytest.approx(kendalltau(*given.T).statistic, abs=1e-12)
    generator = np.random.default_rng(1)
    plain = [kendalltau(*given[generator.integers(0, 3000, 3000)].T).statistic for _ in range(300)]
    assert found.standard_error == pytest.approx(np.std(plain), rel=0.2)


def test_w_without_ties_is_the_mean_of_spearmans_correlations():
    given = scores(2, n=30, k=3)
    ranks = given.argsort(axis=0).argsort(axis=0)
    rho = np.corrcoef(ranks.T)[np.triu_indices(3, 1)].mean()
    found = kendall_w(table(given))
    assert (3 * found.value - 1) / 2 == pytest.approx(rho, abs=1e-12)
    assert found.chance == pytest.approx(1 / 3)


def test_w_with_ties_is_the_published_one():
    # S. Siegel, Nonparametric Statistics, 1956, chapter 9: three rankings of ten with ties, W .828
    given = np.array([[1, 4.5, 2, 4.5, 3, 7.5, 6, 9, 7.5, 10], [2.5, 1, 2.5, 4.5, 4.5, 8, 9, 6.5, 10, 6.5]])
    third = [2, 1, 4.5, 4.5, 4.5, 4.5, 8, 8, 8, 10]
    assert round(kendall_w(table(np.vstack([given, third]).T), draws=0).value, 3) == 0.828


def test_the_bootstrap_of_w_ranks_the_drawn_tasks_anew():
    given = scores(3, n=50, k=3, levels=6)
    found = kendall_w(table(given))
    generator = np.random.default_rng(0)
    plain = [kendall_w(table(given[generator.integers(0, 50, 50)]), draws=0).value for _ in range(200)]
    assert found.standard_error == pytest.approx(np.std(plain), rel=0.2)


def test_the_bootstrap_of_w_over_many_tasks_is_as_wide_as_ranking_anew():
    for levels in (None, 30):
        given = scores(6, n=5000, k=3, levels=levels)
        found = kendall_w(table(given), draws=400)
        generator = np.random.default_rng(0)
        plain = [
            kendall_w(table(given[generator.integers(0, 5000, 5000)]), draws=0).value for _ in range(150)
        ]
        assert found.standard_error == pytest.approx(np.std(plain), rel=0.15)
        assert (found.low + found.high) / 2 == pytest.approx(found.value, abs=found.standard_error / 2)


def test_the_bootstrap_over_very_many_tasks_is_as_wide_as_theory_says():
    # two experts whose scores have the correlation 1/2: the standard error of ICC(3,1) is (1 - r^2) / sqrt(n)
    generator = np.random.default_rng(0)
    given = generator.normal(size=(40_000, 1)) + generator.normal(size=(40_000, 2))
    found = icc(table(given), "3,1", draws=500)
    assert found.standard_error == pytest.approx(0.75 / 200, rel=0.1)
    assert found.low < 0.5 < found.high


def sets(seed, n=40, k=3):
    generator = np.random.default_rng(seed)
    rows = []
    for task in range(n):
        base = set(generator.choice(6, 2, replace=False))
        for expert in range(k):
            own = {item for item in base if generator.random() < 0.8} | set(generator.choice(6, 1))
            rows.append((task, f"e{expert}", [f"i{item}" for item in sorted(own)]))
    return pl.DataFrame(rows, schema=["task", "expert", "items"], orient="row")


@pytest.mark.parametrize("seed", range(3))
def test_alpha_of_sets_with_jaccard_distance_is_that_of_nltk(seed):
    frame = sets(seed)
    data = [(expert, task, frozenset(items)) for task, expert, items in frame.iter_rows()]
    expected = AnnotationTask(data=data, distance=jaccard_distance).alpha()
    assert set_alpha(frame, "jaccard", draws=0).value == pytest.approx(expected, abs=1e-9)


def masi(first, second):
    """Return the distance of Passonneau's paper."""
    shared = len(first & second)
    held = 1 if first == second else 2 / 3 if shared == min(len(first), len(second)) else 1 / 3 * (shared > 0)
    return 1 - held * shared / len(first | second)


def test_alpha_of_sets_with_masi_distance_is_that_of_krippendorff_with_the_distance_put_in():
    frame = sets(7)
    domain = sorted({frozenset(items) for items in frame["items"]}, key=sorted)
    code = [domain.index(frozenset(items)) for items in frame["items"]]
    matrix = np.array(code).reshape(-1, 3).T
    distances = np.array([[masi(first, second) for second in domain] for first in domain])
    expected = krippendorff.alpha(
        matrix.astype(float),
        level_of_measurement=lambda v1, v2, **_: distances[v1.astype(int), v2.astype(int)],
    )
    assert set_alpha(frame, draws=0).value == pytest.approx(expected, abs=1e-9)


def test_alpha_of_sets_of_one_is_nominal_alpha():
    frame = TABLES["diagnoses"]
    alone = frame.select("task", "expert", items=pl.concat_list("label"))
    assert set_alpha(alone).value == pytest.approx(krippendorff_alpha(frame).value, abs=1e-12)


def test_order_and_repetition_in_a_set_do_not_matter_and_an_empty_one_is_an_answer():
    frame = {
        "task": [1, 1, 2, 2, 3, 3],
        "expert": list("ab") * 3,
        "items": [["x", "y"], ["y", "x", "y"], [], [], ["z"], None],
    }
    found = set_alpha(frame)
    assert found.value == 1
    assert (found.n_tasks, found.left_out) == (2, 1)
    assert set_alpha(frame | {"items": [["x"], ["x"], [], ["x"], ["z"], None]}).value < 1


def test_sets_that_cannot_be_used_say_why():
    frame = {"task": [1, 1], "expert": list("ab"), "items": [["x"], ["y", None]]}
    with pytest.raises(InvalidFrame, match="row 1 of column 'items' holds a null"):
        set_alpha(frame)
    with pytest.raises(InvalidFrame, match="must hold lists, it holds String"):
        set_alpha(frame | {"items": ["x", "y"]})
    many = pl.DataFrame(
        {"task": np.repeat(range(2100), 2), "expert": ["a", "b"] * 2100, "items": [[i] for i in range(4200)]}
    )
    with pytest.raises(InvalidInput, match="at most 4,096"):
        set_alpha(many)
    with pytest.raises(InvalidInput, match="distance is one of masi, jaccard, 'cosine' came"):
        set_alpha(frame, "cosine")


@pytest.mark.parametrize(
    ("method", "option"),
    [
        (fleiss_kappa, {"weights": "cubic"}),
        (cohen_kappa, {"confidence": 0}),
        (gwet_ac1, {"draws": -1}),
        (set_alpha, {"confidence": 2}),
    ],
)
def test_options_outside_their_range_are_refused(method, option):
    frame = {"task": [1, 1], "expert": list("ab"), "label": [1, 2], "items": [["x"], ["y"]]}
    with pytest.raises(InvalidInput, match=next(iter(option))):
        method(frame, **option)


@pytest.mark.parametrize("form", ["1", "4,1", "k"])
def test_another_form_of_intraclass_correlation_is_refused(form):
    with pytest.raises(InvalidInput, match="form is one of 1,1, 2,1"):
        icc(table(SHROUT), form)


def test_tasks_that_some_expert_did_not_score_are_left_out_and_counted():
    given = scores(0, n=20)
    given[[3, 7], [0, 2]] = np.nan
    kept = np.delete(given, [3, 7], axis=0)
    for method in (icc, kendall_w):
        found = method(table(given))
        assert found.value == pytest.approx(method(table(kept)).value)
        assert (found.n_tasks, found.left_out) == (18, 2)


def test_three_opposed_signs_of_order():
    rising = [[1, 1], [2, 2], [3, 3]]
    falling = [[1, 3], [2, 2], [3, 1]]
    assert kendall_tau_b(table(rising)).value == 1
    assert kendall_tau_b(table(falling)).value == -1
    assert kendall_w(table(falling)).value == 0
    level = kendall_tau_b(table([[1, 5], [2, 5], [3, 5]]))
    assert "an expert gave every task the same score" in level.explain()
