"""What scan promises, on both implementations."""

import numpy as np
import pyarrow as pa
import pytest

from consilience.errors import InvalidInput
from consilience.kernels import StringColumn


def column(*texts):
    return StringColumn.of(pa.array(texts, pa.string_view()))


def find(kernels, literals, *texts, **options):
    prepared = kernels.literals(sorted(literals))
    parts = kernels.scan(prepared, column(*texts), **options)
    return [
        (row, start, end, sorted(literals)[number].decode())
        for part in parts
        for row, start, end, number in part.tolist()
    ]


def test_every_occurrence_is_found_also_where_they_overlap(kernels):
    assert find(kernels, [b"aa", b"aab", b"b"], "aaab") == [
        (0, 0, 2, "aa"),
        (0, 1, 3, "aa"),
        (0, 1, 4, "aab"),
        (0, 3, 4, "b"),
    ]


def test_the_longest_of_the_leftmost_is_kept_where_overlaps_are_not_wanted(kernels):
    assert find(kernels, [b"aa", b"aab", b"b"], "aaab", longest_only=True) == [
        (0, 0, 2, "aa"),
        (0, 3, 4, "b"),
    ]
    assert find(kernels, [b"a", b"abcd", b"bcde"], "abcde", longest_only=True) == [(0, 0, 4, "abcd")]


def test_no_match_crosses_rows(kernels):
    assert find(kernels, [b"ab", b"abcdef"], "xa", "bc", "abc", "def", "ab") == [
        (2, 0, 2, "ab"),
        (4, 0, 2, "ab"),
    ]


def test_long_rows_side_by_side_in_memory_stay_apart(kernels):
    rows = ["-" * 20 + "ending", "wordly" + "-" * 20]
    assert find(kernels, [b"endingwordly", b"wordly"], *rows) == [(1, 0, 6, "wordly")]


def test_null_and_empty_rows_match_nothing(kernels):
    assert find(kernels, [b"a"], None, "", "a", None) == [(2, 0, 1, "a")]


def test_offsets_are_bytes(kernels):
    assert find(kernels, ["ö".encode()], "aöö") == [(0, 1, 3, "ö"), (0, 3, 5, "ö")]


def test_nul_bytes_are_text(kernels):
    assert find(kernels, [b"\0", b"\0\0\0\0"], "a\0\0\0\0") == [
        (0, 1, 2, "\0"),
        (0, 1, 5, "\0\0\0\0"),
        *((0, start, start + 1, "\0") for start in (2, 3, 4)),
    ]


def test_a_literal_longer_than_any_text_matches_nothing(kernels):
    assert find(kernels, [b"a" * 500], "a" * 499, "") == []


def test_folded_offsets_are_those_of_the_text(kernels):
    folds = np.arange(0x212B, dtype=np.int32)
    folds[0x41:0x5B] += 32
    folds[0x212A] = ord("k")
    # KELVIN SIGN takes three bytes, the k that it counts as takes one.
    found = find(kernels, [b"k", b"kk", b"xk"], "\u212ak X\u212a", folds=folds)
    assert found == [(0, 0, 3, "k"), (0, 0, 4, "kk"), (0, 3, 4, "k"), (0, 5, 9, "xk"), (0, 6, 9, "k")]


@pytest.mark.parametrize("longest_only", [False, True])
def test_parts_join_to_the_same_matches_whatever_their_size(kernels, longest_only):
    texts = ["abcabcab" * 5, None, "cab", "", "bca" * 30]
    literals = [b"ab", b"abcab", b"c", b"cabca"]
    whole = find(kernels, literals, *texts, longest_only=longest_only)
    for most in (1, 2, 7):
        assert find(kernels, literals, *texts, longest_only=longest_only, most=most) == whole


def test_a_slice_of_a_column_is_read_from_its_first_row(kernels):
    array = pa.array(["a", None, "xa", "a"], pa.string_view()).slice(1, 2)
    parts = list(kernels.scan(kernels.literals([b"a"]), StringColumn.of(array)))
    assert np.concatenate(parts).tolist() == [[1, 1, 2, 0]]


def test_rows_can_be_limited(kernels):
    parts = list(kernels.scan(kernels.literals([b"a"]), column("a", "a", "a"), rows=(1, 2)))
    assert np.concatenate(parts).tolist() == [[1, 0, 1, 0]]


@pytest.mark.parametrize(
    ("literals", "said"),
    [
        ([], "At least one literal is required, none came"),
        ([b"", b"a"], "A literal must not be empty"),
        ([b"b", b"a"], "Literals must be sorted and distinct"),
        ([b"a", b"a"], "Literals must be sorted and distinct"),
    ],
)
def test_literals_that_cannot_be_used_are_named(kernels, literals, said):
    with pytest.raises(InvalidInput, match=said):
        kernels.literals(literals)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rows": (0, 3)}, "rows must lie within 0 and 2, got 0 to 3"),
        ({"rows": (-1, 1)}, "rows must lie within 0 and 2, got -1 to 1"),
        ({"most": 0}, "most must be at least 1, got 0"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(kernels, options, said):
    with pytest.raises(InvalidInput, match=said):
        kernels.scan(kernels.literals([b"a"]), column("a", "b"), **options)
