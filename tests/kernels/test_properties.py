"""What holds for every input: the twins agree, no order matters, the definitions are met."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.kernels import _reference, _selector, majority, union_find

FIELDS = ("winner", "count", "tied", "answers")


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 30))
    node = st.integers(0, n - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=40))
    return n, np.array(edges, dtype=np.int32).reshape(-1, 2)


@st.composite
def ballots(draw):
    n_tasks, n_labels = draw(st.integers(1, 8)), draw(st.integers(1, 6))
    row = st.tuples(st.integers(0, n_tasks - 1), st.integers(-1, n_labels - 1))
    rows = draw(st.lists(row, max_size=40))
    return n_tasks, n_labels, np.array(rows, dtype=np.int32).reshape(-1, 2)


needs_extension = pytest.mark.skipif(_selector.backend != "cython", reason="the extension is not in use")


@needs_extension
@given(graphs())
def test_union_find_twins_agree(graph):
    n, edges = graph
    left, right = np.ascontiguousarray(edges.T)
    labels = _selector.union_find(left, right, n)
    reference = _reference.union_find(left, right, n)
    assert labels.dtype == reference.dtype
    assert labels.tolist() == reference.tolist()


@needs_extension
@given(ballots())
def test_majority_twins_agree(ballot):
    n_tasks, n_labels, rows = ballot
    task, label = np.ascontiguousarray(rows.T)
    compiled = _selector.majority(task, label, n_tasks, n_labels)
    for ours, theirs in zip(compiled, _reference.majority(task, label, n_tasks, n_labels), strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.tolist() == theirs.tolist()


@given(graphs(), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_of_pairs_or_their_ends(graph, random):
    n, edges = graph
    shuffled = [random.sample(pair, 2) for pair in random.sample(edges.tolist(), len(edges))]
    turned = np.array(shuffled, dtype=np.int32).reshape(-1, 2)
    assert union_find(*edges.T, n=n).tolist() == union_find(*turned.T, n=n).tolist()


@given(graphs())
def test_groups_join_every_pair_and_are_named_by_a_member(graph):
    n, edges = graph
    labels = union_find(*edges.T, n=n)
    assert (labels[edges[:, 0]] == labels[edges[:, 1]]).all()
    assert (labels <= np.arange(n)).all()
    assert (labels[labels] == labels).all()


@given(graphs())
def test_joining_within_the_groups_changes_nothing(graph):
    n, edges = graph
    labels = union_find(*edges.T, n=n)
    assert union_find(np.arange(n), labels, n=n).tolist() == labels.tolist()


@given(ballots(), st.randoms(use_true_random=False))
def test_votes_do_not_depend_on_the_order_of_rows(ballot, random):
    n_tasks, n_labels, rows = ballot
    shuffled = rows[random.sample(range(len(rows)), len(rows))]
    before, after = (majority(*r.T, n_tasks=n_tasks, n_labels=n_labels) for r in (rows, shuffled))
    assert all((getattr(before, field) == getattr(after, field)).all() for field in FIELDS)


@given(ballots())
def test_votes_meet_their_definition(ballot):
    n_tasks, n_labels, rows = ballot
    votes = majority(*rows.T, n_tasks=n_tasks, n_labels=n_labels)
    for task in range(n_tasks):
        counted = Counter(label for t, label in rows.tolist() if t == task and label >= 0)
        best = max(counted.values(), default=0)
        leaders = sorted(label for label, n in counted.items() if n == best)
        assert votes.answers[task] == counted.total()
        assert votes.count[task] == best
        assert votes.tied[task] == (len(leaders) > 1)
        assert votes.winner[task] == (leaders[0] if leaders else -1)
