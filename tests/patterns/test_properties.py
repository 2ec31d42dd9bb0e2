"""What holds for every pattern and text."""

import re

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from consilience.patterns import PatternSet
from consilience.patterns.folding import fold, fold_point, fold_table

text = st.text("abAB kK\u212a\u017fsSßẞİi\u03c3ςΣé😀\n\0", max_size=15)
texts = st.lists(
    st.none() | text | st.text(st.characters(exclude_categories=["Cs"]), max_size=15), max_size=6
)
literals = st.lists(text.filter(bool), min_size=1, max_size=6, unique=True)


def occurrences(patterns, row, same):
    """Compare every slice of characters with every pattern: brute force."""
    for start in range(len(row)):
        for end in range(start + 1, len(row) + 1):
            for pattern in patterns:
                if same(pattern) == same(row[start:end]):
                    yield len(row[:start].encode()), len(row[:end].encode()), pattern


@given(literals, texts, st.booleans())
def test_literals_are_found_wherever_they_stand(patterns, rows, ignore_case):
    frame = PatternSet(patterns, ignore_case=ignore_case).scan(rows)
    found = frame.select("text", "start", "end", pl.col("pattern").cast(pl.String)).rows()
    same = fold if ignore_case else str
    expected = [
        (number, *match)
        for number, row in enumerate(rows)
        if row
        for match in occurrences(patterns, row, same)
    ]
    assert sorted(found) == sorted(expected)
    assert frame.equals(frame.sort("text", "start", "end", pl.col("pattern").to_physical()))


@given(literals, texts)
def test_without_overlaps_literals_are_found_like_an_alternation_that_prefers_the_longest(patterns, rows):
    alternation = "|".join(re.escape(pattern) for pattern in sorted(patterns, key=len, reverse=True))
    found = PatternSet(patterns, overlapping=False).scan(rows).select("text", "start", "end").rows()
    expected = [
        (number, *match.span())
        for number, row in enumerate(rows)
        if row
        for match in re.finditer(alternation.encode(), row.encode())
    ]
    assert found == expected


@given(st.sampled_from(["[ab]+", "a|ab|abk", "s.?", "(?:ab)+?k?", "[^a]", r"k\b", "(?m)^.", r"\S+\s"]), texts)
def test_regexes_are_found_where_python_finds_them(regex, rows):
    found = PatternSet(regexes=[regex]).scan(rows).select("text", "start", "end").rows()
    expected = [
        (number, *(len(row[:at].encode()) for at in match.span()))
        for number, row in enumerate(rows)
        if row and row.isascii()
        for match in re.finditer(regex, row)
    ]
    # Beyond ASCII the two disagree about classes, by their version of Unicode.
    ascii_rows = {number for number, row in enumerate(rows) if row and row.isascii()}
    assert [match for match in found if match[0] in ascii_rows] == expected


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_folding_twice_is_folding_once_and_keeps_the_number_of_characters(some):
    assert fold(fold(some)) == fold(some)
    assert len(fold(some)) == len(some)


def test_the_table_folds_like_the_rule():
    table = fold_table()
    for character in "aAzZ\u212a\u017fςẞßİ\u0131ÅΣ\u0345\u13a0\uab70\U00010400":
        point = ord(character)
        assert chr(table[point] if point < table.size else point) == fold_point(character)


def test_folding_never_makes_a_character_more_than_half_as_long_again():
    # The stage of the kernel has room for 3 bytes for 2.
    table = fold_table()
    for point in range(table.size):
        if table[point] != point:
            assert 2 * len(chr(table[point]).encode()) <= 3 * len(chr(point).encode())
