import asyncio

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


def outcomes(seed, order=1):
    """Ask forty questions of an expert that fails now and then, forwards or backwards."""
    expert = cs.Scripted("ana", ["yes"], failing=0.3, seed=seed)
    questions = [f"Question {n}?" for n in range(40)][::order]
    with cs.Circle(
        [expert], policies={"ana": cs.policies.Policy("ana", retry=0, breaker=None, registered=False)}
    ) as circle:
        return {text: circle.ask_sync(text).responses[0].outcome for text in questions}


def test_failures_are_drawn_by_the_seed_and_not_by_the_order_of_the_questions():
    first = outcomes(1)
    assert first == outcomes(1, order=-1)
    assert first != outcomes(2)
    assert 4 <= list(first.values()).count(cs.Outcome.FAILED) <= 20


def test_latencies_are_drawn_between_their_bounds_and_a_stream_fails_too():
    expert = cs.Scripted("ana", ["yes"], latency=(0.5, 2.0), seed=3)
    drawn = [expert._drawn(cs.Question("Is it?"))[0] for _ in range(50)]
    assert all(0.5 <= seconds <= 2.0 for seconds in drawn)
    assert len(set(drawn)) > 40

    async def story():
        return [part async for part in cs.Scripted("ben", ["yes"], failing=1).stream(cs.Question("Is it?"))]

    with pytest.raises(ConnectionError, match="lost the connection"):
        asyncio.run(story())


@pytest.mark.parametrize("settings", [{"latency": (2, 1)}, {"latency": -1}, {"failing": 1.5}])
def test_a_script_with_numbers_out_of_their_range_is_refused(settings):
    with pytest.raises(InvalidInput):
        cs.Scripted("ana", ["yes"], **settings)
