import pytest

import consilience as cs
from consilience import templates
from consilience.errors import EmptyQuestion, InvalidInput
from consilience.templates import CODE_REVIEW, REVIEW, Template

ALL = [getattr(templates, name) for name in templates.__all__ if name.isupper()]


@pytest.mark.parametrize("template", ALL)
def test_each_template_asks_a_question_of_its_kind(template):
    question = template.question("x = 1")
    assert question.text == f"{template.request}\n\nx = 1"
    assert question.answer == template.answer
    assert question.context is None


def test_constraints_stand_in_the_question_and_references_in_the_material():
    question = CODE_REVIEW.question(
        "x = 1", context="A script.", constraints=["Python 3.11", "no new dependency"], references=["PEP 8"]
    )
    assert question.text.endswith("x = 1\n\nHold to this:\n- Python 3.11\n- no new dependency")
    assert question.context == "A script.\n\nReferences:\n- PEP 8"
    assert CODE_REVIEW.question("x", references=["PEP 8"]).context == "References:\n- PEP 8"


def test_a_template_has_examples_and_another_kind_of_answer_leaves_them_out():
    template = Template("You judge.", "Is it good?", cs.Label("yes", "no"), (("x", "no"),))
    assert template.question("y").examples[0].answer == "no"
    assert template.question("y", answer=cs.Score(0, 10)).examples == ()


def test_the_expert_of_a_template_has_its_role_and_its_sampling():
    template = Template("You judge.", "Is it good?", cs.Label("yes", "no"), temperature=0.7)
    model = template.expert("local:smollm2", alias="judge")
    assert (model.name, model.alias, model.persona, model.temperature) == (
        "local:smollm2",
        "judge",
        "You judge.",
        0.7,
    )


def test_a_circle_takes_the_question_of_a_template():
    circle = cs.Circle([cs.Scripted("a", ["7/10"]), cs.Scripted("b", ["8"])])
    assert circle.ask_sync(REVIEW.question("A draft.")).answer == 7.5


def test_what_cannot_be_asked_says_why():
    with pytest.raises(EmptyQuestion):
        CODE_REVIEW.question("  ")
    with pytest.raises(InvalidInput, match=r"constraints=\['a'\]"):
        CODE_REVIEW.question("x", constraints="a")
    with pytest.raises(InvalidInput, match=r"references=\['a'\]"):
        CODE_REVIEW.question("x", references="a")
    with pytest.raises(InvalidInput, match="role"):
        Template("", "x", cs.Text())
