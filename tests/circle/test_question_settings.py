import asyncio
import threading

import pytest

import consilience as cs
from consilience.errors import InvalidInput

YES_NO = cs.Label("yes", "no")


def test_a_question_has_a_deadline_of_its_own():
    async def never(question):
        await asyncio.Event().wait()

    question = cs.Question("Is it?", YES_NO, deadline=0.05)
    assert cs.Circle([never]).ask_sync(question).responses[0].reason == "no answer within 0.05 s"
    other = cs.Circle([never]).ask_sync(cs.Question("Is it?", YES_NO, deadline=60), deadline=0.04)
    assert other.responses[0].reason == "no answer within 0.04 s"


def test_a_question_of_higher_priority_goes_first():
    order, asked, release = [], threading.Event(), threading.Event()

    def notes(question):
        order.append(question.text)
        asked.set()
        assert release.wait(10)
        return "yes"

    one_at_a_time = cs.policies.Policy("one", concurrency=1, registered=False)
    circle = cs.Circle([notes], policies={"notes": one_at_a_time})

    async def main():
        running = [asyncio.create_task(circle.ask(cs.Question("first", YES_NO)))]
        await asyncio.to_thread(asked.wait, 10)
        for text, priority in (("low", "low"), ("usual", None), ("high", "high")):
            question = cs.Question(text, YES_NO, priority=priority)
            running.append(asyncio.create_task(circle.ask(question)))
        while one_at_a_time.bulkhead.waiting < 3:  # noqa: ASYNC110 - a bulkhead has no event for its queue
            await asyncio.sleep(0)
        release.set()
        await asyncio.gather(*running)

    asyncio.run(main())
    assert order == ["first", "high", "usual", "low"]


@pytest.mark.parametrize("how", [{"deadline": 0}, {"deadline": float("nan")}, {"priority": "urgent"}])
def test_settings_that_cannot_be_used_say_why(how):
    with pytest.raises(InvalidInput, match="deadline|priority"):
        cs.Question("Is it?", **how)


def test_settings_are_no_part_of_what_experts_are_shown():
    plain = cs.Question("Is it?", YES_NO)
    assert cs.Question("Is it?", YES_NO, deadline=3, priority="high").digest == plain.digest
