"""Deep sizes."""

import sys
from collections import deque
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
import pytest

from consilience.models import Example, Question
from consilience.policies import deep_size

TEXT = "x" * 100_000


@dataclass
class Held:
    text: str


class Slotted:
    __slots__ = ("__private", "text", "unset")

    def __init__(self, text):
        self.text = text
        self.__private = text + "y"


class Looping:
    def __init__(self):
        self.me = self
        self.text = TEXT


@pytest.mark.parametrize(
    "value",
    [
        TEXT,
        TEXT.encode(),
        bytearray(TEXT.encode()),
        [TEXT],
        (TEXT,),
        {TEXT},
        frozenset([TEXT]),
        deque([TEXT]),
        {"key": TEXT},
        {TEXT: "value"},
        [[[TEXT]]],
        Held(TEXT),
        Looping(),
        Question("Is it long?", examples=(Example(TEXT, "yes"),)),
        np.zeros(100_000, np.uint8),
        np.zeros(400_000, np.uint8)[:100_000],
        np.array([TEXT], dtype=object),
        pl.Series([TEXT]),
        pl.DataFrame({"text": [TEXT]}),
        pl.DataFrame({"text": [TEXT]}).to_arrow(),
        memoryview(TEXT.encode()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_holds_a_long_text_is_as_large_as_it(value):
    assert 100_000 <= deep_size(value) < 102_500


def test_pandas_frames_count_their_texts():
    assert deep_size(pd.DataFrame({"text": [TEXT]}, dtype=object)) >= 100_000
    assert deep_size(pd.Series([TEXT], dtype=object)) >= 100_000


def test_slots_are_followed_also_private_and_empty_ones():
    assert 200_000 < deep_size(Slotted(TEXT)) < 201_000


def test_an_object_that_is_held_twice_counts_once():
    assert deep_size([TEXT] * 10) < 101_000


def test_a_small_value_is_as_large_as_python_says():
    assert deep_size(None) == sys.getsizeof(None)
    assert deep_size(7) == sys.getsizeof(7)


def test_classes_modules_and_functions_count_nothing():
    assert deep_size([Held, sys, deep_size, TEXT.upper]) == sys.getsizeof([1, 2, 3, 4])


def test_an_attribute_that_is_called_nbytes_but_is_no_number_is_passed_over():
    class Strange:
        nbytes = "many"

    assert 0 < deep_size(Strange()) < 1000
