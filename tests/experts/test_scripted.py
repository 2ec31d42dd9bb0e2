import pytest

import consilience as cs
from consilience.errors import InvalidInput


def test_a_list_is_gone_through_again_and_again():
    circle = cs.Circle([cs.Scripted("a", ["one", "two"])])
    assert [circle.ask_sync("Which?").answer for _ in range(3)] == ["one", "two", "one"]


def test_a_mapping_answers_by_text_and_misses_otherwise():
    circle = cs.Circle([cs.Scripted("a", {"Is it?": "yes"})])
    assert circle.ask_sync("Is it?").answer == "yes"
    assert "no line for 'Is he?'" in circle.ask_sync("Is he?").responses[0].reason


@pytest.mark.parametrize(("answers", "latency"), [("yes", 0), ([], 0), ({}, 0), (["yes"], -1)])
def test_a_script_that_cannot_be_is_refused(answers, latency):
    with pytest.raises(InvalidInput):
        cs.Scripted("a", answers, latency=latency)
