"""What must hold of the models of experts for any answers: order, names, repetition, and bounds."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.aggregate import dawid_skene, glad, mace, one_coin_dawid_skene

MODELS = st.sampled_from([dawid_skene, one_coin_dawid_skene, glad, mace])
ANSWERS = st.lists(
    st.lists(st.one_of(st.none(), st.sampled_from("abc")), min_size=1, max_size=5), min_size=1, max_size=12
)

# Four models share the examples; each costs some milliseconds.
bounded = settings(max_examples=30)


def long(tasks):
    rows = [(f"t{t}", f"e{e}", label) for t, labels in enumerate(tasks) for e, label in enumerate(labels)]
    return pl.DataFrame(
        rows, schema={"task": pl.String, "expert": pl.String, "label": pl.String}, orient="row"
    )


def posterior(found):
    return found.probabilities.sort("task", "label")["probability"].fill_null(-1.0).to_numpy()


@bounded
@given(ANSWERS, MODELS, st.randoms(use_true_random=False))
def test_no_order_of_rows_changes_anything(tasks, model, random):
    frame = long(tasks)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=random.randrange(1000))
    first, second = model(frame), model(shuffled)
    assert first.answers.sort("task").equals(second.answers.sort("task"))
    assert first.skills.equals(second.skills)
    assert first.ties.equals(second.ties)
    assert first.log_likelihood == second.log_likelihood


@bounded
@given(ANSWERS, MODELS)
def test_names_of_experts_and_tasks_do_not_matter(tasks, model):
    frame = long(tasks)
    renamed = frame.with_columns(
        pl.col("expert").replace({f"e{n}": f"e{9 - n}" for n in range(5)}),
        pl.col("task").replace({f"t{n}": f"u{99 - n}" for n in range(12)}),
    )
    # few rounds: a saddle between two equal answers enlarges rounding by a factor each round
    first, second = model(frame, max_iterations=10), model(renamed, max_iterations=10)
    back = second.probabilities.with_columns(
        pl.col("task").replace({f"u{99 - n}": f"t{n}" for n in range(12)})
    )
    assert posterior(first) == pytest.approx(
        back.sort("task", "label")["probability"].fill_null(-1.0).to_numpy(), abs=1e-7
    )
    assert first.log_likelihood == pytest.approx(second.log_likelihood, abs=1e-7)


@bounded
@given(ANSWERS, MODELS)
def test_names_of_labels_do_not_matter(tasks, model):
    frame = long(tasks)
    names = {"a": "z", "b": "y", "c": "x"}
    first = model(frame, max_iterations=10)
    second = model(frame.with_columns(pl.col("label").replace(names)), max_iterations=10)
    back = second.probabilities.with_columns(
        pl.col("label").replace({new: old for old, new in names.items()})
    )
    assert posterior(first) == pytest.approx(
        back.sort("task", "label")["probability"].fill_null(-1.0).to_numpy(), abs=1e-7
    )


@bounded
@given(ANSWERS, MODELS)
def test_probabilities_and_skills_lie_between_zero_and_one(tasks, model):
    found = model(long(tasks))
    answered = found.probabilities.drop_nulls()
    assert answered["probability"].is_between(0, 1 + 1e-12).all()
    sums = answered.group_by("task").agg(pl.col("probability").sum())["probability"]
    assert sums.to_numpy() == pytest.approx(np.ones(len(sums)))
    assert found.skills["skill"].drop_nulls().is_between(0, 1 + 1e-12).all()
    assert found.log_likelihood <= 1e-9
    assert found.skills["answered"].sum() == long(tasks).drop_nulls().height


@settings(max_examples=15)
@given(ANSWERS)
def test_a_round_of_plain_em_never_lowers_the_likelihood(tasks):
    for model in (dawid_skene, one_coin_dawid_skene):
        reached = [model(long(tasks), smoothing=0, max_iterations=n).log_likelihood for n in range(1, 6)]
        assert all(later >= sooner - 1e-9 for sooner, later in pairwise(reached))


@bounded
@given(st.integers(1, 6), st.integers(1, 5), MODELS)
def test_experts_who_agree_on_everything_are_believed(n_tasks, n_experts, model):
    found = model(long([["ab"[t % 2]] * n_experts for t in range(n_tasks)]))
    assert found.answers.sort("task")["answer"].to_list() == [
        "ab"[int(task[1:]) % 2] for task in sorted(f"t{t}" for t in range(n_tasks))
    ]


@bounded
@given(st.integers(2, 6), MODELS)
def test_experts_who_differ_on_everything_tie(n_experts, model):
    found = model(long([[f"l{n}" for n in range(n_experts)]]))
    assert found.answers["decision"].to_list() == ["tie"]
    assert len(found.ties) == n_experts


@bounded
@given(ANSWERS, MODELS)
def test_an_expert_who_repeats_another_gets_the_same_skill(tasks, model):
    frame = long(tasks)
    doubled = pl.concat([frame, frame.filter(expert="e0").with_columns(expert=pl.lit("e0-again"))])
    skills = model(doubled).skills
    first, second = (skills.filter(expert=name)["skill"].item() for name in ("e0", "e0-again"))
    assert (first is None) == (second is None)
    if first is not None:
        assert first == pytest.approx(second, abs=1e-9)
