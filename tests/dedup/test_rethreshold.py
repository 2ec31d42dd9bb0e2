import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.dedup import Curated, NearDuplicates, difference, near_duplicates
from consilience.errors import InvalidInput
from consilience.synthetic import texts

WORDS = st.lists(st.sampled_from(list("abcdefg")), max_size=7).map(" ".join)
MANY = st.lists(st.one_of(st.none(), WORDS), min_size=1, max_size=25)
HIGHER = st.sampled_from([0.51, 0.6, 2 / 3, 0.7, 0.75, 0.8, 0.9, 1.0])


@given(MANY, HIGHER, st.integers(1, 2))
def test_a_higher_threshold_gives_what_a_search_gives(said, threshold, shingle):
    found = near_duplicates(said, 0.51, shingle).rethreshold(threshold)
    direct = near_duplicates(said, threshold, shingle)
    assert found.labels.tolist() == direct.labels.tolist()
    assert found.representatives.tolist() == direct.representatives.tolist()
    assert found.pairs().equals(direct.pairs())


@given(MANY, HIGHER, HIGHER)
def test_the_threshold_moves_up_and_down_without_a_trace(said, one, other):
    found = near_duplicates(said, 0.51)
    moved = found.rethreshold(one).rethreshold(other)
    assert moved.labels.tolist() == found.rethreshold(other).labels.tolist()
    assert moved.rethreshold(0.51).labels.tolist() == found.labels.tolist()


def test_the_texts_are_joined_once_for_all_thresholds():
    found = near_duplicates(texts(2000), 0.6)
    source = found._source()
    found.rethreshold(0.7).rethreshold(0.9)
    assert found.rethreshold(0.8)._source() is source


def test_texts_can_be_added_after_the_threshold_moved():
    near = NearDuplicates(0.6).add(["add an index", "add an index now"])
    assert near.clusters().rethreshold(0.9).n_clusters == 2
    assert near.add(["shard it"]).clusters().rethreshold(0.7).n_clusters == 2


def test_a_lower_threshold_says_that_it_was_not_searched():
    found = near_duplicates(["a", "b"], 0.7)
    with pytest.raises(InvalidInput, match=r"0.7 or more, got 0.6.*near_duplicates\(texts, 0.6\)"):
        found.rethreshold(0.9).rethreshold(0.6)


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("split"), st.lists(st.integers(0, 9), min_size=1, max_size=3)),
        st.tuples(st.just("merge"), st.lists(st.integers(0, 9), min_size=2, max_size=3, unique=True)),
    ),
    max_size=6,
)


@given(st.lists(WORDS, min_size=10, max_size=10), EDITS, HIGHER)
def test_every_correction_can_be_undone_and_outlives_the_threshold(said, edits, threshold):
    found = near_duplicates(said, 0.51)
    curated, seen = Curated(found), []
    for kind, rows in edits:
        seen.append(curated.clusters.labels.tolist())
        getattr(curated, kind)(rows)
    there = curated.clusters.labels.tolist()
    curated.rethreshold(threshold).rethreshold(0.51)
    assert curated.clusters.labels.tolist() == there
    for labels in reversed(seen):
        assert curated.undo().clusters.labels.tolist() == labels
    assert curated.clusters is found


@given(st.lists(WORDS, min_size=10, max_size=10), EDITS)
def test_clusters_are_numbered_by_their_first_text_whatever_was_corrected(said, edits):
    curated = Curated(near_duplicates(said, 0.51))
    for kind, rows in edits:
        getattr(curated, kind)(rows)
    labels, first = curated.clusters.labels, curated.clusters.representatives
    assert labels[first].tolist() == list(range(len(first)))
    assert np.all(np.diff(first) > 0)
    assert all(labels.tolist().index(n) == row for n, row in enumerate(first.tolist()))


def test_what_was_merged_is_together_and_what_was_split_alone():
    curated = Curated(near_duplicates(["a b", "a b", "c", "d", "d"], 0.7))
    assert curated.merge([0, 3]).split([1]).clusters.labels.tolist() == [0, 1, 2, 0, 0]
    assert [edit.kind for edit in curated.edits] == ["merge", "split"]


@pytest.mark.parametrize("rows", [[], [1], [0, 99], [-1, 0]])
def test_rows_that_are_not_there_are_refused_and_change_nothing(rows):
    curated = Curated(near_duplicates(["a", "b"], 0.7))
    with pytest.raises(InvalidInput, match="2 or more rows from 0 to 1 are required"):
        curated.merge(rows)
    assert curated.edits == ()


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_parts_of_a_difference_are_the_text(text, other):
    found = difference(text, other)
    assert "".join(part for part, _ in found.parts) == text
    if text == other:
        assert not any(marked for _, marked in found.parts)
        assert found.missing == ()
