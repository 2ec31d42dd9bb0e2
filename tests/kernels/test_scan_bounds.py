"""Scans that are large or made to be slow: compared with Python's own search."""

import re

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from consilience.kernels import StringColumn, _selector, literals, scan
from consilience.patterns.folding import fold_table

pytestmark = pytest.mark.skipif(_selector.backend != "cython", reason="the extension is not in use")


def column(*texts):
    return StringColumn.of(pa.array(texts, pa.string_view()))


def find(values, *texts, **options):
    parts = [np.empty((0, 4), dtype=np.int64), *scan(literals(sorted(values)), column(*texts), **options)]
    return np.concatenate(parts)


def occurrences(text, literal):
    return [match.start() for match in re.finditer(f"(?={re.escape(literal)})", text)]


def test_a_row_of_many_pieces_is_one_text():
    text = "abcde fghij klmno " * 80_000
    found = find([b"klmno abc", b"o a", b"fghij k"], text)
    for number, literal in enumerate(["fghij k", "klmno abc", "o a"]):
        assert found[found[:, 3] == number, 1].tolist() == occurrences(text, literal)


@pytest.mark.parametrize("folds", [np.empty(0, dtype=np.int32), fold_table()], ids=["bytes", "folded"])
def test_pieces_join_also_where_matches_do_not_overlap(folds):
    # Three does not divide the size of a piece: matches lie across the limits.
    text = "\u212a" + "abc" * 400_000
    found = find([b"abcabcabcab", b"cab"], text, longest_only=True, folds=folds)
    expected = [match.span() for match in re.finditer(b"abcabcabcab|cab", text.encode())]
    assert np.array_equal(found[:, 1:3], expected)


def test_folding_that_shortens_every_character_keeps_offsets():
    text = "\u212a" * 600_000
    found = find([b"kkkkk"], text, folds=fold_table())
    assert found[:, 1].tolist() == list(range(0, 3 * (600_000 - 4), 3))
    assert (found[:, 2] - found[:, 1] == 15).all()


@pytest.mark.parametrize("longest_only", [False, True])
def test_walks_in_vain_change_nothing_but_the_method(longest_only):
    text = "a" * 100_000 + "b" + "a" * 30_000
    values = [b"a" * 3000 + b"b", b"a" * 999 + b"c", b"aaaaab"]
    found = find(values, "aab", text, "b", longest_only=longest_only)
    starts = sorted([100_000 - 3000] if longest_only else [100_000 - 3000, 100_000 - 5])
    assert found[:, :2].tolist() == [[1, start] for start in starts]


@pytest.mark.parametrize("seed", range(20))
def test_both_methods_find_the_same_in_periodic_text(seed):
    random = np.random.default_rng(seed)

    def periodic(most):
        period = "".join(random.choice(["a", "b", "ab"], random.integers(1, 4)))
        return (period * most)[: random.integers(most // 2, most)] + str(random.choice(["", "a", "b", "c"]))

    values = sorted({periodic(int(random.integers(2, 1500))) for _ in range(8)} - {""})
    texts = [periodic(40_000) + periodic(300) for _ in range(2)]
    found = find([value.encode() for value in values], *texts)
    expected = [
        (row, start, start + len(value), number)
        for row, text in enumerate(texts)
        for number, value in enumerate(values)
        for start in occurrences(text, value)
    ]
    assert [tuple(match) for match in found.tolist()] == sorted(expected)


def test_every_row_is_visited_when_rows_are_many_and_small():
    texts = ["ab", "b", "", None, "aab"] * 60_000
    found = find([b"ab"], *texts)
    assert found[:, 0].tolist() == [row for row in range(300_000) if row % 5 in (0, 4)]
    assert set((found[:, 1] - (found[:, 0] % 5 == 4)).tolist()) == {0}


def test_thirty_thousand_literals_are_found_each_once():
    # Their grams fill the largest table of the sieve.
    values = [f"key-{number:06d};" for number in range(30_000)]
    found = find([value.encode() for value in values], *("x" + value for value in reversed(values)))
    assert found.tolist() == [[row, 1, 12, 29_999 - row] for row in range(30_000)]


def test_a_text_of_fifty_megabytes_is_one_row():
    text = "x" * 25_000_000 + "needle" + "é" * 12_500_000 + "needle"
    found = find([b"needle", "éneed".encode()], text, None, "")
    expected = [(25_000_000, 6, 0), (50_000_004, 6, 1), (50_000_006, 6, 0)]
    assert found.tolist() == [[0, start, start + size, number] for start, size, number in expected]


def test_rows_out_of_memory_order_are_found_like_others():
    texts = pl.Series([f"row number {number:>8} says needle" for number in range(5000)])
    order = np.random.default_rng(0).permutation(5000)
    array = texts.gather(order).to_arrow(compat_level=pl.CompatLevel.newest())
    found = np.concatenate(list(scan(literals([b"8 says", b"needle"]), StringColumn.of(array))))
    assert (found[:, 3] == 1).sum() == 5000
    eights = found[found[:, 3] == 0, 0]
    assert (order[eights] % 10 == 8).all()
    assert eights.size == 500
