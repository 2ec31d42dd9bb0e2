"""Sets of words, their join and their matrix: what they promise, on both implementations, and that the twins agree."""

import signal
import threading
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.errors import InvalidInput
from consilience.kernels import (
    StringColumn,
    TokenSets,
    _reference,
    _selector,
    jaccard_matrix,
    near_join,
    words,
)

SCRIPTS = (
    "abcXYZ 019_.,'\"",
    "éÉßﬁ…½ŒΐΣςİıǅ ",
    "e\u0301\u0323\u0316\u0308\u3099\uff9e\u200d\u00ad\ufe0f\u0345 ",
    "漢字かなカナガ가각\u1161\u11a8\u1100",
    "हिन्दी्ािक़़ ",
    "ไทยุ่ำา",
    "עבריתּשׁ العربية\u064b\u0651\u0650",
    "\U0001f600\U00010400\U00020000\u00a8\ufdfa\u3000\x00\x7f",
)
scripted = st.lists(st.sampled_from(SCRIPTS), min_size=1, max_size=3, unique=True).flatmap(
    lambda pools: st.text(st.sampled_from("".join(pools)), max_size=60)
)
texts = st.lists(st.none() | st.text(max_size=20) | scripted, max_size=8)
few_words = st.lists(
    st.none()
    | st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "seventeen-letters"]), max_size=9).map(
        " ".join
    ),
    max_size=24,
)
thresholds = st.sampled_from(
    [Fraction(n, d) for n, d in [(2, 3), (3, 4), (1, 1), (7, 10), (51, 100), (1, 2), (1, 9)]]
)
needs_extension = pytest.mark.skipif(_selector.backend != "cython", reason="the extension is not in use")


def column(rows):
    return StringColumn.of(pa.array(rows, pa.string_view()))


def sets_of(rows, shingle=1, threads=1):
    sets = TokenSets(shingle, threads)
    sets.add(column(rows))
    return sets


def words_by_row(sets):
    ranked = sets.ranked()
    names = sets.words()
    return [sorted(names[word] for word in ranked.set_of(row)) for row in range(sets.n_rows)]


def expected(rows, shingle=1):
    return [sorted(set(words.shingles(words.words(row or ""), shingle))) for row in rows]


@needs_extension
@given(texts, st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=150)
def test_words_are_those_of_the_rule(rows, shingle, threads):
    assert words_by_row(sets_of(rows, shingle, threads)) == expected(rows, shingle)


@needs_extension
@pytest.mark.parametrize("first", range(0, 0x20000, 0x4000))
def test_every_character_folds_as_python_folds_it(first):
    points = [point for point in range(first, first + 0x4000) if not 0xD800 <= point < 0xE000]
    rows = [
        form
        for point in points
        for form in (chr(point), f"e{chr(point)}x", f"é{chr(point)}\u0316か{chr(point)}")
    ]
    assert words_by_row(sets_of(rows)) == expected(rows)


def test_words_are_told_apart_by_their_bytes(kernels):
    rows = ["a" * n + end for n in range(1, 40) for end in ("b", "c", "bc")]
    assert words_by_row(sets_of(rows)) == expected(rows)


def test_null_and_empty_rows_are_told_apart(kernels):
    assert sets_of(["", None, "...", "a a"]).ranked().size.tolist() == [0, -1, 0, 1]


def test_a_slice_of_an_array_is_read_where_it_begins(kernels):
    rows = pa.array(["no", None, "longer than twelve bytes", "yes", None], pa.string_view())[1:4]
    sets = TokenSets(threads=1)
    sets.add(StringColumn.of(rows))
    assert words_by_row(sets) == expected([None, "longer than twelve bytes", "yes"])


def test_rows_may_come_in_batches(kernels):
    sets = TokenSets(threads=2)
    for batch in (["b a", "c"] * 5, [], ["a b d"] * 9):
        sets.add(column(batch))
        sets.ranked()
    assert words_by_row(sets) == expected(["b a", "c"] * 5 + ["a b d"] * 9)


@needs_extension
def test_sets_in_use_cannot_be_changed():
    sets = sets_of(["a"])
    ranked = sets.ranked()
    with pytest.raises(InvalidInput, match="still in use; drop them first"):
        sets.add(column(["b"]))
    del ranked
    sets.add(column(["b"]))
    assert sets.n_rows == 2
    sets.ranked(last=True)
    with pytest.raises(InvalidInput, match="the vocabulary was given up"):
        sets.add(column(["c"]))


@needs_extension
@given(few_words, thresholds, st.sampled_from([(0, 0), (8, 2)]), st.integers(1, 3), st.booleans())
@settings(max_examples=150)
def test_join_twins_agree(rows, threshold, bands, threads, collect):
    sets = sets_of(rows).ranked()
    fraction = (threshold.numerator, threshold.denominator)
    ours = _selector.near_join(sets, fraction, bands, threads, collect)
    theirs = _reference.near_join(sets, fraction, bands, 1, collect)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.dtype == other.dtype
        assert mine.tolist() == other.tolist()


@given(few_words, thresholds, st.integers(1, 3))
def test_the_join_finds_what_the_definition_says(rows, threshold, shingle):
    found = [
        None if row is None else set(words) for row, words in zip(rows, expected(rows, shingle), strict=True)
    ]
    left, right = [], []
    for i, x in enumerate(found):
        for j, y in enumerate(found[:i]):
            if x is not None and y is not None and (x == y or len(x & y) >= threshold * len(x | y)):
                left.append(i)
                right.append(j)
    joined = near_join(sets_of(rows, shingle).ranked(), threshold, threads=1)
    assert (
        joined.labels.tolist()
        == _reference.union_find(np.array(left, int), np.array(right, int), len(rows)).tolist()
    )


@needs_extension
@given(few_words, st.integers(0, 3))
def test_matrix_twins_agree(rows, width):
    sets = sets_of(rows).ranked()
    offsets, flat = sets.flat()
    size = np.maximum(sets.size, 0)
    ours = _selector.jaccard_matrix(offsets, flat, size, sets.n_words, width, 2)
    theirs = _reference.jaccard_matrix(offsets, flat, size, sets.n_words, width, 1)
    assert ours.dtype == theirs.dtype
    assert ours.tolist() == theirs.tolist()


@given(few_words)
def test_similarity_is_symmetric_and_bounded(rows):
    matrix = jaccard_matrix(sets_of(rows).ranked(), threads=1)
    known = np.array([row is not None for row in rows], bool)
    assert np.array_equal(matrix, matrix.T, equal_nan=True)
    assert (np.isnan(matrix) == ~np.outer(known, known)).all()
    assert (np.diag(matrix)[known] == 1).all()


@needs_extension
def test_frequent_words_and_pairs_change_nothing():
    random = np.random.default_rng(3)
    rows = [" ".join(map(str, random.zipf(1.3, random.integers(1, 9)) % 40)) for _ in range(3_000)]
    sets = sets_of(rows).ranked()
    for threshold in (Fraction(7, 10), Fraction(2, 5)):
        fraction = (threshold.numerator, threshold.denominator)
        ours, theirs = (
            twin.near_join(sets, fraction, (0, 0), 2, False)[0] for twin in (_selector, _reference)
        )
        assert ours.tolist() == theirs.tolist()


@needs_extension
def test_a_long_text_is_taken():
    row = "word7 " * 8_000_000 + "Ünder " * 400_000
    assert words_by_row(sets_of([row, "x"])) == [["word7", "ünder"], ["x"]]


@pytest.mark.parametrize(
    ("threshold", "bands", "said"),
    [
        (Fraction(0), None, "threshold must be a fraction above 0, at most 1"),
        (Fraction(3, 2), None, "got 3/2"),
        (Fraction(1, 2), (0, 1), "bands must be two numbers between 1 and 500"),
    ],
)
def test_what_cannot_be_used_is_named(kernels, threshold, bands, said):
    with pytest.raises(InvalidInput, match=said):
        near_join(sets_of(["a"]).ranked(), threshold, bands=bands)


def test_a_shingle_has_a_word(kernels):
    with pytest.raises(InvalidInput, match="shingle must be a number of words from 1 up, got 0"):
        TokenSets(0)


# Every two rows share twenty words of twenty-four, a little less than the threshold.
CROWD = [f"{'a b c d e f g h i j k l m n o p q r s t'} {i} {i + 10**6}" for i in range(60_000)]


def reading(threads):
    rows = column(CROWD)
    return lambda: TokenSets(2, threads).add(rows)


def joining(threads):
    sets = sets_of(CROWD, threads=2).ranked()
    return lambda: near_join(sets, Fraction(21, 23), threads=threads)


def comparing(threads):
    sets = sets_of(CROWD[:4_000]).ranked()
    return lambda: jaccard_matrix(sets, threads=threads)


def for_ever(work):
    while True:
        work()


@needs_extension
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("start", [reading, joining, comparing])
def test_an_interrupt_ends_the_work(start, threads):
    work = start(threads)
    main = threading.main_thread().ident
    timer = threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for_ever(work)


@needs_extension
@pytest.mark.parametrize("start", [reading, joining, comparing])
def test_other_threads_run_meanwhile(start):
    work = start(1)
    ended, ticks, during = threading.Event(), [], []

    def tick():
        while not ended.wait(0.001):
            ticks.append(None)

    ticker = threading.Thread(target=tick)
    ticker.start()
    # A call that keeps the interpreter lets one tick through. A short one on a loaded machine may be over before the
    # other thread had a processor, so that several are tried, each counted by itself.
    while len(during) < 50 and max(during, default=0) < 3:
        before = len(ticks)
        work()
        during.append(len(ticks) - before)
    ended.set()
    ticker.join()
    assert max(during) >= 3
