"""What majority promises, on both implementations."""

import numpy as np
import pytest

from consilience.errors import InvalidInput


def test_the_label_with_most_votes_wins(kernels):
    votes = kernels.majority([0, 0, 0, 1], [1, 1, 0, 2], n_tasks=2, n_labels=3)
    assert votes.winner.tolist() == [1, 2]
    assert votes.count.tolist() == [2, 1]
    assert votes.answers.tolist() == [3, 1]
    assert votes.tied.tolist() == [False, False]


def test_a_tie_is_said_and_its_smallest_code_is_named(kernels):
    votes = kernels.majority([0, 0, 0, 0, 0], [2, 1, 2, 1, 0], n_tasks=1, n_labels=3)
    assert votes.winner.tolist() == [1]
    assert votes.tied.tolist() == [True]


def test_a_missing_answer_is_not_counted(kernels):
    votes = kernels.majority([0, 0, 1], [-1, 1, -1], n_tasks=3, n_labels=2)
    assert votes.winner.tolist() == [1, -1, -1]
    assert votes.answers.tolist() == [1, 0, 0]
    assert votes.tied.tolist() == [False, False, False]


def test_no_rows_and_no_labels_are_allowed(kernels):
    votes = kernels.majority([], [], n_tasks=2, n_labels=0)
    assert votes.winner.tolist() == [-1, -1]


def test_many_labels_need_no_table_of_tasks_times_labels(kernels):
    n = 100_000
    votes = kernels.majority(np.arange(n), np.arange(n)[::-1], n_tasks=n, n_labels=n)
    assert votes.winner[0] == n - 1
    assert votes.count.max() == 1


@pytest.mark.parametrize(
    ("task", "label", "said"),
    [
        ([2], [0], "task must lie between 0 and 1, got 2 to 2"),
        ([0], [3], "label must lie between -1 and 2, got 3 to 3"),
        ([0], [-2], "label must lie between -1 and 2, got -2 to -2"),
        ([0], [0, 1], "task and label must have the same length, got 1 and 2"),
        (["a"], [0], "task must hold integers"),
    ],
)
def test_what_cannot_be_used_is_named(kernels, task, label, said):
    with pytest.raises(InvalidInput, match=said):
        kernels.majority(task, label, n_tasks=2, n_labels=3)
