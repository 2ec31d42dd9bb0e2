from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import consilience as cs
from consilience.errors import InvalidInput
from consilience.markdown import (
    question_from_markdown,
    question_to_markdown,
    verdict_from_markdown,
    verdict_to_markdown,
)
from consilience.rounds import Debate

WORDS = st.text(min_size=1, max_size=40).filter(lambda text: text.strip())
HOSTILE = st.sampled_from(
    [
        "```\n# gone",
        "~~~~\n~~~\n",
        "\n```json consilience-question\n{}\n```\n",
        "<script>x</script>",
        "a\r\nb",
    ]
)
TEXTS = st.one_of(WORDS, HOSTILE)
KINDS = st.sampled_from(
    [
        cs.Text(),
        cs.Label("yes", "no", name="Wet"),
        cs.Items(max_items=3),
        cs.Score(0, 10),
        cs.Ranking("a", "b", top=1),
    ]
)


@given(
    TEXTS,
    KINDS,
    st.none() | TEXTS,
    st.lists(WORDS, max_size=3),
    st.none() | st.floats(0.1, 1e6),
    st.sampled_from([None, "high", "low"]),
)
@settings(max_examples=100)
def test_a_question_comes_back_as_it_was(text, kind, context, tags, deadline, priority):
    question = cs.Question(text, kind, context, tags=tags, deadline=deadline, priority=priority)
    assert question_from_markdown(question_to_markdown(question)) == question


def test_examples_come_back():
    question = cs.Question("Is it?", cs.Label("yes", "no"), examples=(("Was it?", "no"),))
    assert question_from_markdown(question_to_markdown(question)) == question


def same(left, right):
    """Whether all fields are the same; an interval that is not defined is the same as another."""
    return all(repr(getattr(left, field.name)) == repr(getattr(right, field.name)) for field in fields(left))


def verdicts():
    label = cs.Label("yes", "no")
    paid = cs.Reply(
        "yes", confidence=0.7, probabilities=(("yes", 0.7), ("no", 0.3)), usage=cs.Usage(3, 1, 0.2)
    )
    circle = cs.Circle([cs.Scripted("a", [paid]), cs.Scripted("b", ["no", "yes"]), cs.Scripted("c", [None])])
    first = circle.ask_sync("Is it?", answer=label)
    yield first
    yield first.replay(without=["c"])
    yield first.replay(weights={"a": 2, "b": 1, "c": 0})
    yield circle.ask_sync("Is it?", answer=label, min_responses=3)
    yield cs.Circle([cs.Scripted("a", ["yes"]), cs.Scripted("b", ["no", "yes"])]).ask_sync(
        "Is it?", answer=label, rounds=Debate()
    )
    for kind, said in (
        (cs.Items(), ["Add ``` an index", "Shard"]),
        (cs.Score(0, 10), "7"),
        (cs.Ranking("x", "y"), "x > y"),
        (cs.Text(), "# It\n~~~ depends"),
    ):
        yield cs.Circle([cs.Scripted("a", [said]), cs.Scripted("b", [said])]).ask_sync("What?", answer=kind)


@pytest.mark.parametrize("number", range(9))
def test_a_verdict_comes_back_as_it_was(number):
    verdict = list(verdicts())[number]
    again = verdict_from_markdown(verdict_to_markdown(verdict))
    assert same(again, verdict)
    assert again.explain() == verdict.explain()


def test_line_ends_of_another_system_do_no_harm():
    question = cs.Question("Is it?")
    assert question_from_markdown(question_to_markdown(question).replace("\n", "\r\n")) == question


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda _: "# Question\n", "ends in a block"),
        (lambda text: text.replace("Is it?\n", "Is it not?\n", 1), "was edited"),
        (lambda text: text.replace("consilience-question", "consilience-verdict"), "ends in a block"),
        (lambda text: text.replace('"text": ', '"txt": '), "cannot be read"),
        (lambda text: text.replace('{"digest"', '{digest"'), "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(change, why):
    with pytest.raises(InvalidInput, match=why):
        question_from_markdown(change(question_to_markdown(cs.Question("Is it?"))))
