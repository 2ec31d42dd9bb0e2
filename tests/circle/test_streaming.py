import asyncio
import gc
import threading
from contextlib import aclosing

import pytest

import consilience as cs
from consilience.errors import InvalidInput, LoopError
from consilience.loop import background
from consilience.streaming import Asked, Decided, Ended, Mailbox, Token

YES_NO = cs.Label("yes", "no")


class Writes:
    """An expert that writes what it is told to, and says when its stream was closed."""

    source = cs.models.Source.FUNCTION

    def __init__(self, *pieces, name="writes"):
        self.name = name
        self.pieces = pieces
        self.asked = threading.Event()
        self.closed = threading.Event()

    async def answer(self, question):
        return cs.Reply("asked, not streamed")

    async def stream(self, question):
        self.asked.set()
        try:
            for piece in self.pieces:
                if isinstance(piece, BaseException):
                    raise piece
                if isinstance(piece, asyncio.Event):
                    await piece.wait()
                else:
                    yield piece
        finally:
            self.closed.set()

    async def aclose(self):
        pass


async def collected(stream):
    return [event async for event in stream]


def texts(events, expert):
    return "".join(event.text for event in events if isinstance(event, Token) and event.expert == expert)


async def questions_running():
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
    return sum(name in ("_tell_all", "_followed") for name in names)


def nothing_is_left():
    """Whether the background loop ends what belongs to questions; each look is a round trip over that loop."""
    return any(background.wait_sync(questions_running()) == 0 for _ in range(2_000))


def test_a_stream_tells_who_is_asked_what_they_write_how_each_ended_and_the_verdict():
    experts = [Writes("It ", "depends.", cs.Reply("It depends.")), cs.Scripted("b", [None])]
    events = asyncio.run(collected(cs.Circle(experts).stream("Shard?")))
    assert isinstance(events[0], Asked)
    assert (events[0].experts, events[0].round) == (("b", "writes"), 1)
    assert texts(events, "writes") == "It depends."
    assert {e.response.expert: e.response.outcome for e in events if isinstance(e, Ended)} == {
        "writes": "answered",
        "b": "abstained",
    }
    assert isinstance(events[-1], Decided)
    assert events[-1].verdict.banner == "1 of 2 answered: 1 abstained"


def test_experts_that_do_not_stream_simply_answer():
    def plain(question):
        return "yes"

    events = asyncio.run(collected(cs.Circle([plain]).stream("Is it?", answer=YES_NO)))
    assert [type(event) for event in events] == [Asked, Ended, Decided]


def test_what_is_asked_and_not_streamed_uses_the_answer():
    assert cs.Circle([Writes(cs.Reply("streamed"))]).ask_sync("Is it?").answer == "asked, not streamed"


@pytest.mark.parametrize(
    ("pieces", "outcome", "why"),
    [
        (("It dep",), "failed", "cut off after 6 characters"),
        ((), "failed", "cut off after 0 characters"),
        (("It", ValueError("broken")), "failed", "ValueError: broken"),
        ((3,), "failed", "yields texts and then a cs.Reply, a int came"),
        (("x" * 600_000, "x" * 600_000, cs.Reply("x")), "unparseable", "1,000,000 characters"),
        ((cs.Reply("maybe"),), "unparseable", "yes, no"),
    ],
)
def test_a_stream_that_does_not_end_in_an_answer_is_that_experts_outcome(pieces, outcome, why):
    circle = cs.Circle([Writes(*pieces), cs.Scripted("a", ["yes"])])
    verdict = list(circle.stream_sync("Is it?", answer=YES_NO))[-1].verdict
    response = verdict.responses[1]
    assert (response.outcome, verdict.responses[0].answer) == (outcome, "yes")
    assert why in response.reason


def test_a_stream_past_the_deadline_is_timed_out_and_closed():
    waits = Writes("It ", asyncio.Event())
    verdict = list(cs.Circle([waits]).stream_sync("Is it?", deadline=0.05))[-1].verdict
    assert verdict.responses[0].outcome == "timed out"
    assert waits.closed.is_set()


def test_breaking_out_of_the_loop_cancels_the_question_and_leaves_no_task():
    waits = Writes("It ", asyncio.Event())
    circle = cs.Circle([waits])

    async def main():
        async for event in circle.stream("Is it?"):
            if isinstance(event, Token):
                break

    asyncio.run(main())
    gc.collect()
    assert waits.closed.wait(10)
    assert nothing_is_left()


def test_an_error_in_the_loop_cancels_the_question():
    waits = Writes("It ", asyncio.Event())

    async def main():
        async for _ in cs.Circle([waits]).stream("Is it?"):
            raise KeyError("mine")

    with pytest.raises(KeyError):
        asyncio.run(main())
    gc.collect()
    assert nothing_is_left()


def test_closing_a_stream_cancels_the_question_and_ends_the_iteration():
    waits = Writes("It ", asyncio.Event())

    async def main():
        async with aclosing(cs.Circle([waits]).stream("Is it?")) as stream:
            async for event in stream:
                if isinstance(event, Token):
                    await stream.aclose()
        return waits.closed.wait(10)

    assert asyncio.run(main())


def test_cancelling_the_reader_cancels_the_question():
    waits = Writes("It ", asyncio.Event())
    stream = cs.Circle([waits]).stream("Is it?")

    async def main():
        task = asyncio.create_task(collected(stream))
        assert await asyncio.to_thread(waits.asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert nothing_is_left()


def test_a_script_that_leaves_the_loop_cancels_the_question():
    waits = Writes("It ", asyncio.Event())
    for event in cs.Circle([waits]).stream_sync("Is it?"):
        if isinstance(event, Token):
            break
    assert waits.closed.wait(10)


def test_nobody_is_asked_before_the_iteration_begins_and_a_bad_question_is_refused_at_once():
    asked = threading.Event()

    def notes(question):
        asked.set()
        return "yes"

    circle = cs.Circle([notes])
    circle.stream("Is it?")
    with pytest.raises(InvalidInput, match="deadline"):
        circle.stream("Is it?", deadline=-1)
    assert not asked.is_set()


def test_a_slow_reader_holds_nobody_and_loses_nothing():
    pieces = [f"{n} " for n in range(5_000)]
    writes = Writes(*pieces, cs.Reply("done"))
    other = threading.Event()

    def waits(question):
        assert other.wait(10)
        return "yes"

    async def main():
        stream = cs.Circle([writes, waits]).stream("Is it?")
        first = await anext(stream)
        assert writes.closed.wait(10)  # the reader blocks its own loop; the expert writes all the same
        other.set()
        return [first, *await collected(stream)]

    events = asyncio.run(main())
    assert texts(events, "writes") == "".join(pieces)
    assert len([event for event in events if isinstance(event, Token)]) <= 2


def test_an_error_of_the_question_is_raised_to_the_reader_after_what_came():
    class Broken:
        async def conduct(self, inquiry):
            await inquiry.ask()
            raise KeyError("strategy")

    seen = []

    async def main():
        async for event in cs.Circle([cs.Scripted("a", ["yes"])]).stream("Is it?", rounds=Broken()):
            seen.append(type(event))  # noqa: PERF401 - what came before the error is looked at

    with pytest.raises(KeyError, match="strategy"):
        asyncio.run(main())
    assert seen == [Asked, Token, Ended]


def test_three_loops_in_a_row_and_the_background_loop_itself_can_read():
    circle = cs.Circle([cs.Scripted("a", ["yes"])])
    ends = [asyncio.run(collected(circle.stream("Is it?")))[-1].verdict.answer for _ in range(3)]
    inside = background.wait_sync(collected(circle.stream("Is it?")))
    assert [*ends, inside[-1].verdict.answer] == ["yes"] * 4


def test_a_blocking_loop_over_events_on_the_background_loop_is_refused():
    async def blocking():
        return list(cs.Circle([cs.Scripted("a", ["yes"])]).stream_sync("Is it?"))

    with pytest.raises(LoopError, match="async for"):
        background.wait_sync(blocking())


def test_many_streams_at_once_each_get_their_own_events():
    circle = cs.Circle([cs.Scripted("a", {str(n): f"answer {n}" for n in range(50)})])

    async def main():
        streams = [collected(circle.stream(str(n))) for n in range(50)]
        return [events[-1].verdict.answer for events in await asyncio.gather(*streams)]

    assert asyncio.run(main()) == [f"answer {n}" for n in range(50)]


def test_a_closed_mailbox_gives_what_it_holds_and_then_ends():
    mailbox = Mailbox()
    for text in ("a", "b"):
        mailbox.put(Token("ana", text))
    mailbox.close()
    assert [mailbox.take_sync(), mailbox.take_sync()] == [Token("ana", "ab"), None]


def test_nothing_comes_after_the_verdict_or_after_an_experts_end():
    release = threading.Event()

    class Stubborn(Writes):
        async def stream(self, question):
            while not release.is_set():
                try:
                    await asyncio.sleep(0.001)
                except asyncio.CancelledError:
                    continue
                yield "more"
            yield cs.Reply("yes")

    try:
        events = list(cs.Circle([Stubborn(), cs.Scripted("b", ["yes"])]).stream_sync("Is it?", deadline=0.05))
        ended = [getattr(getattr(event, "response", None), "expert", "") for event in events].index("writes")
        assert "writes" not in [event.expert for event in events[ended:] if isinstance(event, Token)]
        assert isinstance(events[-1], Decided)
    finally:
        release.set()


def test_a_second_reader_is_told_that_there_is_one():
    async def main():
        mailbox = Mailbox()
        first = asyncio.create_task(mailbox.take())
        await asyncio.sleep(0)
        with pytest.raises(LoopError, match="One reader"):
            await mailbox.take()
        first.cancel()

    asyncio.run(main())


def test_a_reader_whose_loop_is_gone_holds_nothing():
    mailbox = Mailbox()

    async def waits():
        task = asyncio.create_task(mailbox.take())
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(waits())
    mailbox.put(Token("ana", "late"))
    assert mailbox.take_sync() == Token("ana", "late")


def test_a_streaming_scripted_expert_writes_the_words_of_its_answer():
    events = list(cs.Circle([cs.Scripted("a", ["  Shard by  tenant. "], latency=0.001)]).stream_sync("What?"))
    assert texts(events, "a") == "  Shard by  tenant. "
    assert events[-1].verdict.answer == "Shard by  tenant."
