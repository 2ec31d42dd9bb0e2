"""The widget that asks: its state in Python, and what crosses to the browser."""

import asyncio
import json
import threading

import pytest

import consilience as cs
from consilience.loop import background
from consilience.notebook import Ask

WAIT = 10


def sent(widget, name, **content):
    widget._receive(None, {"action": name, **content}, [])


def settled(ask):
    """Wait until nothing is under way."""
    under_way = ask._under_way
    if under_way is not None:
        under_way.task.exception(WAIT) if not under_way.task.cancelled() else None
    return ask


@pytest.fixture
def circle():
    return cs.Circle([cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["yes"]), cs.Scripted("cy", ["no"])])


@pytest.fixture
def stuck():
    return cs.Circle([cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["yes"], latency=3600)])


def waits_for(condition):
    done = threading.Event()

    def look():
        if condition():
            done.set()
        else:
            background.call_later(0.01, look)

    background.call_later(0, look)
    assert done.wait(WAIT)


def test_a_question_ends_as_a_verdict_that_python_has(circle):
    ask = Ask(circle, "Is water wet?", answer=cs.Label("yes", "no"))
    sent(ask, "ask", form=ask.form)
    settled(ask)
    assert ask.error == ""
    assert (ask.verdict.answer, ask.state) == ("yes", "decided")
    assert ask.verdicts == [ask.verdict]
    assert ask.shown["headline"] == "yes"
    assert [vote["said"] for vote in ask.shown["dissent"]] == ["no"]


def test_only_the_chosen_experts_are_asked(circle):
    ask = Ask(circle, "Is water wet?", answer=cs.Label("yes", "no"))
    sent(ask, "ask", form=ask.form | {"experts": ["ana", "cy"]})
    settled(ask)
    assert [response.expert for response in ask.verdict.responses] == ["ana", "cy"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"question": " "}, "A question needs a text"),
        ({"experts": []}, "At least one expert"),
        ({"kind": "label", "choices": "yes"}, "at least two choices"),
        ({"deadline": "soon"}, "A number is required for deadline"),
        ({"kind": "score", "low": "3", "high": "2"}, "low < high"),
        ({"first": "1.5"}, "A whole number is required for first"),
        ({"rounds": "forever"}, "rounds is one of once, debate, delphi, review, 'forever' came"),
        ({"required": ["ana"], "experts": ["ben"]}, "ana is not chosen"),
        ({"required": "ana"}, "required is a list of names"),
    ],
)
def test_a_form_that_cannot_be_asked_says_why_and_asks_nobody(circle, fields, said):
    ask = Ask(circle, "Is water wet?")
    sent(ask, "ask", form=ask.form | fields)
    assert said in ask.error
    assert ask.state == "ready"


@pytest.mark.parametrize(("chosen", "rounds"), [("once", 0), ("debate", 2), ("review", 2)])
def test_the_form_chooses_rounds(circle, chosen, rounds):
    ask = Ask(circle, "Is water wet?", answer=cs.Label("yes", "no"))
    sent(ask, "ask", form=ask.form | {"rounds": chosen})
    settled(ask)
    assert (ask.error, len(ask.verdict.rounds)) == ("", rounds)
    assert ask.round == max(rounds, 1)


def test_a_strategy_of_ones_own_is_offered_beside_the_others(circle):
    class Thrice:
        def __repr__(self):
            return "Thrice()"

        async def conduct(self, inquiry):
            return [await inquiry.ask() for _ in range(3)][-1]

    ask = Ask(circle, "Is water wet?", answer=cs.Label("yes", "no"), rounds=Thrice())
    assert (ask.rounds[-1], ask.form["rounds"]) == ("Thrice()", "own")
    ask.ask()
    settled(ask)
    assert len(ask.verdict.rounds) == 3


def test_who_must_answer_and_did_not_leaves_no_verdict(circle):
    silent = cs.Circle([*circle.experts, cs.Scripted("dee", [TimeoutError("asleep")])])
    ask = Ask(silent, "Is water wet?", answer=cs.Label("yes", "no"), required=["dee"])
    ask.ask()
    settled(ask)
    assert (ask.verdict.answer, ask.verdict.decision) == (None, "no quorum")
    ask.ask(ask.form | {"required": []})
    settled(ask)
    assert ask.verdict.decision == "no majority"


def test_a_stop_in_a_later_round_decides_from_what_stands(circle):
    class Waits:
        async def conduct(self, inquiry):
            first = await inquiry.ask()
            begun.set()
            await inquiry.ask(inquiry.again("Again.", ""), experts=["ana"])
            await asyncio.sleep(3600)
            return first

    begun = threading.Event()
    ask = Ask(circle, "Is water wet?", answer=cs.Label("yes", "no"), rounds=Waits())
    ask.ask()
    assert begun.wait(WAIT)
    waits_for(lambda: ask._under_way.round == 2 and len(ask._under_way._ended) == 3)
    ask.stop()
    ask.decide()
    assert (ask.verdict.answer, len(ask.verdict.responses)) == ("yes", 3)


def test_a_second_question_waits_for_the_first(stuck):
    ask = Ask(stuck, "Is water wet?")
    sent(ask, "ask")
    sent(ask, "ask")
    assert "under way" in ask.error
    ask.close()


def test_a_stop_keeps_what_came_and_a_verdict_is_made_of_it_only_when_told(stuck):
    ask = Ask(stuck, "Is water wet?", answer=cs.Label("yes", "no"))
    sent(ask, "ask")
    waits_for(lambda: "ana" in ask._under_way.responses)
    sent(ask, "stop")
    assert (ask.state, ask.verdict) == ("stopped", None)
    assert [(column["outcome"] or {}).get("word") for column in ask.columns] == ["answered", None]
    sent(ask, "decide")
    assert ask.verdict.banner == "1 of 2 answered: 1 failed"
    assert "stopped by hand" in ask.verdict.responses[1].reason


def test_a_replay_costs_nothing_and_the_whole_verdict_comes_back(circle):
    ask = Ask(circle, "Is water wet?", answer=cs.Label("yes", "no"))
    sent(ask, "ask")
    settled(ask)
    whole = ask.verdict
    sent(ask, "replay", method="plurality", without=["ana", "ben"])
    assert ask.verdict.answer == "no"
    assert [each["kept"] for each in ask.shown["counted"]] == [False, False, True]
    sent(ask, "replay", method="weighted majority", weights={"ana": 0.1, "ben": 0.1, "cy": 5})
    assert ask.verdict.answer == "no"
    sent(ask, "replay")
    assert ask.verdict is whole
    assert ask.verdicts == [whole]


def test_the_draft_is_what_was_typed_last_and_python_may_write_it(circle):
    ask = Ask(circle)
    sent(ask, "draft", form=ask.form | {"question": "Is it?"})
    assert ask.question == "Is it?"
    ask.question = "Is it not?"
    assert ask.form["question"] == "Is it not?"


def test_no_message_is_over_a_megabyte_whatever_the_experts_write():
    loud = "\U0001f600" * 19_000
    circle = cs.Circle([cs.Scripted(f"expert {n}", [loud]) for n in range(60)])
    ask = Ask(circle, "Is it?" + "\U0001f600" * 100_000, context=loud)
    sizes = []
    ask.observe(lambda change: sizes.append(len(json.dumps(change["new"], ensure_ascii=False).encode())))
    sent(ask, "ask")
    settled(ask)
    assert ask.verdict is not None
    assert 0 < max(sizes) < 1_000_000


def test_an_answer_that_a_full_disk_refused_is_shown_with_the_reason(small_disk, fill):
    with cs.Store(small_disk / "history.duckdb", interval=3600) as store:
        circle = cs.Circle([cs.Scripted("ana", ["yes"]), cs.Scripted("eva", ["no"])], store=store)
        ask = Ask(circle, "Is water wet?", answer=cs.Label("yes", "no"))
        sent(ask, "ask")
        settled(ask)
        assert (ask.verdict.headline, ask.error) == ("tie: no | yes", "")
        fill(small_disk)
        sent(ask, "ask")
        settled(ask)
        waits_for(lambda: "make space" in ask.error)
        assert (len(ask.verdicts), ask.state) == (2, "decided")
        (small_disk / "filler").unlink()


def test_an_answer_that_a_person_gives_late_is_taken_and_decides_again(tmp_path):
    dan = cs.Human("dan")
    with cs.Store(tmp_path / "history.duckdb") as store:
        circle = cs.Circle([cs.Scripted("ana", ["yes"]), dan], store=store, deadline=0.2)
        ask = Ask(circle, "Is water wet?", answer=cs.Label("yes", "no"))
        sent(ask, "ask")
        settled(ask)
        assert (ask.verdict.headline, ask.shown["late"]) == ("no majority", ["dan"])
        sent(ask, "collect")
        waits_for(lambda: "No late answer" in ask.error)
        dan.give(ask.verdict.question.id, "yes")
        sent(ask, "collect")
        waits_for(lambda: ask.verdict.answer == "yes")
        assert ask.shown["late"] == []


def test_without_a_circle_the_widget_says_so():
    ask = Ask()
    assert ask.state == "empty"
    sent(ask, "ask", form={"question": "Is it?"})
    assert "A circle is required" in ask.error
