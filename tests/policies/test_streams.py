"""Streams: their end, their events, and what a policy does about one that has not begun."""

import asyncio
from contextlib import aclosing

import pytest

from consilience.errors import CircuitOpen, InvalidInput, MalformedEvent, StreamCutOff
from consilience.policies import BreakerSettings, RetrySettings, read_events, remaining, whole
from consilience.policies.events import Retrying

SOON = RetrySettings(retries=3, first=0)


async def given(*items):
    for item in items:
        if isinstance(item, BaseException):
            raise item
        yield item


async def read(stream):
    async with aclosing(stream):
        return [item async for item in stream]


def is_end(item):
    return item == "end"


class Failing:
    """A stream that fails so often before its first item."""

    def __init__(self, times, *items, error=ConnectionError):
        self.runs = 0
        self._times, self._items, self._error = times, items, error

    async def __call__(self):
        self.runs += 1
        if self.runs <= self._times:
            raise self._error
        for item in self._items:
            yield item


# whole


def test_a_whole_stream_passes_with_what_comes_after_its_end():
    assert asyncio.run(read(whole(given(1, "end", "usage"), is_end))) == [1, "end", "usage"]


@pytest.mark.parametrize("items", [(), (1,), (1, 2, "en")])
def test_a_stream_without_its_end_raises_after_its_last_item(items):
    async def story():
        stream = whole(given(*items), is_end)
        assert [await anext(stream) for _ in items] == list(items)
        await anext(stream)

    with pytest.raises(StreamCutOff, match=f"after {len(items)} items"):
        asyncio.run(story())


def test_what_broke_a_stream_is_what_is_raised():
    with pytest.raises(ConnectionError):
        asyncio.run(read(whole(given(1, ConnectionError()), is_end)))


def test_who_leaves_early_closes_the_stream_and_hears_nothing():
    closed = []

    async def stream():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    async def story():
        async with aclosing(whole(stream(), is_end)) as items:
            async for _ in items:
                break

    asyncio.run(story())
    assert closed == [True]


def test_an_iterator_that_cannot_be_closed_is_a_stream_too():
    class Items:
        def __init__(self):
            self.left = ["end", 1]

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    assert asyncio.run(read(whole(Items(), is_end))) == [1, "end"]


# events


def events_of(text):
    return asyncio.run(read(read_events(given(*text.split("\n")))))


def test_events_are_read_as_they_are_defined():
    first = ': a comment\nevent: delta\ndata: {"a":\ndata: 1}\nid: 7\n\n\n\n'
    assert events_of(f"{first}data:2\n\nretry: 9\n\ndata: [DONE]\n\ndata: x") == [{"a": 1}, 2]


def test_an_end_without_an_empty_line_is_one():
    assert events_of("data: 1\n\ndata: [DONE]") == [1]


@pytest.mark.parametrize(
    "data", ['{"text": "ye', "", "nan?", "[" * 100_000], ids=["half", "empty", "text", "deep"]
)
def test_an_event_that_is_no_json_is_a_typed_error(data):
    with pytest.raises(MalformedEvent, match="are JSON") as raised:
        events_of(f"data: 1\n\ndata: {data}\n\n")
    assert len(str(raised.value)) < 200


def test_an_end_within_an_event_is_a_typed_error():
    with pytest.raises(StreamCutOff, match="within an event"):
        events_of('data: {"text": "yes"}')


# under a policy


def test_a_stream_without_its_end_is_a_failure_of_the_other_side(make_policy):
    policy = make_policy(finished=is_end)
    assert asyncio.run(read(policy.stream(given, 1, "end"))) == [1, "end"]
    assert (policy.breaker.window.calls, policy.breaker.window.failures) == (1, 0)
    with pytest.raises(StreamCutOff):
        asyncio.run(read(policy.stream(given, 1)))
    assert (policy.breaker.window.calls, policy.breaker.window.failures) == (2, 1)


def test_a_decorated_stream_is_looked_at_too(make_policy):
    stream = make_policy(finished=is_end)(given)
    with pytest.raises(StreamCutOff):
        asyncio.run(read(stream(1)))


@pytest.mark.parametrize("error", [ConnectionError, StreamCutOff])
def test_a_stream_that_fails_before_its_first_item_is_tried_again(make_policy, seen, error):
    policy, stream = make_policy(retry=SOON, finished=is_end), Failing(2, 1, "end", error=error)
    assert asyncio.run(read(policy.stream(stream))) == [1, "end"]
    assert stream.runs == 3
    assert [event.attempt for event in seen if isinstance(event, Retrying)] == [1, 2]
    assert (policy.breaker.window.calls, policy.breaker.window.failures) == (3, 2)


def test_an_empty_stream_is_tried_again_when_it_should_have_an_end(make_policy):
    policy, stream = make_policy(retry=SOON, finished=is_end), Failing(0)
    with pytest.raises(StreamCutOff):
        asyncio.run(read(policy.stream(stream)))
    assert stream.runs == 4


def test_a_stream_that_has_begun_is_never_tried_again(make_policy):
    policy, runs = make_policy(retry=SOON), []

    async def stream():
        runs.append(1)
        yield 1
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(read(policy.stream(stream)))
    assert runs == [1]


def test_what_is_wrong_with_the_request_is_not_tried_again(make_policy):
    stream = Failing(1, 1, error=KeyError)
    with pytest.raises(KeyError):
        asyncio.run(read(make_policy(retry=SOON).stream(stream)))
    assert stream.runs == 1


def test_an_open_circuit_ends_the_trying_of_a_stream(make_policy):
    policy, stream = make_policy(retry=SOON, breaker=BreakerSettings(consecutive=2)), Failing(9)
    with pytest.raises(CircuitOpen):
        asyncio.run(read(policy.stream(stream)))
    assert stream.runs == 2


def test_streams_pay_into_and_out_of_the_same_budget(make_policy):
    policy = make_policy(retry=RetrySettings(retries=1, first=0, floor=2, share=0), breaker=None)
    streams = [Failing(9) for _ in range(4)]
    for stream in streams:
        with pytest.raises(ConnectionError):
            asyncio.run(read(policy.stream(stream)))
    assert [stream.runs for stream in streams] == [2, 2, 1, 1]


def test_a_stream_waits_for_its_next_try_within_the_deadline_only(make_policy, clock):
    policy = make_policy(retry=RetrySettings(retries=1, first=1000, longest=1000), deadline=5)
    policy._retry._draw = lambda: 1.0
    stream = Failing(1, 1)

    async def story():
        with pytest.raises(ConnectionError) as failed:
            await read(policy.stream(stream))
        assert "after the deadline" in failed.value.__notes__[0]
        assert remaining(clock) == float("inf")

    asyncio.run(story())
    assert stream.runs == 1
    assert policy.bulkhead.running == 0


def test_a_caller_that_is_cancelled_between_two_tries_leaves_nothing_behind(make_policy, clock):
    policy = make_policy(retry=RetrySettings(retries=1, first=10), concurrency=1)
    policy._retry._draw = lambda: 1.0

    async def story():
        task = asyncio.create_task(read(policy.stream(Failing(1, 1))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert policy.bulkhead.running == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(story())
    assert policy.bulkhead.running == 0


def test_what_is_no_stream_is_refused_with_what_to_do(make_policy):
    async def later():
        return 1

    for function in (later, len):
        with pytest.raises(InvalidInput, match=r"asynchronous generator is required.*await policy\("):
            asyncio.run(read(make_policy().stream(function, *([] if function is later else ["x"]))))
