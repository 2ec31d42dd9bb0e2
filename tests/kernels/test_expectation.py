"""What the kernels of expectation and counting promise, on both implementations."""

import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience import kernels as public
from consilience.errors import InvalidInput
from consilience.kernels import _reference, _selector

FITS = {
    "dawid_skene": {},
    "one_coin_dawid_skene": {},
    "mace": {},
    "glad": {},
}
needs_extension = pytest.mark.skipif(_selector.backend != "cython", reason="the extension is not in use")


@st.composite
def rows(draw, lowest=-1):
    n_tasks, n_experts, n_labels = (draw(st.integers(1, most)) for most in (8, 5, 5))
    row = st.tuples(
        st.integers(0, n_tasks - 1), st.integers(0, n_experts - 1), st.integers(lowest, n_labels - 1)
    )
    table = np.array(draw(st.lists(row, max_size=40)), dtype=np.int32).reshape(-1, 3)
    task, expert, label = (np.ascontiguousarray(column) for column in table.T)
    return task, expert, label, n_tasks, n_experts, n_labels


def by_reference(function):
    """Return what a public function gives on the compiled kernels and on their references."""
    compiled = function()
    saved = {name: getattr(_selector, name) for name in _reference.__all__}
    try:
        for name in saved:
            setattr(_selector, name, getattr(_reference, name))
        return compiled, function()
    finally:
        for name, kernel in saved.items():
            setattr(_selector, name, kernel)


@needs_extension
@given(rows())
def test_layout_twins_agree(table):
    ours, theirs = by_reference(lambda: public.layout(*table))
    for name in ("start", "expert", "label", "asked"):
        assert getattr(ours, name).dtype == getattr(theirs, name).dtype
        assert getattr(ours, name).tolist() == getattr(theirs, name).tolist()
    assert ours.repeated == theirs.repeated


@needs_extension
@given(rows(lowest=0))
def test_multisets_twins_agree(table):
    task, _, label, n_tasks, _, n_labels = table
    ours, theirs = by_reference(lambda: public.multisets(task, label, n_tasks, n_labels))
    for name in ("start", "value", "times", "repeats"):
        assert getattr(ours, name).dtype == getattr(theirs, name).dtype
        assert getattr(ours, name).tolist() == getattr(theirs, name).tolist()


@needs_extension
@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("smoothing", [0, 0.01])
@given(table=rows())
def test_fit_twins_agree(name, smoothing, table):
    arranged = public.layout(*table)
    options = {} if name == "glad" else {"smoothing": smoothing}
    if name == "mace" and smoothing:
        options["method"] = "em"
    ours, theirs = by_reference(lambda: getattr(public, name)(arranged, max_iterations=8, **options))
    assert ours.posterior == pytest.approx(theirs.posterior, abs=1e-9)
    assert ours.skill == pytest.approx(theirs.skill, abs=1e-9, nan_ok=True)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-9)
    assert (ours.iterations, ours.converged) == (theirs.iterations, theirs.converged)


@needs_extension
@given(rows(), st.integers(0, 4))
def test_gold_twins_agree(table, seed):
    arranged = public.layout(*table)
    gold = np.random.default_rng(seed).integers(-1, arranged.n_labels, arranged.n_tasks)
    ours, theirs = by_reference(lambda: public.dawid_skene(arranged, gold=gold, max_iterations=8))
    assert ours.posterior == pytest.approx(theirs.posterior, abs=1e-9)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-9)


@pytest.mark.parametrize("name", FITS)
def test_hundreds_of_answers_to_a_task_do_not_underflow(kernels, name):
    n = 3_000
    generator = np.random.default_rng(0)
    label = (generator.random(2 * n) < 0.3).astype(np.int32)
    label[n:] = 1 - label[n:]
    answers = kernels.layout(np.repeat([0, 1], n), np.tile(np.arange(n), 2), label, 2, n, 2)
    fit = getattr(kernels, name)(answers, max_iterations=5)
    assert fit.posterior == pytest.approx(np.eye(2), abs=1e-9)
    assert -2 * n < fit.log_likelihood < 0


def test_layout_sorts_by_task_and_expert_and_counts_silence_as_asked(kernels):
    found = kernels.layout([1, 0, 1, 1], [2, 0, 0, 1], [3, 1, 2, -1], n_tasks=2, n_experts=3, n_labels=4)
    assert found.start.tolist() == [0, 1, 3]
    assert found.expert.tolist() == [0, 0, 2]
    assert found.label.tolist() == [1, 2, 3]
    assert found.asked.tolist() == [1, 3]
    assert found.repeated == (-1, -1)


def test_layout_names_the_first_repetition_and_keeps_it(kernels):
    found = kernels.layout([1, 1, 0], [1, 1, 0], [0, -1, 0], n_tasks=2, n_experts=2, n_labels=1)
    assert found.repeated == (1, 1)


def test_multisets_count_tasks_labelled_alike_and_leave_single_answers_out(kernels):
    found = kernels.multisets([0, 0, 1, 1, 2, 3, 3, 3], [0, 1, 1, 0, 0, 1, 1, 0], n_tasks=5, n_labels=2)
    assert found.start.tolist() == [0, 2, 4]
    assert found.value.tolist() == [0, 1, 0, 1]
    assert found.times.tolist() == [1, 1, 1, 2]
    assert found.repeats.tolist() == [2, 1]


def test_multisets_of_nothing_are_none(kernels):
    assert kernels.multisets([], [], n_tasks=3, n_labels=0).repeats.tolist() == []


def test_many_labels_need_no_table_of_tasks_times_labels(kernels):
    n = 50_000
    task = np.repeat(np.arange(n), 2)
    found = kernels.multisets(task, np.arange(2 * n), n_tasks=n, n_labels=2 * n)
    assert found.repeats.sum() == n
    assert found.value.size == 2 * n


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (([2], [0], [0]), "task must lie between 0 and 1, got 2 to 2"),
        (([0], [2], [0]), "expert must lie between 0 and 1, got 2 to 2"),
        (([0], [0], [-2]), "label must lie between -1 and 1, got -2 to -2"),
        (([0], [0, 1], [0]), "task and expert must have the same length"),
        (([0], [0], [0, 1]), "task and label must have the same length"),
    ],
)
def test_what_cannot_be_arranged_is_named(kernels, table, said):
    with pytest.raises(InvalidInput, match=said):
        kernels.layout(*table, n_tasks=2, n_experts=2, n_labels=2)


@pytest.mark.parametrize("gold", [[5, 0], [0]])
def test_gold_outside_the_labels_or_tasks_is_refused(kernels, gold):
    answers = kernels.layout([0, 1], [0, 0], [0, 1], n_tasks=2, n_experts=1, n_labels=2)
    with pytest.raises(InvalidInput, match="gold must"):
        kernels.dawid_skene(answers, gold=gold)


@needs_extension
def test_a_long_run_ends_on_ctrl_c():
    n = 200_000
    generator = np.random.default_rng(0)
    expert, label = generator.integers(0, 50, 5 * n), generator.integers(0, 8, 5 * n)
    answers = public.layout(np.repeat(np.arange(n), 5), expert, label, n, 50, 8)
    threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        public.dawid_skene(answers, tolerance=-1, max_iterations=100_000)
    assert time.monotonic() - began < 30  # a run of all rounds takes over a quarter of an hour
