"""The HTTP pool under clients of httpx2 and httpx, against a server that misbehaves."""

import asyncio
import gc

import httpx
import httpx2
import pytest

from consilience.errors import InvalidInput, PoolClosed
from consilience.loop import background
from consilience.pools import ConnectionReplaced, HttpPool

SECONDS = 20.0


@pytest.fixture
def pool(events):
    made = HttpPool("test", limit=2, wait=SECONDS, read=SECONDS, events=events)
    yield made
    made.close()


@pytest.fixture(params=["httpx2", "httpx"])
def package(request):
    return {"httpx2": httpx2, "httpx": httpx}[request.param]


@pytest.fixture
def client(pool, package, faulty):
    return getattr(pool, package.__name__)(base_url=faulty.url)


@pytest.fixture(params=["background", "own"])
def run(request):
    """Run a coroutine on the background loop, or on a loop of its own."""
    return background.wait_sync if request.param == "background" else asyncio.run


def test_a_client_is_one_of_the_class_that_the_sdks_ask_for(client, package):
    assert isinstance(client, package.AsyncClient)


def test_an_answer_comes_with_its_status_headers_and_body(client, package, run):
    answer = run(client.post("/ok?a=b%20c", json={"question": "why"}))
    assert isinstance(answer, package.Response)
    assert (answer.status_code, answer.json(), answer.http_version) == (200, {"question": "why"}, "HTTP/1.1")
    assert answer.headers["content-length"] == str(len(answer.content))


def test_the_server_gets_what_was_sent(client, faulty, run):
    run(
        client.post(
            "/ok?a=b%20c&d=%2F", content=b"body", headers={"x-name": "Zoë".encode(), "user-agent": "own"}
        )
    )
    method, path, headers, body = faulty.received[-1]
    assert (method, path, body) == ("POST", "/ok?a=b%20c&d=%2F", b"body")
    assert headers["user-agent"] == "own"
    assert headers["x-name"].encode("latin-1").decode() == "Zoë"


def test_redirects_cookies_and_decompression_are_the_clients(client, faulty, run):
    answer = run(client.get("/redirect", follow_redirects=True))
    assert [seen.status_code for seen in answer.history] == [302]
    assert faulty.received[-1][2]["cookie"] == "seen=1"
    assert run(client.get("/redirect")).status_code == 302
    assert run(client.get("/gzip")).text == "unpacked"


def test_a_long_body_is_sent_whole(client, run):
    body = bytes(range(256)) * 4096
    assert run(client.post("/ok", content=body)).content == body


def test_a_body_that_is_generated_is_sent_whole(client, run):
    async def pieces():
        for number in range(3):
            yield f"{number};".encode()

    assert run(client.post("/ok", content=pieces())).text == "0;1;2;"


def test_a_stream_comes_piece_by_piece(client, run):
    async def story():
        async with client.stream("GET", "/stream/5") as answer:
            return [text async for text in answer.aiter_text()]

    pieces = run(story())
    assert "".join(pieces) == "".join(f"piece {number};" for number in range(5))
    assert len(pieces) > 1


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/gone", "RemoteProtocolError"),
        ("/cut", "RemoteProtocolError"),
        ("/garbage", "RemoteProtocolError"),
        ("/reset", "ReadError"),
    ],
)
def test_a_broken_answer_is_the_clients_own_error(pool, client, package, run, path, error):
    with pytest.raises(getattr(package, error)) as caught:
        run(client.get(path))
    assert caught.value.request.url.path == path
    assert (pool.stats().errors, pool.stats().in_use) == (1, 0)


def test_a_server_that_is_not_there_is_a_connect_error(client, package, run):
    with pytest.raises(package.ConnectError, match=r"127\.0\.0\.1"):
        run(client.get("http://127.0.0.1:1/?key=secret"))


def test_another_scheme_is_unsupported(client, package, run):
    with pytest.raises(package.UnsupportedProtocol):
        run(client.get("ftp://127.0.0.1/"))


def test_silence_is_a_read_timeout(client, package, run):
    with pytest.raises(package.ReadTimeout):
        run(client.get("/silent", timeout=package.Timeout(SECONDS, read=0.05)))


def test_silence_in_the_middle_is_a_read_timeout(client, package, run):
    with pytest.raises(package.ReadTimeout):
        run(client.get("/half", timeout=package.Timeout(SECONDS, read=0.05)))


def test_a_server_that_reads_nothing_is_a_write_timeout(pool, client, package, run):
    with pytest.raises(package.WriteTimeout):
        run(client.post("/unread", content=b"x" * 50_000_000, timeout=package.Timeout(SECONDS, write=0.2)))
    until(lambda: pool.stats().size == 0)


def test_no_free_connection_is_a_pool_timeout(pool, client, package, run):
    async def story():
        holders = [asyncio.create_task(client.get("/silent")) for _ in range(2)]
        await seen_to(lambda: pool.stats().in_use == 2)
        with pytest.raises(package.PoolTimeout, match="2 are in use"):
            await client.get("/ok", timeout=package.Timeout(SECONDS, pool=0.02))
        for holder in holders:
            holder.cancel()
        await asyncio.gather(*holders, return_exceptions=True)
        return (await client.get("/ok")).status_code

    assert run(story()) == 200
    assert pool.stats().waits == 1


def test_a_connection_that_cannot_be_made_in_time_is_a_connect_timeout(client, package, run, full_backlog):
    with pytest.raises(package.ConnectTimeout):
        run(client.get(full_backlog, timeout=package.Timeout(SECONDS, connect=0.05)))


@pytest.fixture
def full_backlog():
    """A port on which nobody accepts, with as many in its queue as go in."""
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = []
        for _ in range(3):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        for one in waiting:
            one.close()


def test_bursts_of_cancellations_leave_the_pool_usable(pool, client, run):
    async def story():
        for number in range(60):
            tasks = [asyncio.create_task(client.get("/slow/0.002")) for _ in range(8)]
            await asyncio.sleep(number % 4 / 1000)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return (await client.get("/ok")).status_code

    assert run(story()) == 200
    until(lambda: pool.stats().in_use == 0)
    assert pool.stats().size <= 2


def test_ten_refusals_do_not_use_up_a_pool_of_two(pool, client, run):
    async def story():
        for _ in range(10):
            answer = await client.send(client.build_request("POST", "/429", json={}), stream=True)
            with pytest.raises(Exception, match="429"):
                answer.raise_for_status()
            del answer  # as a retry does that leaves the answer to nobody
            gc.collect()
        return (await client.get("/ok")).status_code

    assert run(story()) == 200


def test_one_client_is_used_on_three_loops_in_a_row(client):
    assert [asyncio.run(client.get("/ok")).text for _ in range(3)] == ["fine"] * 3


def test_a_client_goes_on_after_the_background_loop_was_closed(pool, client):
    assert background.wait_sync(client.get("/ok")).text == "fine"
    background.close()
    assert pool.stats().size == 0
    assert background.wait_sync(client.get("/ok")).text == "fine"


def test_a_connection_that_was_closed_while_idle_is_replaced(pool, client, faulty, run):
    assert run(client.get("/ok")).text == "fine"
    for _ in range(5):
        faulty.close_idle()
        until(lambda: pool.stats().size == 0)
        assert run(client.post("/ok")).text == "fine"
    assert (pool.stats().made, pool.stats().closed) == (6, 5)


def test_a_stream_that_is_left_half_read_gives_its_connection_back(pool, client, run):
    async def story():
        for _ in range(5):
            async with client.stream("GET", "/half") as answer:
                async for _piece in answer.aiter_bytes():
                    break
        return (await client.get("/ok")).status_code

    assert run(story()) == 200
    until(lambda: pool.stats().in_use == 0)


def test_a_stream_that_nobody_holds_any_more_gives_its_connection_back(pool, client, run):
    async def story():
        for _ in range(5):
            await client.send(client.build_request("GET", "/half"), stream=True)
            gc.collect()
        return (await client.get("/ok")).status_code

    assert run(story()) == 200


def test_a_connection_is_used_again(pool, client, run):
    async def story():
        for _ in range(20):
            await client.post("/ok", json={})

    run(story())
    stats = pool.stats()
    assert (stats.made, stats.size, stats.idle, stats.requests) == (1, 1, 1, 20)


def test_no_more_than_the_limit_are_open_and_the_others_wait(pool, client, faulty, run):
    async def story():
        return await asyncio.gather(*(client.get("/slow/0.005") for _ in range(20)))

    assert len(run(story())) == 20
    stats = pool.stats()
    assert (stats.made, stats.waiting) == (2, 0)
    assert 0 < stats.waits <= 18
    assert stats.wait_total > stats.wait_p95 > 0


def test_each_host_has_its_own_limit(faulty, run):
    async def story(pool):
        client = pool.httpx2()
        held = [asyncio.create_task(client.get(f"{faulty.url}/silent")) for _ in range(2)]
        await seen_to(lambda: pool.stats().in_use + pool.stats().waiting == 2)
        assert (pool.stats().in_use, pool.stats().waiting) == (1, 1)
        other = await client.get(faulty.url.replace("127.0.0.1", "localhost") + "/ok")
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        return other.text

    with HttpPool("hosts", limit=5, per_host=1) as pool:
        assert run(story(pool)) == "fine"


def test_an_idle_connection_is_closed_after_its_time(faulty):
    with HttpPool("short", keep_alive=0.05) as pool:
        assert background.wait_sync(pool.httpx2().get(f"{faulty.url}/ok")).text == "fine"
        until(lambda: pool.stats().size == 0)


def test_both_packages_share_the_connections_and_the_figures(pool, faulty):
    async def story():
        for client in (pool.httpx2(), pool.httpx()):
            await client.get(f"{faulty.url}/ok")

    asyncio.run(story())
    assert (pool.stats().made, pool.stats().requests) == (1, 2)


def test_closing_a_client_leaves_the_connections(pool, client, faulty, run):
    async def story():
        async with client:
            await client.get("/ok")

    run(story())
    assert pool.stats().size == 1


def test_a_lost_connection_is_told(client, seen, run):
    with pytest.raises(Exception, match="closed without"):
        run(client.get("/gone"))
    assert [(type(event), event.source) for event in seen] == [(ConnectionReplaced, "test")]


def test_a_closed_pool_says_what_to_do(pool, client, run):
    pool.close()
    pool.close()
    with pytest.raises(PoolClosed, match="make a new one"):
        run(client.get("/ok"))
    with pytest.raises(PoolClosed, match="'test' was closed"):
        pool.httpx2()
    assert repr(pool) == "<HttpPool 'test': closed>"


def test_closing_ends_what_runs(pool, client, package):
    async def story():
        task = asyncio.create_task(client.get("/silent"))
        await seen_to(lambda: pool.stats().in_use)
        await pool.aclose()
        with pytest.raises(package.TransportError):
            await task

    asyncio.run(story())
    assert pool.stats().size == 0


def test_a_pool_that_nobody_holds_closes_its_connections(faulty):
    pool = HttpPool("dropped")
    asyncio.run(pool.httpx2().get(f"{faulty.url}/ok"))
    meter = pool._meter
    assert meter.made == 1
    del pool
    gc.collect()
    until(lambda: meter.closed == 1)


@pytest.mark.parametrize(("path", "ok"), [("/ok", True), ("/429", True), ("/500", False), ("/gone", False)])
def test_health_is_whether_the_probe_is_answered(faulty, events, seen, path, ok):
    with HttpPool("probed", probe=f"{faulty.url}{path}", events=events) as pool:
        health = pool.health_sync()
        assert (health.ok, bool(health), asyncio.run(pool.health()).ok) == (ok, ok, ok)
        assert (health.latency is not None) is ok
        assert [event.ok for event in seen if event.kind == "health changed"] == ([] if ok else [False])


def test_health_without_a_probe_says_so(pool):
    assert pool.health_sync().sentence == "No probe was given to ask: 0 of 0 requests met an error."


def test_a_proxy_is_used(faulty, run):
    with HttpPool("proxied", proxy=faulty.url) as pool:
        run(pool.httpx2().get("http://somewhere.invalid/ok"))
    assert faulty.received[-1][1] == "http://somewhere.invalid/ok"


@pytest.mark.parametrize("setting", ["limit", "per_host", "keep_alive", "connect", "read", "write", "wait"])
def test_a_number_that_cannot_be_meant_is_refused(setting):
    with pytest.raises(InvalidInput, match=f"{setting} is a number above 0, -1 came"):
        HttpPool("bad", **{setting: -1})


def test_what_the_pool_does_is_not_for_the_client(pool):
    with pytest.raises(InvalidInput, match="limits, verify: the pool itself"):
        pool.httpx2(verify=False, limits=None)


async def seen_to(holds):
    """Wait for something that the loops bring about."""
    for _ in range(5000):
        if holds():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come to hold")


def until(holds):
    """Wait for something on another thread, by asking the background loop again and again."""
    for _ in range(5000):
        if holds():
            return
        background.wait_sync(asyncio.sleep(0.001))
    raise AssertionError("it did not come to hold")
