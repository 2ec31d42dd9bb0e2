"""What the models of experts promise on frames of answers."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from consilience import kernels
from consilience.aggregate import dawid_skene, glad, mace, majority, one_coin_dawid_skene
from consilience.errors import InvalidFrame, InvalidInput

REFERENCE = Path(__file__).parents[1] / "reference" / "anaesthetists.csv"
MODELS = [dawid_skene, one_coin_dawid_skene, glad, mace]


@pytest.fixture(params=MODELS, ids=lambda model: model.__name__)
def model(request):
    return request.param


@pytest.fixture
def anaesthetists():
    return pl.read_csv(REFERENCE).select(
        pl.col("patient").alias("task"), pl.col("observer").alias("expert"), "label"
    )


def simulated(seed=0, n_tasks=300, n_experts=8, n_labels=3, each=5):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, n_labels, n_tasks)
    accuracy = np.linspace(0.4, 0.95, n_experts)
    expert = np.concatenate([generator.choice(n_experts, each, replace=False) for _ in range(n_tasks)])
    task = np.repeat(np.arange(n_tasks), each)
    off = generator.integers(1, n_labels, task.size)
    right = generator.random(task.size) < accuracy[expert]
    label = np.where(right, truth[task], (truth[task] + off) % n_labels)
    return pl.DataFrame({"task": task, "expert": expert, "label": label}), truth, accuracy


def test_the_published_figures_of_dawid_and_skene(anaesthetists):
    found = dawid_skene(anaesthetists, smoothing=0, replicates=True)
    priors = found.probabilities.group_by("label").agg(pl.col("probability").mean()).sort("label")
    assert priors["probability"].round(4).to_list() == [0.3996, 0.4220, 0.1118, 0.0667]
    assert round(found.log_likelihood, 4) == -192.8909
    assert found.converged


def test_votes_and_dawid_and_skene_differ_on_three_patients(anaesthetists):
    found = dawid_skene(anaesthetists, smoothing=0, replicates=True).answers
    tasks, labels = anaesthetists["task"] - 1, anaesthetists["label"] - 1
    votes = kernels.majority(tasks, labels, n_tasks=45, n_labels=4)
    different = found.filter(pl.Series(votes.winner) + 1 != pl.col("answer"))
    assert different["task"].to_list() == [2, 12, 36]


def test_readings_under_names_of_their_own_need_no_option(anaesthetists):
    named = anaesthetists.with_columns(
        pl.format("{}.{}", "expert", pl.int_range(pl.len()).over("task", "expert")).alias("expert")
    )
    assert dawid_skene(named).skills.height == 7


def test_an_expert_twice_on_a_task_is_refused_unless_said(model, anaesthetists):
    with pytest.raises(InvalidFrame, match="1 has more than one row for task"):
        model(anaesthetists)
    assert model(anaesthetists, replicates=True).decided == 45


def test_planted_answers_and_skills_are_found(model):
    frame, truth, accuracy = simulated()
    found = model(frame)
    assert found.converged
    right = (found.answers.sort("task")["answer"].to_numpy() == truth).mean()
    voted = (majority(frame, strict=False).answers.sort("task")["answer"].to_numpy() == truth).mean()
    assert right > voted
    skills = found.skills.sort("expert")
    assert np.corrcoef(skills["skill"], accuracy)[0, 1] > 0.95


def test_probabilities_are_a_row_a_task_and_label_and_add_up(model):
    found = model(simulated(n_tasks=30)[0])
    assert found.probabilities.columns == ["task", "label", "probability"]
    assert len(found.probabilities) == 30 * 3
    sums = found.probabilities.group_by("task").agg(pl.col("probability").sum())["probability"]
    assert sums.to_numpy() == pytest.approx(1)
    assert found.skills.columns[:3] == ["expert", "answered", "skill"]


def test_silence_says_nothing_and_a_task_without_an_answer_has_none(model):
    frame = pl.DataFrame(
        {"task": ["a", "a", "b", "b"], "expert": ["x", "y", "x", "y"], "label": ["1", "1", None, None]}
    )
    found = model(frame)
    assert found.answers["task"].to_list() == ["a", "b"]
    assert found.answers["answer"].to_list() == ["1", None]
    assert found.answers["decision"].to_list() == ["most probable", "no answer"]
    assert found.answers["asked"].to_list() == [2, 2]
    assert found.probabilities.filter(task="b")["probability"].to_list() == [None]
    heard = model(frame.drop_nulls())
    assert found.answers.head(1).equals(heard.answers)
    assert found.log_likelihood == pytest.approx(heard.log_likelihood)


def test_an_equal_posterior_is_a_tie_and_both_labels_are_named(model):
    found = model({"task": [1, 1], "expert": ["a", "b"], "label": ["x", "y"]})
    assert found.answers["decision"].to_list() == ["tie"]
    assert found.answers["answer"].to_list() == [None]
    assert found.ties["label"].to_list() == ["x", "y"]
    assert found.ties["probability"].to_list() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("labels", [[], [None, None]])
def test_frames_without_an_answer_are_fine(model, labels):
    frame = pl.DataFrame(
        {"task": [1] * len(labels), "expert": list("ab")[: len(labels)], "label": labels},
        schema={"task": pl.Int64, "expert": pl.String, "label": pl.String},
    )
    found = model(frame)
    assert found.decided == 0
    assert len(found.answers) == bool(labels)
    assert found.probabilities.is_empty()


def test_a_run_that_is_cut_short_says_so(model):
    found = model(simulated()[0], max_iterations=1)
    assert not found.converged
    assert found.iterations == 1
    assert "NOT converged in 1 iterations" in repr(found)


def test_a_coarser_tolerance_ends_earlier(model):
    frame = simulated()[0]
    assert model(frame, tolerance=1e-2).iterations < model(frame).iterations


def test_a_negative_tolerance_runs_every_round(model):
    found = model(simulated()[0], tolerance=-1, max_iterations=30)
    assert (found.iterations, found.converged) == (30, False)


@pytest.mark.parametrize(
    "option", [{"max_iterations": 0}, {"tolerance": float("nan")}, {"smoothing": -1}, {"method": "mcmc"}]
)
def test_options_outside_their_range_are_refused(option):
    with pytest.raises(InvalidInput, match=next(iter(option))):
        mace({"task": [1], "expert": ["a"], "label": ["x"]}, **option)


def test_smoothing_leaves_what_was_never_seen_unlikely_instead_of_impossible():
    frame = simulated()[0]
    plain = dawid_skene(frame, smoothing=0, max_iterations=5).confusion()["probability"]
    smooth = dawid_skene(frame, smoothing=1, max_iterations=5).confusion()["probability"]
    assert smooth.min() > 0
    assert smooth.min() > plain.min()


@pytest.mark.parametrize("method", [one_coin_dawid_skene, mace])
def test_smoothing_keeps_an_expert_from_counting_as_infallible(method):
    frame = {"task": [1, 1, 2, 2], "expert": list("abab"), "label": list("xxyy")}
    options = {"method": "em"} if method is mace else {}
    plain, smooth = (method(frame, smoothing=each, **options).skills for each in (0, 1))
    parameter = plain.columns[-1]
    assert plain[parameter].min() == pytest.approx(1)
    assert smooth[parameter].max() < 0.95


def test_gold_is_kept_and_teaches_what_the_experts_confuse():
    # both experts say x to everything; only gold can tell that it means y for one of them
    frame = {"task": [1, 1, 2, 2, 3, 3], "expert": list("ababab"), "label": list("xxxxxy")}
    found = dawid_skene(frame, gold={"task": [1, 2], "label": ["y", "y"]})
    assert found.answers["answer"].to_list()[:2] == ["y", "y"]
    assert found.answers["decision"].to_list()[:2] == ["gold", "gold"]
    confusion = found.confusion().filter(expert="a", truth="y", label="x")["probability"].item()
    assert confusion > 0.9


def test_gold_may_know_a_label_that_nobody_gave():
    found = dawid_skene({"task": [1], "expert": ["a"], "label": ["x"]}, gold={"task": [1], "label": ["z"]})
    assert found.answers["answer"].to_list() == ["z"]


@pytest.mark.parametrize(
    ("gold", "why"),
    [
        ({"task": [1]}, "label is missing"),
        ({"task": [9], "label": ["x"]}, "Gold holds 1 tasks that nobody was asked, the first is 9"),
        ({"task": [1, 1], "label": ["x", "y"]}, "task 1 stands more than once"),
        ({"task": ["1"], "label": ["x"]}, "one type in column 'task'"),
    ],
)
def test_gold_that_cannot_be_used_says_why(gold, why):
    with pytest.raises(InvalidFrame, match=why):
        dawid_skene({"task": [1], "expert": ["a"], "label": ["x"]}, gold=gold)


def test_confusion_is_a_long_frame_whose_rows_add_up_and_only_dawid_skene_has_it():
    frame = simulated()[0]
    confusion = dawid_skene(frame).confusion()
    assert confusion.columns == ["expert", "truth", "label", "probability"]
    sums = confusion.group_by("expert", "truth").agg(pl.col("probability").sum())["probability"]
    assert sums.to_numpy() == pytest.approx(1)
    with pytest.raises(InvalidInput, match="GLAD came: run dawid_skene"):
        glad(frame).confusion()


def test_plain_em_leaves_a_row_of_confusion_unknown_that_nothing_was_seen_of():
    frame = {"task": [1, 1, 2, 2], "expert": ["a", "b", "a", "c"], "label": list("xxyy")}
    row = dawid_skene(frame, smoothing=0).confusion().filter(expert="b", truth="y")
    assert row["probability"].to_list() == [None, None]


def test_too_many_labels_for_tables_are_refused_before_memory_is_taken():
    n = 20_000
    frame = pl.DataFrame({"task": range(n), "expert": ["a", "b"] * (n // 2), "label": range(n)})
    with pytest.raises(InvalidInput, match="use one_coin_dawid_skene, or fewer labels"):
        dawid_skene(frame)


def test_labels_of_any_type_come_back_as_they_were(model):
    assert model({"task": ["t", "t"], "expert": [1, 2], "label": [True, True]}).answers[
        "answer"
    ].to_list() == [True]


def test_answers_keep_the_order_of_first_appearance(model):
    frame = {"task": ["z", "a", "m", "a"], "expert": ["1", "1", "1", "2"], "label": ["x", "y", "x", "y"]}
    assert model(frame).answers["task"].to_list() == ["z", "a", "m"]


def test_a_contradicting_expert_is_evidence_all_the_same():
    rows = [(t, e, "xy"[(t % 2) ^ (e == "liar")]) for t in range(20) for e in ("a", "b", "liar")]
    frame = pl.DataFrame(rows, schema=["task", "expert", "label"], orient="row")
    skills = one_coin_dawid_skene(frame).skills
    assert skills.filter(expert="liar")["skill"].item() < 0.01


def test_glad_finds_the_task_on_which_experts_differ_harder():
    frame = simulated()[0]
    found = glad(frame).answers
    unanimous = found.filter(pl.col("votes") == pl.col("answered"))["difficulty"].mean()
    assert unanimous < found.filter(pl.col("votes") < pl.col("answered"))["difficulty"].mean()


def test_mace_knows_a_spammer():
    frame, _, _ = simulated()
    spam = pl.DataFrame({"task": range(300), "expert": [99] * 300, "label": [0] * 300})
    skills = mace(pl.concat([frame, spam])).skills
    assert skills.filter(expert=99)["competence"].item() == skills["competence"].min()
