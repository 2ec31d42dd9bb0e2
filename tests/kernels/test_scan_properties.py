"""What holds for every text: the twins agree, and find what the definition says."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.kernels import StringColumn, _reference, _selector, literals, scan
from consilience.patterns.folding import fold_table

NO_FOLDS = np.empty(0, dtype=np.int32)
needs_extension = pytest.mark.skipif(_selector.backend != "cython", reason="the extension is not in use")

# Few letters make prefixes, suffixes and overlaps of each other likely.
few = st.text("ab", max_size=8)
cased = st.text("aAkK\u212asS\u017fßẞ\u03c3ςΣİi\u0131ÅåȺⱥ😀\0", max_size=12)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
texts = st.lists(st.none() | few | cased | anything | few.map(lambda text: text * 9), max_size=8)
wanted = st.lists(few | cased | anything, max_size=10).map(
    lambda some: [text.encode() for text in some if text]
)


def column_of(rows):
    return StringColumn.of(pa.array(rows, pa.string_view()))


def prepared_from(values):
    return literals(sorted({b"ab", *values}))


@needs_extension
@given(wanted)
def test_trie_twins_agree(values):
    values = sorted({b"abab", *values})
    data = np.frombuffer(b"".join(values), dtype=np.uint8)
    offsets = np.cumsum([0, *map(len, values)], dtype=np.int64)
    for ours, theirs in zip(_selector.trie(data, offsets), _reference.trie(data, offsets), strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.tolist() == theirs.tolist()


@needs_extension
@settings(max_examples=100)
@given(wanted, texts, st.booleans(), st.booleans(), st.integers(1, 20))
def test_scan_twins_agree(values, rows, folded, longest_only, most):
    folds = fold_table() if folded else NO_FOLDS
    prepared, column = prepared_from(values), column_of(rows)
    parts = scan(prepared, column, folds=folds, longest_only=longest_only, most=most)
    whole, *_ = _reference.scan(prepared, column, folds, longest_only, (0, 0, len(rows)), 1 << 30)
    assert np.concatenate([np.empty((0, 4), np.int64), *parts]).tolist() == whole.tolist()


@given(wanted, texts)
def test_matches_are_all_occurrences(values, rows):
    values = sorted({b"ab", *values})
    expected = [
        [row, start, start + len(literal), number]
        for row, text in enumerate(rows)
        if text
        for start in range(len(text.encode()))
        for number, literal in sorted(enumerate(values), key=lambda pair: len(pair[1]))
        if text.encode().startswith(literal, start)
    ]
    found = np.concatenate([np.empty((0, 4), np.int64), *scan(literals(values), column_of(rows))])
    assert found.tolist() == expected


@given(wanted, texts, st.integers(0, 30))
def test_rows_do_not_look_at_each_other(values, rows, seed):
    prepared = prepared_from(values)
    order = np.random.default_rng(seed).permutation(len(rows))
    place = np.argsort(order)
    shuffled = column_of([rows[row] for row in order])

    def found(column):
        return [match for part in scan(prepared, column) for match in part.tolist()]

    moved = [[place[row], *match] for row, *match in found(column_of(rows))]
    assert sorted(moved) == sorted(found(shuffled))
