"""What published clients get wrong, on real sockets: httpx2 under a policy against a faulty server."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from consilience.errors import AttemptTimedOut, CircuitOpen, MalformedEvent, StreamCutOff
from consilience.policies import SYSTEM, BreakerSettings, RetrySettings, cached, read_events
from consilience.policies.events import Retrying
from consilience.testing import (
    Cut,
    FaultServer,
    HalfAnswer,
    Malformed,
    Reset,
    Stall,
    Status,
    TcpProxy,
    Throttle,
)

SOON = RetrySettings(retries=3, first=0)
CHAT = {"messages": [{"role": "user", "content": "Is it so?"}], "stream": True}


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


@pytest.fixture
def policy(make_policy):
    """Make policies on the real clock, with patience for a busy machine."""
    return lambda **settings: make_policy(**({"clock": SYSTEM, "timeout": 30, "deadline": 60} | settings))


async def get(client, url):
    answer = await client.get(url)
    answer.raise_for_status()
    return answer.json()


def ask(policy, url, *, timeout=30.0, times=1):
    """Ask so often under the policy; return answers and errors."""

    async def story():
        async with httpx2.AsyncClient(timeout=timeout) as client:
            calls = (policy(get, client, url) for _ in range(times))
            return [(await asyncio.gather(call, return_exceptions=True))[0] for call in calls]

    return asyncio.run(story())


# 4xx counted as failure


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Reset(), httpx2.ReadError),
        (Cut(), httpx2.RemoteProtocolError),
        (HalfAnswer("length"), httpx2.RemoteProtocolError),
        (HalfAnswer("chunked"), httpx2.RemoteProtocolError),
        (Status(500), httpx2.HTTPStatusError),
        (Status(503), httpx2.HTTPStatusError),
        (Status(408), httpx2.HTTPStatusError),
    ],
    ids=str,
)
def test_what_the_other_side_breaks_is_a_failure(server, policy, fault, kind):
    server.plan = fault
    service = policy()
    assert [type(error) for error in ask(service, server.url)] == [kind]
    assert service.breaker.window.failures == 1


def test_a_read_timeout_is_a_failure(server, policy):
    server.plan = Stall()
    service = policy()
    assert [type(error) for error in ask(service, server.url, timeout=0.05)] == [httpx2.ReadTimeout]
    assert service.breaker.window.failures == 1


def test_a_connection_that_is_refused_is_a_failure(server, policy):
    with TcpProxy(server.host, server.port) as proxy:
        proxy.refuse()
        service = policy()
        errors = ask(service, f"http://{proxy.host}:{proxy.port}")
    assert [type(error) for error in errors] == [httpx2.ConnectError]
    assert service.breaker.window.failures == 1


@pytest.mark.parametrize("fault", [Status(400), Status(401), Status(404), Status(422), Throttle(0)], ids=str)
def test_what_is_wrong_with_the_request_is_no_failure(server, policy, fault):
    server.plan = fault
    service = policy(breaker=BreakerSettings(consecutive=1))
    errors = ask(service, server.url, times=3)
    assert [type(error) for error in errors] == [httpx2.HTTPStatusError] * 3
    assert (service.breaker.state, service.breaker.window.calls) == ("closed", 0)


# timeout outside the breaker


def test_the_attempt_timeout_is_seen_by_the_breaker(server, policy):
    server.plan = Stall()
    service = policy(timeout=0.05, breaker=BreakerSettings(consecutive=2))
    errors = ask(service, server.url, times=3)
    assert [type(error) for error in errors] == [AttemptTimedOut, AttemptTimedOut, CircuitOpen]
    assert server.n_requests == 2


# 429 and Retry-After


@pytest.mark.parametrize(
    ("said", "at_least"),
    [
        (0.05, 0.05),
        (0, 0.0),
        (datetime(1999, 12, 31, tzinfo=UTC), 0.0),
        ("tomorrow", 0.0),
        (None, 0.0),
    ],
    ids=["seconds", "zero", "past date", "no date", "absent"],
)
def test_retry_after_is_honoured(server, policy, seen, said, at_least):
    server.plan = [Throttle(said)]
    service = policy(retry=SOON, rate="6000/min")
    (answered,) = ask(service, server.url)
    assert answered["number"] == 1
    (retry,) = [event for event in seen if isinstance(event, Retrying)]
    assert at_least <= retry.delay < at_least + 1
    first, second = server.requests
    assert second.at - first.at >= at_least
    assert service.requests.slowed


@pytest.mark.parametrize(
    "said",
    [61, "100000000", "1e400", datetime.now(tz=UTC) + timedelta(days=1)],
    ids=["beyond", "huge", "infinite", "tomorrow"],
)
def test_retry_after_is_never_waited_for_past_the_deadline(server, policy, seen, said):
    server.plan = Throttle(said)
    (error,) = ask(policy(retry=SOON), server.url)
    assert error.response.status_code == 429
    assert "after the deadline" in error.__notes__[0]
    assert server.n_requests == 1
    assert not [event for event in seen if isinstance(event, Retrying)]


# retry storm, stampede, an open circuit


def test_a_service_that_is_down_sees_a_fifth_more_calls_at_most(server, policy):
    server.plan = Status(503)
    service = policy(retry=SOON, breaker=None)
    errors = ask(service, server.url, times=100)
    assert {error.response.status_code for error in errors} == {503}
    assert 100 < server.n_requests <= 1.2 * 100 + RetrySettings().floor


def test_an_open_circuit_keeps_calls_from_the_server_until_it_is_well(server, policy):
    server.plan = [Status(503)] * 3
    service = policy(breaker=BreakerSettings(consecutive=3, open_for=0.01))
    errors = ask(service, server.url, times=4)
    assert type(errors[-1]) in {CircuitOpen, dict}  # the second, when the machine took its time
    while service.breaker.refusing():
        pass
    (answered,) = ask(service, server.url)
    assert answered["path"] == "/"
    assert service.breaker.state == "closed"


def test_a_stampede_on_one_answer_is_one_request(server, policy):
    service = policy(cache={}, key=lambda client, url: url)

    async def stampede():
        async with httpx2.AsyncClient() as client:
            return await asyncio.gather(*(service(get, client, server.url) for _ in range(100)))

    answers = asyncio.run(stampede())
    assert answers == [answers[0]] * 100
    assert server.n_requests == 1


@pytest.mark.parametrize(
    ("fault", "asked"),
    [(Status(404), 1), (Throttle(0), 3), (Status(503), 3), (Reset(), 3)],
    ids=["404", "429", "503", "reset"],
)
def test_an_error_that_says_not_there_is_kept_and_no_other(server, policy, fault, asked):
    server.plan = fault
    service = policy()

    async def story():
        async with httpx2.AsyncClient() as client:

            @cached
            @service
            async def fetch(path):
                return await get(client, server.url + path)

            for _ in range(3):
                with pytest.raises(httpx2.HTTPError):
                    await fetch("/a")

    asyncio.run(story())
    assert server.n_requests == asked


# stream cut off


def finishes(chunk):
    return any(choice.get("finish_reason") for choice in chunk["choices"])


def listen(policy, url, **settings):
    """Read a streamed chat completion under the policy; return the items that came and the error, if any."""

    async def chat(client):
        async with client.stream("POST", f"{url}/v1/chat/completions", json=CHAT) as answer:
            answer.raise_for_status()
            async with aclosing(read_events(answer.aiter_lines())) as events:
                async for event in events:
                    yield event

    async def story():
        items = []
        async with httpx2.AsyncClient(timeout=30) as client:
            stream = policy.stream(chat, client)
            try:
                while (item := await anext(stream, None)) is not None:
                    items.append(item)
            except (StreamCutOff, MalformedEvent, httpx2.HTTPError) as error:
                return items, error
            finally:
                await stream.aclose()
        return items, None

    return asyncio.run(story())


def test_a_stream_that_is_whole_is_a_success(server, policy):
    service = policy(finished=finishes)
    items, error = listen(service, server.url)
    assert error is None
    assert items[-1]["choices"][0]["finish_reason"] == "stop"
    assert (service.breaker.window.calls, service.breaker.window.failures) == (1, 0)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (HalfAnswer("finish"), StreamCutOff),
        (Malformed(), MalformedEvent),
        (Cut(), httpx2.RemoteProtocolError),
        (Reset(), httpx2.ReadError),
        (Status(503), httpx2.HTTPStatusError),
    ],
    ids=str,
)
def test_a_stream_that_is_cut_off_or_malformed_is_a_failure(server, policy, fault, kind):
    server.plan = fault
    service = policy(finished=finishes)
    _, error = listen(service, server.url)
    assert type(error) is kind
    assert service.breaker.window.failures == 1


def test_a_stream_is_tried_again_before_its_first_item_and_never_after(server, policy):
    server.plan = [Status(503), Reset(), Throttle(0), HalfAnswer("finish")]
    service = policy(retry=SOON, finished=finishes)
    items, error = listen(service, server.url)
    assert type(error) is StreamCutOff
    assert items
    assert server.n_requests == 4
    assert all(json.dumps(item) for item in items)
