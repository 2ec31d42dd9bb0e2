import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import consilience as cs
from consilience.errors import InvalidChoices, InvalidInput, Unparseable


@pytest.mark.parametrize(
    ("raw", "score"),
    [("7", 7.0), (" 7.5. ", 7.5), ("7/10", 7.0), ("7 out of 10", 7.0), (7, 7.0), ("1e0", 1.0), ("-0", 0.0)],
)
def test_a_score_is_read_as_people_write_it(raw, score):
    assert cs.Score(0, 10).parse(raw) == score


@pytest.mark.parametrize(
    "raw", ["eleven", "11", "-1", "7/5", "7 or 8", "", "nan", "inf", None, True, [7], float("nan"), 10.5]
)
def test_what_is_no_score_of_the_scale_is_refused(raw):
    with pytest.raises(Unparseable, match="A number from 0 to 10 is required"):
        cs.Score(0, 10).parse(raw)


@pytest.mark.parametrize("settings", [{"low": 1, "high": 1}, {"high": float("inf")}, {"tolerance": -1}])
def test_a_scale_needs_bounds_in_order_and_a_tolerance(settings):
    with pytest.raises(InvalidInput):
        cs.Score(**settings)


def test_the_tolerance_decides_which_scores_are_near():
    assert cs.Score(0, 10).near(7.5, 7.0)
    assert not cs.Score(0, 10).near(8, 7)
    assert cs.Score(0, 10, tolerance=1).near(8, 7)


@given(st.floats(0, 10))
def test_a_score_survives_its_key(value):
    kind = cs.Score(0, 10)
    assert kind.parse(kind.key(value)) == value


@pytest.mark.parametrize(
    "raw",
    [
        ["safety", "cost", "speed"],
        "Safety > cost > SPEED",
        "safety, cost, speed.",
        "1. safety\n2. cost\n3. speed",
        "- safety\n- cost\n- speed",
        '["safety", "cost", "speed"]',
    ],
)
def test_a_ranking_is_read_as_people_write_it(raw):
    assert cs.Ranking("cost", "speed", "safety").parse(raw) == ("safety", "cost", "speed")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("cost, speed", "3 items in order are required, 2 came: safety missing"),
        ("cost, speed, speed", "'speed' came twice"),
        ("cost, speed, beauty", "'beauty' came"),
        ("", "empty"),
        (7, "int came"),
    ],
)
def test_what_is_no_order_of_the_items_is_refused(raw, why):
    with pytest.raises(Unparseable, match=why):
        cs.Ranking("cost", "speed", "safety").parse(raw)


def test_only_the_top_is_wanted_where_it_is_asked_for():
    kind = cs.Ranking("a", "b", "c", top=1)
    assert kind.parse("b") == ("b",)
    with pytest.raises(Unparseable, match="1 items in order are required, 2 came"):
        kind.parse("b, c")


def test_an_item_may_hold_a_comma_when_lines_part_the_items():
    kind = cs.Ranking("fast, cheap", "slow")
    assert kind.parse("1. slow\n2. fast, cheap") == ("slow", "fast, cheap")


def test_items_of_a_ranking_are_checked():
    with pytest.raises(InvalidChoices, match="A ranking needs at least two"):
        cs.Ranking("a")
    with pytest.raises(InvalidChoices, match="reads the same"):
        cs.Ranking("a", "A")
    with pytest.raises(InvalidInput, match="top is between 1 and the 2 items"):
        cs.Ranking("a", "b", top=3)


@given(st.permutations(["cost", "speed", "safety", "beauty"]))
def test_a_ranking_survives_its_key(order):
    kind = cs.Ranking("cost", "speed", "safety", "beauty")
    assert kind.parse(json.loads(kind.key(tuple(order)))) == tuple(order)


@pytest.mark.parametrize(
    ("kind", "given", "why"),
    [
        (cs.Score, {"low": "0", "high": "1"}, "low < high, '0' and '1' came"),
        (cs.Score, {"low": False, "high": True}, "low < high, False and True came"),
        (cs.Score, {"low": 0, "high": 1, "tolerance": "0.1"}, "tolerance is 0 or more, '0.1' came"),
        (cs.Items, {"max_items": "3"}, "max_items is a whole number from 1 up, '3' came"),
        (cs.Items, {"max_chars": 2.5}, "max_chars is a whole number from 1 up, 2.5 came"),
        (cs.Text, {"max_chars": True}, "max_chars is a whole number from 1 up, True came"),
    ],
)
def test_settings_of_a_kind_that_are_no_numbers_are_refused(kind, given, why):
    with pytest.raises(InvalidInput, match=why):
        kind(**given)


def test_the_top_of_a_ranking_is_a_whole_number():
    with pytest.raises(InvalidInput, match="top is between 1 and the 2 items, '1' came"):
        cs.Ranking("a", "b", top="1")


@pytest.mark.parametrize(
    ("said", "score"), [(".5", 0.5), ("**.5**", 0.5), ("-.5", -0.5), ("7.", 7), ('"7/10"', 7)]
)
def test_a_point_before_a_digit_belongs_to_the_number(said, score):
    assert cs.Score(-10, 10).parse(said) == score


@pytest.mark.parametrize("said", [",5", "\u00b2", "1\u00b2", "\u2461", "..5"])
def test_what_could_be_another_number_is_not_guessed(said):
    with pytest.raises(Unparseable):
        cs.Score(-10, 1000).parse(said)
