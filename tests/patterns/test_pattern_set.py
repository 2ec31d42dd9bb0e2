"""What a set of patterns promises to its user."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import consilience as cs
from consilience.errors import InvalidInput
from consilience.patterns import PatternSet


def rows(frame):
    return frame.with_columns(pl.col("pattern").cast(pl.String)).rows()


def test_the_frame_has_its_columns_also_without_a_match():
    frame = PatternSet(["a"]).scan([])
    assert dict(frame.schema) == {
        "text": pl.UInt32,
        "pattern": pl.Enum(["a"]),
        "start": pl.Int64,
        "end": pl.Int64,
    }


def test_it_is_reached_from_the_package():
    assert cs.PatternSet is PatternSet
    assert cs.patterns.PatternSet is PatternSet


def test_patterns_bear_the_names_that_they_were_given():
    patterns = PatternSet({"greeting": "hello", "same": "hello"}, {"digits": r"\d+"})
    assert patterns.names == ["greeting", "same", "digits"]
    assert rows(patterns.scan(["7 hello"])) == [
        (0, "digits", 0, 1),
        (0, "greeting", 2, 7),
        (0, "same", 2, 7),
    ]


def test_matches_are_sorted_by_text_start_end_and_the_order_of_the_patterns():
    patterns = PatternSet(literals={"z": "ab", "y": "a", "x": "a"}, regexes={"w": "a", "v": "ab"})
    assert [row[1] for row in rows(patterns.scan(["ab"]))] == ["y", "x", "w", "z", "v"]


@pytest.mark.parametrize(
    "texts",
    [
        ["a", None, "ba"],
        ("a", None, "ba"),
        pl.Series(["a", None, "ba"]),
        pl.Series(["a", None, "ba"], dtype=pl.Categorical),
        pa.array(["a", None, "ba"]),
        pa.chunked_array([["a"], [None, "ba"]]),
        np.array(["a", None, "ba"], dtype=object),
        pl.concat([pl.Series(["a", None]), pl.Series(["ba"])], rechunk=False),
    ],
    ids=["list", "tuple", "polars", "categorical", "arrow", "chunked", "numpy", "chunks"],
)
def test_texts_come_from_anywhere(texts):
    assert rows(PatternSet(["a"]).scan(texts)) == [(0, "a", 0, 1), (2, "a", 1, 2)]


def test_texts_come_from_pandas():
    pandas = pytest.importorskip("pandas")
    assert rows(PatternSet(["a"]).scan(pandas.Series(["a", None, "ba"]))) == [(0, "a", 0, 1), (2, "a", 1, 2)]


def test_case_folds_simply_and_offsets_are_those_of_the_text():
    patterns = PatternSet(["Kelvin", "ΟΔΟΣ", "straße", "İ"], ignore_case=True)
    found = rows(patterns.scan(["\u212aELVIN", "οδος", "STRAẞE STRASSE", "i̇ İ"]))
    assert found == [(0, "Kelvin", 0, 8), (1, "ΟΔΟΣ", 0, 8), (2, "straße", 0, 8), (3, "İ", 4, 6)]


def test_case_folds_in_regexes_by_the_same_rule():
    found = rows(
        PatternSet(regexes=["k[e]lvin", "οδοσ"], ignore_case=True).scan(["\u212aELVIN", "ΟΔΟΣ οδος"])
    )
    assert found == [(0, "k[e]lvin", 0, 8), (1, "οδοσ", 0, 8), (1, "οδοσ", 9, 17)]


def test_overlaps_can_be_left_out():
    found = PatternSet(["he", "hers", "she", "ushe"], overlapping=False).scan(["ushers hers"])
    assert rows(found) == [(0, "ushe", 0, 4), (0, "hers", 7, 11)]


def test_matches_of_a_regex_do_not_overlap_and_prefer_what_stands_first():
    patterns = PatternSet(regexes={"pairs": "aa", "first": "a|aa|b", "lazy": "a+?b", "anchor": "^a"})
    assert rows(patterns.scan(["aaab"])) == [
        (0, "first", 0, 1),
        (0, "anchor", 0, 1),
        (0, "pairs", 0, 2),
        (0, "lazy", 0, 4),
        (0, "first", 1, 2),
        (0, "first", 2, 3),
        (0, "first", 3, 4),
    ]


def test_regex_offsets_are_bytes_and_gaps_may_hold_anything():
    found = rows(PatternSet(regexes=[r"\w+"]).scan(["é\n\nöß\0 x", None, "\n"]))
    assert found == [(0, r"\w+", 0, 2), (0, r"\w+", 4, 8), (0, r"\w+", 10, 11)]


def test_batches_join_to_the_scan_and_are_bounded():
    patterns, texts = PatternSet(["a", "aa"], threads=1), ["a" * 300_000, "b", "aa"]
    frames = list(patterns.scan_batches(texts))
    assert pl.concat(frames).equals(patterns.scan(texts))
    assert max(map(len, frames)) <= (1 << 18) + 1
    assert len(frames) > 2


def test_threads_change_nothing():
    texts = [f"{number} the quick brown fox {number % 97}" * 4 for number in range(120_000)]
    one, two = (PatternSet(["fox 9", "1", "quick"], ["[5-7]{3}"], threads=n).scan(texts) for n in (1, 2))
    assert one.equals(two)


def test_counting_counts_matches_and_texts():
    counts = PatternSet({"one": "a", "none": "c"}, {"two": "[ab]+"}).count(["aab", "a", None, "b"])
    assert rows(counts) == [("one", 3, 2), ("none", 0, 0), ("two", 3, 3)]


def test_containing_keeps_nulls_apart():
    answers = PatternSet(["a"], ["[0-9]"]).contains(pl.Series("text", ["a", "b", None, "1"]))
    assert answers.to_list() == [True, False, None, True]
    assert answers.name == "text"


def test_the_set_says_what_finds_its_patterns():
    patterns = PatternSet(["a"], ["b"])
    assert set(patterns.engines) == {"literals", "regexes"}
    assert repr(patterns) == "PatternSet(1 literals, 1 regexes, ignore_case=False, overlapping=True)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "At least one pattern is required, none came"),
        ({"literals": ["a", ""]}, "A pattern must not be empty, the one named '' in literals is"),
        ({"literals": {"x": ""}}, "the one named 'x' in literals is"),
        ({"regexes": [""]}, "the one named '' in regexes is"),
        ({"literals": ["a", "b", "a"]}, "A name stands for one pattern, 'a' comes twice"),
        ({"literals": ["a"], "regexes": ["a"]}, "'a' comes twice"),
        ({"literals": "abc"}, "literals must be a sequence of strings or a mapping .* got str"),
        ({"literals": 3}, "literals must be a sequence .* got int"),
        ({"literals": [b"a"]}, "literals must be strings, got b'a'"),
        ({"regexes": {"x": None}}, "regexes must be strings, got None named 'x'"),
        ({"literals": {"x": "\ud800"}}, r"must be encodable as UTF-8, '\\ud800' is not"),
        ({"regexes": ["(a"]}, r"The regex '\(a' is not one that Rust's regex crate takes"),
        ({"regexes": [r"(a)\1"]}, "back-references are left out"),
        ({"regexes": ["a*"]}, "A regex must match at least one character, 'a\\*' matches the empty text"),
        ({"literals": ["a"], "threads": 0}, "threads must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_used_is_named(arguments, said):
    with pytest.raises(InvalidInput, match=said):
        PatternSet(**arguments)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("abc", "A sequence or series of texts is required, a str came"),
        (pl.DataFrame({"text": ["a"]}), "a DataFrame came; pass a list, or one column"),
        ([1, 2], "Texts must be strings or null"),
        (pl.Series([1]), "Texts must be strings, got Int64"),
        (7, "Texts must be strings or null"),
    ],
)
def test_texts_that_cannot_be_used_are_named(texts, said):
    with pytest.raises(InvalidInput, match=said):
        PatternSet(["a"]).scan(texts)


def test_a_regex_that_turns_out_to_match_nothing_is_named():
    with pytest.raises(InvalidInput, match=r"'\\\\b' matches the empty text"):
        PatternSet(regexes=[r"\b"]).scan(["a b"])
