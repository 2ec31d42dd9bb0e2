"""When a Delphi inquiry stops, and what it says."""

import polars as pl
import pytest

from consilience.aggregate import delphi_stop
from consilience.errors import InvalidFrame, InvalidInput

APART, NEAR = [1, 1, 9, 9], [4, 5, 5, 5]


def asked(scores, task=1):
    return {"task": [task] * len(scores), "expert": list("abcdefgh")[: len(scores)], "score": scores}


def state(found):
    return found.tasks["state"].to_list()


def test_a_narrow_range_is_agreement_and_stops():
    found = delphi_stop([asked(APART), asked(NEAR)], agreed=1)
    assert found
    assert found.reason == "1 task agreed"
    row = found.tasks.row(0, named=True)
    assert (row["median"], row["spread"], row["answered"], row["left"]) == (5, 0.25, 4, 0)


def test_nothing_stops_before_the_experts_saw_each_others_answers():
    found = delphi_stop([asked(NEAR)], agreed=1)
    assert not found
    assert found.reason == "1 task agreed; round 1 of at least 2"
    assert delphi_stop([asked(NEAR)], agreed=1, min_rounds=1)


def test_two_camps_that_move_no_more_stop_without_agreement():
    found = delphi_stop([asked(APART), asked(APART)], agreed=1)
    assert found
    assert state(found) == ["settled apart"]


def test_a_median_that_moves_goes_on_though_the_range_stands_still():
    found = delphi_stop([asked([1, 2, 6, 9]), asked([3, 4, 8, 11])], agreed=1)
    assert not found
    assert state(found) == ["moving"]
    assert delphi_stop([asked([1, 2, 6, 9]), asked([3, 4, 8, 11])], agreed=1, settled=1)


def test_the_last_round_stops_in_any_case_and_says_so():
    rounds = [asked([n, 2 * n, 6 * n, 9 * n]) for n in (1, 2, 3, 4)]
    assert not delphi_stop(rounds[:3], agreed=1)
    found = delphi_stop(rounds, agreed=1)
    assert found
    assert found.reason == "1 task moving; the 4 rounds are used up"


def test_a_range_that_narrowed_because_experts_left_shows_who_left():
    found = delphi_stop([asked(APART), asked([1, 1, 1, None])], agreed=1)
    assert state(found) == ["agreed"]
    assert found.tasks["left"].to_list() == [1]


def test_a_task_with_too_few_answers_holds_no_other_up():
    rounds = [pl.concat([pl.DataFrame(asked(NEAR, 1)), pl.DataFrame(asked([1, 9], 2))])] * 2
    found = delphi_stop(rounds, agreed=1)
    assert found
    assert found.reason == "1 task agreed, 1 task with too few answers"


def test_a_task_that_was_not_asked_again_stands_as_it_was():
    both = pl.concat([pl.DataFrame(asked(NEAR, 1)), pl.DataFrame(asked(APART, 2))])
    found = delphi_stop([both, asked(NEAR, 2)], agreed=1)
    assert found.tasks.select("task", "state").rows() == [(1, "agreed"), (2, "agreed")]
    assert found.history.height == 3


def test_one_frame_with_rounds_is_the_same_as_a_frame_a_round():
    frames = [asked(APART), asked(NEAR)]
    whole = pl.concat([pl.DataFrame(each).with_columns(round=n) for n, each in enumerate(frames)])
    one, many = delphi_stop(whole, agreed=1), delphi_stop(frames, agreed=1)
    assert repr(one) == repr(many) == "<DelphiStop after round 2: stop, 1 task agreed>"
    assert one.history.equals(many.history)
    assert one.to_polars() is one.tasks


def test_names_are_escaped_in_html():
    frames = [asked(NEAR, "<script>")] * 2
    assert "<script>" not in delphi_stop(frames, agreed=1)._repr_html_()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"agreed": -1}, "agreed is 0 or more"),
        ({"agreed": 1, "settled": -1}, "settled is 0 or more"),
        ({"agreed": 1, "min_rounds": 5}, "min_rounds <= max_rounds"),
        ({"agreed": 1, "min_experts": 1}, "min_experts is 2 or more"),
    ],
)
def test_options_outside_their_range_are_refused(options, why):
    with pytest.raises(InvalidInput, match=why):
        delphi_stop([asked(NEAR)], **options)


def test_rounds_that_cannot_be_used_say_which():
    with pytest.raises(InvalidInput, match="At least one round is required"):
        delphi_stop([], agreed=1)
    with pytest.raises(InvalidFrame, match="Round 2: .* score is missing"):
        delphi_stop([asked(NEAR), {"task": [1], "expert": ["a"]}], agreed=1)
    with pytest.raises(InvalidFrame, match="round is missing"):
        delphi_stop(asked(NEAR), agreed=1)
    with pytest.raises(InvalidFrame, match="'round' must be filled, row 1 is null"):
        delphi_stop({"round": [1, None], "task": [1, 1], "expert": ["a", "b"], "score": [1, 2]}, agreed=1)
    with pytest.raises(InvalidFrame, match="name tasks by one type"):
        delphi_stop([asked(NEAR), asked(NEAR, "1")], agreed=1)
