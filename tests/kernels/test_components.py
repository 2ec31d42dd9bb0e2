"""What union_find promises, on both implementations."""

import numpy as np
import pytest

from consilience.errors import InvalidInput


def test_items_without_a_pair_stand_alone(kernels):
    assert kernels.union_find([], [], n=3).tolist() == [0, 1, 2]


def test_a_chain_is_one_group_named_by_its_smallest_member(kernels):
    assert kernels.union_find([4, 3, 2], [3, 2, 1], n=5).tolist() == [0, 1, 1, 1, 1]


def test_nothing_gives_nothing(kernels):
    assert kernels.union_find([], [], n=0).tolist() == []


def test_labels_are_int32(kernels):
    assert kernels.union_find([0], [1], n=2).dtype == np.int32


def test_read_only_input_is_taken(kernels):
    ends = np.array([0, 1], dtype=np.int32)
    ends.flags.writeable = False
    assert kernels.union_find(ends, ends[::-1], n=2).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("left", "right", "n", "said"),
    [
        ([0], [2], 2, "right must lie between 0 and 1, got 2 to 2"),
        ([-1], [0], 2, "left must lie between 0 and 1, got -1 to -1"),
        ([0, 1], [1], 2, "left and right must have the same length, got 2 and 1"),
        ([0.5], [1], 2, "left must hold integers, got float64"),
        ([[0]], [1], 2, "left must have one dimension, got 2"),
        ([2**32], [0], 2, "left must lie between 0 and 1"),
        ([], [], -1, "n must be between 0 and 2,147,483,647, got -1"),
    ],
)
def test_what_cannot_be_used_is_named(kernels, left, right, n, said):
    with pytest.raises(InvalidInput, match=said):
        kernels.union_find(left, right, n=n)
