"""With Hyperscan in front, regexes are found where they are found without it."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.errors import InvalidInput
from consilience.patterns import PatternSet
from consilience.patterns.row_filter import RowFilter, read_alike

pytest.importorskip("hyperscan", reason="the extra scan is not installed")

atoms = st.sampled_from(
    ["a", "b", "k", "ab", "-", " ", "_", "[ab]", "[^a]", "[a-k_]", r"[^\s]", "[[:alpha:]]", ".", r"\d", r"\w", r"\s",
     r"\W", r"\b", r"\B", "^", "$", r"\.", r"\n", "é", "(?i:K)", "(?s:.)", "(?m:^)", "[a&&b]", r"\<", "\0", r"\A",
     r"\z"]
)  # fmt: skip
regexes = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        inner.map("(?:{})".format),
        st.tuples(
            inner.map("({})".format), st.sampled_from(["*", "+", "?", "{2}", "{1,}", "+?", "??", "++"])
        ).map("".join),
    ),
    max_leaves=6,
)
texts = st.lists(st.none() | st.text("abkK-_ .1é\u212a\u0661\n\v\0", max_size=8), max_size=5)


def usable(regex, ignore_case):
    try:
        PatternSet(regexes=[regex], ignore_case=ignore_case, regex_engine="polars").scan(
            ["ab K-_1\n", "é", ""]
        )
    except InvalidInput:
        return False
    return True


@settings(max_examples=60)
@given(st.lists(regexes, min_size=1, max_size=4, unique=True), texts, st.booleans())
def test_the_engine_changes_no_match(wanted, rows, ignore_case):
    wanted = [regex for regex in wanted if usable(regex, ignore_case)]
    if not wanted:
        return
    frames = []
    for engine in ("polars", "hyperscan"):
        patterns = PatternSet(regexes=wanted, ignore_case=ignore_case, regex_engine=engine)
        try:
            frames.append(patterns.scan(rows).rows())
        except InvalidInput as error:
            frames.append(str(error))
    # A regex that matches the empty text somewhere is refused where it is looked for.
    if isinstance(frames[0], list):
        assert frames[0] == frames[1]


@pytest.mark.parametrize(
    "regex",
    ["é", "[a&&b]", "[a--b]", "[a~~b]", "[[a-z]b]", r"\<a", r"\b{start}a", "a{,2}", r"\pL", r"\x41", "(?m:^a)",
     "(?x: a)", "(?i)a", "[]a]", r"[\b]", "a\0", r"\v"],
)  # fmt: skip
def test_what_the_engines_read_differently_is_left_to_polars(regex):
    assert not read_alike(regex)


def test_what_hyperscan_refuses_is_left_to_polars():
    wanted = ["(?:a++b)", "(?:ab)", "(?:a{1,100000}c)"]
    assert RowFilter(wanted).taken == [1]
    patterns = PatternSet(regexes=["a++b", "ab"], regex_engine="hyperscan")
    assert patterns.engines == {"regexes": "polars, behind hyperscan 1 of 2"}
    assert len(patterns.scan(["aab", "x"])) == 2


def test_threads_share_a_filter():
    rows = [f"{number} the quick brown fox " * 25 for number in range(30_000)]
    one, two = (
        PatternSet(regexes=[r"77\d7"], regex_engine="hyperscan", threads=n).scan(rows) for n in (1, 2)
    )
    assert one.equals(two)
    assert len(one)


def test_an_engine_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    with pytest.raises(InvalidInput, match=r"not installed; pip install 'consilience\[scan\]'"):
        PatternSet(regexes=["a"], regex_engine="hyperscan")
    assert PatternSet(regexes=["a"]).engines == {"regexes": "polars"}


def test_an_engine_that_does_not_exist_is_named():
    with pytest.raises(InvalidInput, match="regex_engine is one of auto, hyperscan, polars, 're' came"):
        PatternSet(regexes=["a"], regex_engine="re")
