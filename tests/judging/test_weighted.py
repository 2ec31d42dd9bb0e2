"""Weighted votes, intervals of skills, and the votes that stand beside every model."""

import numpy as np
import polars as pl
import pytest
from crowdkit.aggregation import DawidSkene
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.aggregate import dawid_skene, glad, mace, majority, one_coin_dawid_skene, weighted_majority
from consilience.errors import InvalidFrame, InvalidInput

MODELS = [dawid_skene, one_coin_dawid_skene, glad, mace]


def simulated(seed=0, n_tasks=300, n_experts=8, n_labels=3, each=5):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, n_labels, n_tasks)
    accuracy = np.linspace(0.5, 0.95, n_experts)
    expert = np.concatenate([generator.choice(n_experts, each, replace=False) for _ in range(n_tasks)])
    task = np.repeat(np.arange(n_tasks), each)
    off = generator.integers(1, n_labels, task.size)
    right = generator.random(task.size) < accuracy[expert]
    label = np.where(right, truth[task], (truth[task] + off) % n_labels)
    return pl.DataFrame({"task": task, "expert": expert, "label": label}), truth, accuracy


def test_weights_decide_and_support_is_the_share_of_what_was_asked():
    frame = {"task": [1, 1, 1, 2, 2, 2], "expert": list("abc") * 2, "label": ["x", "y", "y", "x", None, None]}
    found = weighted_majority(frame, {"a": 3, "b": 1, "c": 1})
    columns = ("answer", "votes", "support", "decision", "plurality")
    assert found.answers.select(columns).rows() == [
        ("x", 1, 0.6, "majority", "y"),
        ("x", 1, 0.6, "majority", "x"),
    ]
    assert found.overturned == 1
    assert "1 against the plurality" in repr(found)
    assert found.skills.rows() == [("a", 2, 3.0), ("b", 1, 1.0), ("c", 1, 1.0)]


def test_the_weight_of_the_silent_counts_in_a_strict_majority_and_not_in_a_plurality():
    frame = {"task": [1, 1, 1], "expert": list("abc"), "label": ["x", None, None]}
    weights = {"a": 1, "b": 1, "c": 1}
    assert weighted_majority(frame, weights).answers["decision"].to_list() == ["no majority"]
    assert weighted_majority(frame, weights, strict=False).answers["answer"].to_list() == ["x"]


def test_equal_weight_is_a_tie_whatever_the_number_of_heads():
    frame = {"task": [1] * 4, "expert": list("abcd"), "label": ["x", "y", "y", "y"]}
    found = weighted_majority(frame, {"a": 0.3, "b": 0.1, "c": 0.1, "d": 0.1})
    assert found.answers.select("answer", "decision").row(0) == (None, "tie")
    assert found.ties.rows() == [(1, "x", 1), (1, "y", 3)]


def test_an_answer_without_weight_is_no_answer():
    frame = {"task": [1, 2], "expert": list("ab"), "label": ["x", "y"]}
    found = weighted_majority(frame, {"a": 0, "b": 1}).answers
    assert found.select("answer", "decision").rows() == [(None, "no answer"), ("y", "majority")]


@settings(max_examples=30)
@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.sampled_from("abc")), min_size=1, max_size=5), min_size=1, max_size=8
    ),
    st.booleans(),
    st.integers(0, 99),
)
def test_equal_weights_are_a_plain_vote_in_any_order(tasks, strict, seed):
    rows = [(t, f"e{e}", label) for t, labels in enumerate(tasks) for e, label in enumerate(labels)]
    schema = {"task": pl.Int64, "expert": pl.String, "label": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    plain = majority(frame, strict=strict)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    found = weighted_majority(shuffled, {f"e{n}": 0.7 for n in range(5)}, strict=strict)
    columns = ("task", "answer", "votes", "answered", "asked", "decision")
    assert found.answers.select(columns).sort("task").equals(plain.answers.select(columns).sort("task"))
    assert found.ties.select("task", "label").equals(plain.ties.select("task", "label"))


@pytest.mark.parametrize("model", MODELS)
def test_weights_from_skills_beat_the_plain_vote(model):
    frame, truth, _ = simulated(n_tasks=1000)
    found = weighted_majority(frame, model(frame), strict=False)
    weighted, voted = (
        (each.answers.sort("task")["answer"].to_numpy() == truth).mean()
        for each in (found, majority(frame, strict=False))
    )
    assert weighted > voted
    weight = found.skills.sort("expert")["weight"]
    assert weight[-1] == weight.max() > weight.min()


def test_an_expert_at_chance_or_below_has_no_say():
    rows = [(t, e, "xy"[(t % 2) ^ (e == "liar")]) for t in range(20) for e in ("a", "b", "liar")]
    frame = pl.DataFrame(rows, schema=["task", "expert", "label"], orient="row")
    weights = weighted_majority(frame, dawid_skene(frame)).skills
    assert weights.filter(expert="liar")["weight"].item() == 0


@pytest.mark.parametrize(
    ("weights", "why"),
    [
        ({"a": 1}, "must name every expert of the frame, 'b' is missing"),
        ({"a": 1, "b": -1}, "numbers of 0 or more, -1 came for 'b'"),
        ({"a": 1, "b": float("nan")}, "numbers of 0 or more, nan came for 'b'"),
        ({"a": 1, "b": "2"}, "numbers of 0 or more, '2' came for 'b'"),
        ({"a": 0, "b": 0}, "must not all be 0"),
    ],
)
def test_weights_that_cannot_be_used_say_why(weights, why):
    with pytest.raises(InvalidInput, match=why):
        weighted_majority({"task": [1, 1], "expert": list("ab"), "label": list("xy")}, weights)


def test_a_vote_has_no_skills_to_weigh_by():
    frame = {"task": [1, 1], "expert": list("ab"), "label": list("xy")}
    with pytest.raises(InvalidInput, match="strict majority has none: run dawid_skene"):
        weighted_majority(frame, majority(frame))
    with pytest.raises(InvalidInput, match="strict majority came: run dawid_skene"):
        majority(frame).skill_intervals()
    with pytest.raises(InvalidFrame, match="more than one row"):
        weighted_majority({"task": [1, 1], "expert": list("aa"), "label": list("xy")}, {"a": 1})


def test_frames_without_an_answer_are_fine():
    frame = pl.DataFrame(schema={"task": pl.Int64, "expert": pl.String, "label": pl.String})
    assert weighted_majority(frame, {}).answers.is_empty()


@pytest.mark.parametrize("model", MODELS)
def test_the_plurality_stands_beside_every_model(model):
    frame, _, _ = simulated()
    found = model(frame)
    plain = majority(frame, strict=False).answers
    assert found.answers["plurality"].equals(plain["answer"].alias("plurality"))
    different = found.answers.filter(pl.col("answer") != pl.col("plurality"))
    assert found.overturned == len(different) > 0
    assert f"{len(different)} against the plurality" in repr(found)


@pytest.mark.filterwarnings("ignore:The (inplace|copy) keyword")  # crowd-kit's own use of pandas
def test_dawid_and_skene_find_what_crowd_kit_finds():
    frame, _, _ = simulated(1)
    expected = DawidSkene(n_iter=60, tol=-1).fit(frame.rename({"expert": "worker"}).to_pandas()).probas_
    found = dawid_skene(frame, max_iterations=60, tolerance=-1).probabilities.sort("task", "label")
    ours = found["probability"].to_numpy().reshape(-1, 3)
    assert ours == pytest.approx(expected.loc[range(300), range(3)].to_numpy(), abs=1e-3)


@pytest.mark.parametrize("model", [dawid_skene, one_coin_dawid_skene])
def test_the_intervals_of_skills_cover_the_share_of_right_answers(model):
    covered, asked = 0, 0
    for seed in range(15):
        frame, truth, _ = simulated(seed)
        found = model(frame).skill_intervals(draws=500).sort("expert")
        right = frame.with_columns(right=pl.Series(truth)[frame["task"]] == frame["label"])
        actual = right.group_by("expert").agg(pl.col("right").mean()).sort("expert")["right"]
        covered += ((found["low"] <= actual) & (actual <= found["high"])).sum()
        asked += len(found)
    assert covered >= 0.95 * asked


def test_the_intervals_of_skills_cover_the_planted_skills():
    covered = 0
    for seed in range(15):
        frame, _, accuracy = simulated(seed)
        found = one_coin_dawid_skene(frame).skill_intervals(draws=500).sort("expert")
        covered += int(((found["low"].to_numpy() <= accuracy) & (accuracy <= found["high"].to_numpy())).sum())
    assert covered >= 0.9 * 15 * 8


def test_more_answers_and_less_confidence_make_the_interval_narrower():
    few, many = (dawid_skene(simulated(n_tasks=n)[0]) for n in (100, 1000))

    def width(found, **options):
        frame = found.skill_intervals(**options)
        return (frame["high"] - frame["low"]).mean()

    assert width(many) < width(few)
    assert width(few, confidence=0.5) < width(few)


def test_an_expert_without_an_answer_has_no_interval():
    frame = {"task": [1, 1, 1], "expert": list("abc"), "label": ["x", "x", None]}
    found = dawid_skene(frame).skill_intervals()
    assert found.filter(expert="c").select("skill", "low", "high").row(0) == (None, None, None)


@pytest.mark.parametrize("option", [{"confidence": 1}, {"draws": 10}])
def test_options_outside_their_range_are_refused(option):
    found = dawid_skene({"task": [1], "expert": ["a"], "label": ["x"]})
    with pytest.raises(InvalidInput, match=next(iter(option))):
        found.skill_intervals(**option)
