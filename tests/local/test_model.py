"""The expert on the real model."""

from __future__ import annotations

import asyncio
import random
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consilience.errors import ContextExceeded, InvalidChoices, InvalidInput, LocalModelError, Unparseable
from consilience.experts.base import Expert
from consilience.experts.local import LocalModel
from consilience.experts.local.artifact import model_path
from consilience.experts.local.server import shared_server
from consilience.models import ConfidenceSource, Items, Label, Question, Source, Text

pytestmark = pytest.mark.slow

SPAM = "Win money now!!!"


def test_it_is_an_expert(local):
    assert isinstance(local, Expert)
    assert local.source is Source.MODEL
    assert LocalModel("second").name == "second"


async def gathered(model, questions):
    return await asyncio.gather(*(model.answer(question) for question in questions))


@pytest.fixture(scope="module")
def replies(local, run, smollm_rows, ask):
    """All sixty questions at once."""
    return run(gathered(local, [ask(row) for row in smollm_rows]))


def test_the_panels_answers_are_the_recorded_ones(replies, smollm_rows):
    """The recording was made on a processor with AVX2; others compute other last digits, which turn near ties."""
    same = [reply.raw == row["answer"] for reply, row in zip(replies, smollm_rows, strict=True)]
    assert sum(same) >= 58


def test_the_panels_confidences_are_the_recorded_ones(replies, smollm_rows):
    compared = [
        (reply.confidence, row["confidence"])
        for reply, row in zip(replies, smollm_rows, strict=True)
        if all(row["probs"].values())
    ]
    assert len(compared) == 40
    for measured, recorded in compared:
        assert measured == pytest.approx(recorded, abs=0.1)
    errors = sorted(abs(measured - recorded) for measured, recorded in compared)
    assert errors[20] < 0.005


def test_the_answer_is_the_likeliest_label_and_probabilities_sum_to_one_at_most(replies):
    for reply in replies:
        chances = dict(reply.probabilities)
        assert reply.confidence == chances[reply.raw] == max(chances.values())
        assert sum(chances.values()) <= 1 + 1e-9
        assert reply.confidence_source is ConfidenceSource.TOKENS


def test_usage_is_the_servers_own_count_and_costs_nothing(replies, smollm_rows):
    usage, row = replies[0].usage, smollm_rows[0]
    assert (usage.input_tokens, usage.output_tokens) == (row["prompt_tokens"], row["completion_tokens"])
    assert usage.cost_usd == 0.0


def test_order_and_company_change_nothing_not_even_the_last_digit(local, run, replies, smollm_rows, ask):
    order = random.Random(7).sample(range(60), 15)

    async def one_by_one():
        return [await local.answer(ask(smollm_rows[i])) for i in order]

    assert run(one_by_one()) == [replies[i] for i in order]


@pytest.mark.parametrize(
    "choices",
    [
        ("not spam", "not ham"),
        ("no", "no idea"),
        ("yes", "yes, but", "yes, but no"),
        ("不知道", "不是", "垃圾"),
        ("\U0001f600", "\U0001f621"),
        ('say "x"', "a\\b", "two\nlines", "[c]", "{d}", "(e|f)*"),
        ("!", "?"),
        ("!\n!", "! !"),
        ("nul\x00", "bell\x07"),
        ("8", "0\U00040000"),
        ("\U000e0100", "\U0010ffff"),
        ("ä", "ö", "ü"),
        tuple(f"topic number {i}" for i in range(40)),
    ],
    ids=lambda choices: ascii(choices[0]),
)
def test_any_labels_can_be_asked_for(local, run, choices):
    label = Label(*choices)
    reply = run(local.answer(Question(SPAM, label)))
    assert reply.raw in choices
    assert label.parse(reply.raw) == reply.raw
    chances = dict(reply.probabilities)
    assert set(chances) <= set(choices)
    assert sum(chances.values()) <= 1 + 1e-9
    assert (reply.confidence is None) == (not chances)


@pytest.mark.parametrize(
    "choices", [("not spam", "not ham"), ("no", "no idea"), ("不知道", "不是"), ("\U0001f600", "\U0001f621")]
)
def test_labels_that_share_tokens_or_parts_of_characters_have_a_confidence(local, run, choices):
    reply = run(local.answer(Question(SPAM, Label(*choices))))
    assert 0 < reply.confidence <= 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=4), st.text(min_size=1, max_size=40))
def test_whatever_the_labels_and_the_text_an_answer_is_one_of_them(local, run, choices, text):
    try:
        label = Label(*choices)
    except InvalidChoices:
        return
    if text.strip():
        assert run(local.answer(Question(text, label))).raw in choices


def test_the_models_own_examples_are_used(local, run):
    question = Question("blik", Label("red", "blue", name="Colour"))
    for colour in ("red", "blue"):
        taught = LocalModel(examples=[("blik", colour)] * 4)
        assert run(taught.answer(question)).raw == colour


def test_a_persona_is_read(local, run):
    question = Question("Is tea good?", Label("yes", "no"))
    strict = LocalModel(persona="You say no to everything. No tea. Tea is bad.")
    assert run(strict.answer(question)).probabilities != run(local.answer(question)).probabilities
    assert run(strict.answer(question)).usage.input_tokens > run(local.answer(question)).usage.input_tokens


def test_context_is_read(local, run):
    label = Label("yes", "no")
    plain, told = (
        Question("Is Otto a dog?", label),
        Question("Is Otto a dog?", label, context="Otto is a cat."),
    )
    assert run(local.answer(plain)).probabilities != run(local.answer(told)).probabilities


def test_temperature_and_seed_draw_and_repeat(run):
    question = Question("Heads or tails?", Label("heads", "tails"), examples=(("a", "heads"), ("b", "tails")))
    drawn = {run(LocalModel(temperature=2.0, seed=seed).answer(question)).raw for seed in range(12)}
    assert drawn == {"heads", "tails"}
    twice = [run(LocalModel(temperature=2.0, seed=5).answer(question)) for _ in range(2)]
    assert twice[0] == twice[1]
    assert len({run(LocalModel(seed=seed).answer(question)).raw for seed in range(3)}) == 1


def test_a_drawn_labels_confidence_is_its_own(run):
    question = Question("Is water wet?", Label("yes", "no"))
    for seed in range(6):
        reply = run(LocalModel(temperature=5.0, seed=seed).answer(question))
        assert reply.confidence == dict(reply.probabilities)[reply.raw]


def test_an_answer_that_its_limit_cut_off_is_none(run):
    with pytest.raises(Unparseable, match="raise max_tokens"):
        run(LocalModel(max_tokens=5).answer(Question("Tell a long story.")))


def test_text_is_answered(local, run):
    reply = run(local.answer(Question("What is the capital of France?")))
    assert "Paris" in Text().parse(reply.raw)
    assert reply.confidence is None
    assert reply.usage.output_tokens > 0


def test_recommendations_parse(local, run):
    kind = Items(max_items=3)
    reply = run(local.answer(Question("How can I make a slow SQL query faster?", kind)))
    assert 1 <= len(kind.parse(reply.raw)) <= 3


@pytest.mark.parametrize("kind", [Label("a", "b"), Text(), Items()])
def test_a_question_over_the_context_names_both_sizes(local, run, kind):
    with pytest.raises(ContextExceeded, match=r"at most 2,048 tokens.*has 5,0\d\d"):
        run(local.answer(Question("word " * 5000, kind)))


def test_a_question_that_leaves_no_room_for_the_answer_exceeds_the_context_too(local, run):
    with pytest.raises(ContextExceeded, match="2,048"):
        run(local.answer(Question("word " * 2010)))


def test_a_kind_it_does_not_know_is_refused_in_a_sentence(local, run):
    class Score:
        kind = "score"

        def parse(self, raw):
            return raw

        key = spec = parse

    with pytest.raises(LocalModelError, match="answers Label, Items and Text"):
        run(local.answer(Question("How good?", Score())))


def test_a_fixed_port_is_used(run, model_file):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    model = LocalModel(port=port)

    async def ask_and_look():
        try:
            await model.answer(Question("Is water wet?", Label("yes", "no")))
            return shared_server(model_path(), port).address
        finally:
            await model.aclose()

    assert run(ask_and_look()) == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("option", [{"temperature": -1}, {"seed": -1}, {"port": 70000}, {"max_tokens": 0}])
def test_an_option_out_of_range_is_refused(option):
    with pytest.raises(InvalidInput, match="must be"):
        LocalModel(**option)
