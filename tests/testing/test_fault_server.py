"""The fault server as real clients see it: httpx2 and bare sockets."""

import asyncio
import json
import socket
import threading
import time
from datetime import UTC, datetime

import httpx2
import pytest

from consilience.errors import InvalidInput
from consilience.testing import (
    ByPath,
    Cut,
    Drip,
    FaultServer,
    HalfAnswer,
    InOrder,
    Latency,
    Malformed,
    Reset,
    Sometimes,
    Stall,
    Status,
    Throttle,
)

CHAT = "/v1/chat/completions"


@pytest.fixture
def serve():
    """Start servers that end with the test."""
    made = []

    def start(plan=None, **settings):
        server = FaultServer(plan, **settings)
        server.start()
        made.append(server)
        return server

    yield start
    for server in made:
        server.close()


@pytest.fixture
def client():
    with httpx2.Client(timeout=30) as client:
        yield client


def prompt(**settings):
    return {"model": "small", "messages": [{"role": "user", "content": "Is it so?"}], **settings}


def events(text):
    return [line.removeprefix("data: ") for line in text.splitlines() if line]


def raw(server, path="/", method="GET"):
    """Return everything that comes until the connection ends."""
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        came = b""
        while piece := connection.recv(4096):
            came += piece
    return came


def test_without_a_fault_it_answers_in_json_and_keeps_the_connection(serve, client):
    server = serve()
    answers = [client.get(f"{server.url}/items?page=2").json() for _ in range(3)]
    assert answers == [{"number": n, "method": "GET", "path": "/items"} for n in range(3)]
    assert (server.n_requests, server.connections.total, server.connections.open) == (3, 1, 1)
    assert [(request.path, request.query, request.fault) for request in server.requests] == [
        ("/items", "page=2", None)
    ] * 3


def test_a_chat_completion_has_the_form_of_openais(serve, client):
    server = serve(say=lambda request: request.json()["messages"][0]["content"].upper())
    said = client.post(f"{server.url}{CHAT}", json=prompt()).json()
    assert said["object"] == "chat.completion"
    assert said["choices"][0]["message"] == {"role": "assistant", "content": "IS IT SO?"}
    assert said["choices"][0]["finish_reason"] == "stop"
    assert said["usage"]["total_tokens"] == said["usage"]["prompt_tokens"] + 3


def test_a_chat_completion_is_streamed_when_it_is_to_be(serve, client):
    server = serve(say="one two three")
    asked = prompt(stream=True, stream_options={"include_usage": True})
    answer = client.post(f"{server.url}{CHAT}", json=asked)
    assert answer.headers["content-type"] == "text/event-stream"
    *chunks, done = events(answer.text)
    assert done == "[DONE]"
    *chunks, usage = map(json.loads, chunks)
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == "one two three"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 4 + ["stop"]
    assert usage["usage"]["completion_tokens"] == 3


def test_openais_client_reads_it(serve):
    openai = pytest.importorskip("openai")
    server = serve([Throttle(0), None, None], say="yes indeed")
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=1) as client:
        messages = [{"role": "user", "content": "Is it so?"}]
        told = client.chat.completions.create(model="small", messages=messages)
        assert told.choices[0].message.content == "yes indeed"
        with client.chat.completions.create(model="small", messages=messages, stream=True) as stream:
            assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "yes indeed"
    assert [type(request.fault) for request in server.requests] == [Throttle, type(None), type(None)]


@pytest.mark.parametrize("fault", [Status(500), Status(503), Status(529), Throttle()])
def test_an_error_has_its_status_and_a_body_that_says_so(serve, client, fault):
    answer = client.get(serve(fault).url)
    assert answer.status_code == getattr(fault, "code", 429)
    assert answer.json()["error"]["code"] == answer.status_code
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (7, "7"),
        (0.5, "0.5"),
        ("100000000", "100000000"),
        (datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), "Fri, 31 Dec 1999 23:59:59 GMT"),
    ],
)
def test_retry_after_has_every_form(serve, client, given, said):
    assert client.get(serve(Throttle(given)).url).headers["retry-after"] == said


def test_a_stalled_request_is_read_and_never_answered(serve):
    server = serve(Stall())
    with pytest.raises(httpx2.ReadTimeout), httpx2.Client(timeout=0.05) as client:
        client.post(server.url, json={"a": 1})
    assert server.requests[0].json() == {"a": 1}


def test_an_answer_can_be_late(serve, client):
    server = serve(Latency(0.05))
    started = time.monotonic()
    assert client.get(server.url).status_code == 200
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Cut(), httpx2.RemoteProtocolError),
        (Cut(after=0), httpx2.RemoteProtocolError),
        (HalfAnswer("length"), httpx2.RemoteProtocolError),
        (Reset(), httpx2.ReadError),
        (Reset(after=0.5), httpx2.TransportError),
    ],
    ids=str,
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_broken_answer_is_an_error_of_the_connection(serve, client, fault, error, streamed):
    server = serve([fault])
    with pytest.raises(error):
        client.post(f"{server.url}{CHAT}", json=prompt(stream=streamed))
    assert client.get(server.url).status_code == 200


def test_a_reset_arrives_as_one(serve):
    with pytest.raises(ConnectionResetError):
        raw(serve(Reset()))


def test_a_length_that_is_too_long_stands_before_a_whole_body(serve):
    head, body = raw(serve(HalfAnswer("length"))).split(b"\r\n\r\n")
    assert json.loads(body)["path"] == "/"
    assert f"Content-Length: {len(body) + 100}".encode() in head


def test_chunks_can_lack_their_end(serve, client):
    server = serve(HalfAnswer("chunked"))
    came = raw(server)
    assert b"Transfer-Encoding: chunked" in came
    assert not came.endswith(b"0\r\n\r\n")
    with pytest.raises(httpx2.RemoteProtocolError, match="incomplete chunked"):
        client.post(f"{server.url}{CHAT}", json=prompt(stream=True))


def test_a_stream_can_end_in_order_without_its_finish(serve, client):
    server = serve(HalfAnswer("finish"))
    said = events(client.post(f"{server.url}{CHAT}", json=prompt(stream=True)).text)
    assert said
    assert all(json.loads(event)["choices"][0]["finish_reason"] is None for event in said)


@pytest.mark.parametrize("streamed", [False, True])
def test_malformed_json_comes_in_good_http(serve, client, streamed):
    answer = client.post(f"{serve(Malformed()).url}{CHAT}", json=prompt(stream=streamed))
    assert answer.status_code == 200
    *pieces, last = events(answer.text) if streamed else [answer.text]
    broken = 0
    for piece in [*pieces, last]:
        try:
            json.loads("1" if piece == "[DONE]" else piece)
        except json.JSONDecodeError:
            broken += 1
    assert broken == 1
    assert (last == "[DONE]") is streamed


def test_a_body_can_drip(serve, client):
    server = serve(Drip(0.001, size=10))
    with client.stream("GET", server.url) as answer:
        pieces = list(answer.iter_raw())
    assert json.loads(b"".join(pieces))["path"] == "/"
    assert len(pieces) > 1


def test_faults_come_in_order_and_then_all_is_well(serve, client):
    server = serve([Status(500), None, Status(502)])
    assert [client.get(server.url).status_code for _ in range(5)] == [500, 200, 502, 200, 200]
    server.plan = InOrder([None], then=Status(503))
    assert [client.get(server.url).status_code for _ in range(3)] == [200, 503, 503]


def test_faults_come_by_path(serve, client):
    server = serve(ByPath({"/bad": Status(500), "/flaky": [Status(502)]}, otherwise=Status(418)))
    paths = ["/bad", "/flaky", "/flaky?again=1", "/bad", "/other"]
    assert [client.get(server.url + path).status_code for path in paths] == [500, 502, 200, 500, 418]


def test_faults_come_with_a_probability_and_the_same_seed_gives_the_same(serve, client):
    def codes(seed):
        server = serve(Sometimes(0.3, Status(500), Status(503), seed=seed))
        return [client.get(server.url).status_code for _ in range(100)]

    first = codes(7)
    assert first == codes(7) != codes(8)
    assert 10 < len(first) - first.count(200) < 50
    assert set(first) == {200, 500, 503}


def test_a_function_of_the_request_is_a_plan(serve, client):
    server = serve(lambda request: Status(500) if request.number % 2 else None)
    assert [client.get(server.url).status_code for _ in range(4)] == [200, 500, 200, 500]


def test_what_a_plan_raises_is_raised_at_the_end(client):
    def wrong(request):
        raise KeyError("no such fault")

    server = FaultServer(wrong)
    server.start()
    with pytest.raises(httpx2.RemoteProtocolError):
        client.get(server.url)
    with pytest.raises(KeyError, match="no such fault"):
        server.close()


def test_it_counts_connections_and_the_most_at_once():
    async def story():
        async with FaultServer(Stall()) as server:
            async with httpx2.AsyncClient(timeout=30) as client:
                tasks = [asyncio.create_task(client.get(server.url)) for _ in range(5)]
                await asyncio.to_thread(server.wait, 5)
                assert (server.connections.open, server.connections.most) == (5, 5)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            server.plan = None
            async with httpx2.AsyncClient() as client:
                assert (await client.get(server.url)).status_code == 200
        assert (server.connections.total, server.connections.open, server.connections.most) == (6, 0, 5)

    asyncio.run(story())


def test_waiting_for_requests_that_do_not_come_ends(serve):
    with pytest.raises(TimeoutError, match="1 requests were to come within 0.01 s, 0 did"):
        serve().wait(1, within=0.01)


def test_it_leaves_no_thread_and_no_connection_and_starts_again_on_its_port(client):
    before = set(threading.enumerate())
    server = FaultServer(Stall())
    with server:
        connection = socket.create_connection((server.host, server.port), timeout=30)
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        server.wait(1)
    with connection:
        assert connection.recv(10) == b""
    assert set(threading.enumerate()) <= before
    with pytest.raises(httpx2.ConnectError):
        client.get(server.url)
    server.plan = None
    with server:
        assert client.get(server.url).status_code == 200
    server.close()


def test_a_port_is_asked_for_after_the_start_only():
    with pytest.raises(InvalidInput, match="use it in a with block"):
        _ = FaultServer().url


def test_a_long_answer_comes_whole_also_when_the_connection_ends_after_it(serve, client):
    text = "word " * 100_000
    server = serve(say=text)
    answer = client.post(f"{server.url}{CHAT}", json=prompt(), headers={"Connection": "close"})
    assert answer.json()["choices"][0]["message"]["content"] == text


def test_a_chunked_request_is_read(serve, client):
    server = serve()
    client.post(server.url, content=iter([b"ab", b"cde"]))
    client.post(server.url, content=b"next")
    assert [request.body for request in server.requests] == [b"abcde", b"next"]
    assert server.connections.total == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 70_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nlong: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
    ids=["no HTTP", "no header", "no length", "negative", "huge", "no chunk", "long chunk size", "long head"],
)
def test_what_is_not_http_is_answered_with_400(serve, sent):
    server = serve()
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        connection.sendall(sent)
        assert connection.recv(12) == b"HTTP/1.1 400"
    assert server.n_requests == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Status(200),
        lambda: Latency(-1),
        lambda: Latency(float("inf")),
        lambda: Drip(0.1, size=0),
        lambda: Cut(after=1),
        lambda: Reset(after=1.5),
        lambda: HalfAnswer("quarter"),
        lambda: Sometimes(2, Status()),
        lambda: Sometimes(0.5),
        lambda: Sometimes(0.5, 503),
        lambda: InOrder([503]),
        lambda: FaultServer([None, "503"]),
        lambda: FaultServer(503),
        lambda: FaultServer("503"),
    ],
)
def test_what_is_no_fault_is_refused(make):
    with pytest.raises(InvalidInput):
        make()


def test_a_client_that_leaves_early_ends_a_stalled_connection(serve):
    server = serve([Stall()])
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        server.wait(1)
    with httpx2.Client() as client:
        client.get(server.url)
    assert server.connections.most <= 2
