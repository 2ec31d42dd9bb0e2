"""Values as JSON: exact or refused."""

import enum
import math
import pickle
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.errors import InvalidInput
from consilience.models import ConfidenceSource, Reply, Usage
from consilience.policies import Json

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=())),
    st.binary(max_size=20),
)
KEYS = st.one_of(
    st.text(max_size=4), st.just("$tuple"), st.integers(), st.booleans(), st.none(), st.tuples(st.text())
)
VALUES = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.lists(parts, max_size=4),
        st.lists(parts, max_size=4).map(tuple),
        st.dictionaries(KEYS, parts, max_size=4),
    ),
    max_leaves=12,
)


def same(left, right):
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return len(left) == len(right) and all(
            key in right and same(value, right[key]) for key, value in left.items()
        )
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


@given(VALUES)
def test_every_value_comes_back_equal_and_of_its_type(value):
    codec = Json()
    assert same(codec.loads(codec.dumps(value)), value)


@given(st.one_of(st.text(), st.binary(), VALUES.map(pickle.dumps)))
def test_any_text_is_read_or_refused_with_one_error(text):
    with suppress(InvalidInput):
        assert Json().loads(text) is not Ellipsis


def test_nan_comes_back():
    codec = Json()
    assert math.isnan(codec.loads(codec.dumps(math.nan)))


def test_equal_dictionaries_have_one_text():
    codec = Json()
    assert codec.dumps({"a": 1, "b": 2}) == codec.dumps({"b": 2, "a": 1})
    assert codec.dumps({1: 1, 2: 2}) == codec.dumps({2: 2, 1: 1})


def test_dataclasses_and_enumerations_that_are_allowed_come_back():
    codec = Json(types=[Reply, Usage, ConfidenceSource])
    reply = Reply(("shard", "index"), 0.5, ConfidenceSource.TOKENS, (("yes", 0.5),), Usage(1, 2, 0.0))
    back = codec.loads(codec.dumps(reply))
    assert back == reply
    assert back.confidence_source is ConfidenceSource.TOKENS


class Colour(enum.Enum):
    RED = 1


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, Colour.RED, Point(1), ConfidenceSource.TOKENS, bytearray(b"x")]
)
def test_what_would_not_come_back_as_it_is_is_refused_when_written(value):
    with pytest.raises(InvalidInput, match=f"a {type(value).__name__} came: allow its type"):
        Json().dumps([value])


@pytest.mark.parametrize(
    "text",
    [
        '{"$Point": {"x": 1}}',
        '{"$os.system": "true"}',
        '{"$tuple": 5}',
        '{"$bytes": "?"}',
        '{"$tuple": [], "b": 1}',
    ],
)
def test_tags_that_are_not_allowed_or_malformed_are_refused_when_read(text):
    with pytest.raises(InvalidInput, match="something else came"):
        Json().loads(text)


def test_nests_are_bounded_in_both_directions():
    deep = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(InvalidInput, match="nested 100 deep"):
        Json().dumps(deep)
    with pytest.raises(InvalidInput):
        Json().loads("[" * 100_000 + "]" * 100_000)


def test_only_dataclasses_and_enumerations_can_be_allowed():
    with pytest.raises(InvalidInput, match="int came"):
        Json(types=[int])
