import random

import polars as pl
import pytest

from consilience.models import Label, Outcome, Question, Response, Source
from consilience.runs.collected import ROW_NUMBER, Collected
from consilience.verdict import decide

QUESTION = Question("Is it so?", Label("yes", "no"))
SAID = [
    Response(
        question_id=QUESTION.id, expert=name, source=Source.SCRIPTED, outcome=Outcome.ANSWERED, answer="yes"
    )
    for name in ("ana", "ben")
]
VERDICT = decide(QUESTION, SAID)


def collected(numbers):
    found = Collected("id", pl.String(), ["ana", "ben"])
    for number in numbers:
        found.add(number, f"key {number}", VERDICT, 0)
    return found


def mixed(n):
    numbers = list(range(n))
    random.Random(7).shuffle(numbers)
    return numbers


@pytest.mark.parametrize(
    "numbers",
    [
        range(3),
        range(10_000),
        reversed(range(10_000)),
        mixed(40_000),  # more than are kept open, so that parts are packed in pieces
        [*(n for n in range(50_000) if n % 4096), *(n for n in range(50_000) if not n % 4096)],
    ],
    ids=["few", "in order", "backwards", "mixed", "one late in each part"],
)
def test_rows_stand_in_the_order_of_the_frame_however_they_come(numbers):
    found = collected(numbers := list(numbers))
    frame, answers = found.frame(), found.answers()
    expected = [f"key {n}" for n in range(len(numbers))]
    assert frame[ROW_NUMBER].to_list() == list(range(len(numbers)))
    assert frame["id"].to_list() == expected
    assert answers["task"].to_list() == [key for key in expected for _ in range(2)]
    assert answers["expert"].cast(pl.String).to_list() == ["ana", "ben"] * len(numbers)


def test_what_came_can_be_read_before_the_rest_comes():
    found = collected([5, 2])
    assert found.frame()["id"].to_list() == ["key 2", "key 5"]
    found.add(3, "key 3", VERDICT, 0)
    assert found.frame()["id"].to_list() == ["key 2", "key 3", "key 5"]
    assert found.answers().height == 6


def test_nothing_is_a_frame_too():
    found = collected([])
    assert (found.frame().height, found.answers().height) == (0, 0)
    assert found.answers().columns == ["task", "expert", "outcome", "label", "confidence", "cost_usd"]
