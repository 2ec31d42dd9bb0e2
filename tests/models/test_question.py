import pytest

from consilience.errors import EmptyQuestion, InvalidInput, Unparseable
from consilience.models import Example, Label, Question, Reply, Usage


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_an_empty_question_is_refused(text):
    with pytest.raises(EmptyQuestion, match="needs a text"):
        Question(text)


def test_a_question_is_a_text():
    with pytest.raises(InvalidInput, match="a int came"):
        Question(3)


def test_an_answer_kind_given_as_text_says_what_to_write():
    with pytest.raises(InvalidInput, match="cs.Label"):
        Question("Is it?", "yes,no")


def test_an_example_outside_the_choices_is_refused_where_it_is_given():
    with pytest.raises(InvalidInput, match="'Is it\\?'.*maybe"):
        Question("Is he?", Label("yes", "no"), examples=[("Is it?", "maybe")])


def test_pairs_become_examples():
    assert Question("Is he?", examples=[("Is it?", "Yes.")]).examples == (Example("Is it?", "Yes."),)


def test_the_digest_changes_with_whatever_an_expert_is_shown():
    label = Label("yes", "no")
    shown = [
        Question("a"),
        Question("b"),
        Question("a", label),
        Question("a", context="c"),
        Question("a", examples=[("x", "y")]),
    ]
    assert len({question.digest for question in shown}) == len(shown)
    assert Question("a").digest == shown[0].digest


def test_a_lone_surrogate_has_a_digest():
    assert len(Question("\ud800").digest) == 64


@pytest.mark.parametrize("confidence", [100, -0.1, float("nan")])
def test_a_confidence_outside_its_bounds_is_unparseable(confidence):
    with pytest.raises(Unparseable, match="between 0 and 1"):
        Reply("yes", confidence=confidence)


def test_an_unknown_cost_stays_unknown_in_a_sum():
    assert (Usage(1, 1, 0.5) + Usage(1, None, None)) == Usage(2, None, None)
