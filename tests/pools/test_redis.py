"""The Redis pool against a real server, whose connections are killed and which is started again."""

import asyncio
import sys

import pytest

from consilience.errors import InvalidInput, LoopError, PoolClosed, PoolTimedOut
from consilience.loop import background
from consilience.pools import ConnectionReplaced, RedisPool


@pytest.fixture
def pool(redis_server, events):
    made = RedisPool(redis_server.url, limit=2, events=events)
    yield made
    made.close()


@pytest.fixture(params=["background", "own"])
def run(request):
    return background.wait_sync if request.param == "background" else asyncio.run


def kill_clients(server):
    server.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def test_a_command_is_answered_from_any_loop(pool, run, in_thread):
    assert run(pool.execute("SET", "key", "value")) is True
    assert run(pool.execute("GET", "key")) == b"value"
    assert pool.run_sync(lambda redis: redis.get("key")) == b"value"
    assert in_thread(lambda: asyncio.run(pool.execute("GET", "key"))) == b"value"


def test_connections_that_the_server_killed_are_replaced(pool, redis_server, seen, run):
    async def several():
        return await asyncio.gather(*(pool.execute("INCR", "number") for _ in range(4)))

    assert sorted(run(several())) == [1, 2, 3, 4]
    kill_clients(redis_server)
    assert sorted(run(several())) == [5, 6, 7, 8]
    assert {type(event) for event in seen} == {ConnectionReplaced}
    assert pool.stats().closed == len(seen)


def test_a_server_that_was_killed_and_came_back_is_used_again(pool, redis_server, seen):
    assert pool.health_sync().ok
    redis_server.kill()
    redis_server.socket.unlink()
    health = pool.health_sync()
    assert (health.ok, health.latency) == (False, None)
    with pytest.raises(Exception, match="connecting"):
        asyncio.run(pool.execute("PING"))
    redis_server.start()
    assert asyncio.run(pool.execute("PING"))
    assert pool.health_sync().ok
    assert [event.ok for event in seen if event.kind == "health changed"] == [False, True]
    assert pool.stats().errors == 1


def test_a_server_that_says_nothing_is_a_timeout(redis_server):
    with RedisPool(redis_server.url, read=0.05) as pool:
        assert asyncio.run(pool.execute("PING"))
        redis_server.stop()
        try:
            with pytest.raises(Exception, match="Timeout"):
                asyncio.run(pool.execute("PING"))
        finally:
            redis_server.go_on()
        assert asyncio.run(pool.execute("PING"))


def test_a_connection_that_was_silent_is_asked_for_a_sign_of_life(redis_server):
    with RedisPool(redis_server.url, check_after=0.2) as pool:

        async def story():
            await pool.execute("PING")
            before = redis_server.client.info("commandstats")["cmdstat_ping"]["calls"]
            await asyncio.sleep(0.25)
            await pool.execute("ECHO", "a")
            return redis_server.client.info("commandstats")["cmdstat_ping"]["calls"] - before

        assert asyncio.run(story()) >= 1


def test_more_than_the_limit_wait_and_are_counted(pool, run):
    async def story():
        return await asyncio.gather(*(pool.run(lambda r: r.blpop("none", timeout=0.02)) for _ in range(4)))

    assert run(story()) == [None] * 4
    stats = pool.stats()
    assert (stats.size, stats.in_use, stats.waiting, stats.requests, stats.waits) == (2, 0, 0, 4, 2)
    assert stats.wait_total >= stats.wait_p95 > 0


def test_no_free_connection_in_time_says_what_to_do(redis_server, run):
    async def story(pool):
        holder = asyncio.create_task(pool.run(lambda redis: redis.blpop("none", timeout=20)))
        while not pool.stats().in_use:  # noqa: ASYNC110 - another loop brings it about
            await asyncio.sleep(0.001)
        try:
            with pytest.raises(
                PoolTimedOut, match=r"within 0\.05 s \(all 1 are in use\): raise limit or wait"
            ):
                await pool.execute("PING")
        finally:
            holder.cancel()
            await asyncio.gather(holder, return_exceptions=True)
        return await pool.execute("PING")

    with RedisPool(redis_server.url, limit=1, wait=0.05, read=30) as pool:
        assert run(story(pool))


def test_bursts_of_cancellations_leave_the_pool_usable(pool, run):
    async def story():
        for number in range(60):
            tasks = [asyncio.create_task(pool.execute("GET", "key")) for _ in range(8)]
            await asyncio.sleep(number % 4 / 1000)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return await pool.execute("PING")

    assert run(story())
    assert pool.stats().size <= 2


def test_three_loops_in_a_row_use_one_pool(pool):
    assert all(asyncio.run(pool.execute("PING")) for _ in range(3))
    assert pool.stats().made == 1
    background.close()
    assert asyncio.run(pool.execute("PING"))


def test_the_client_is_for_the_background_loop(pool):
    with pytest.raises(LoopError, match="run or run_sync"):
        pool.client()

    async def there():
        return await pool.client().ping()

    assert background.wait_sync(there())


def test_a_closed_pool_says_what_to_do(pool):
    asyncio.run(pool.execute("PING"))
    pool.close()
    assert pool.stats().size == 0
    with pytest.raises(PoolClosed, match="make a new one"):
        asyncio.run(pool.execute("PING"))


def test_the_password_is_shown_nowhere():
    with RedisPool("redis://ana:sesame-open@127.0.0.1:1/0") as pool:
        health = pool.health_sync()
        assert not health
        assert "sesame" not in repr(pool) + repr(health) + repr(pool.stats())
    with pytest.raises(InvalidInput, match="not repeated") as caught:
        RedisPool("http://ana:sesame-open@host")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("setting", ["limit", "wait", "connect", "read", "check_after"])
def test_a_number_that_cannot_be_meant_is_refused(setting):
    with pytest.raises(InvalidInput, match=f"{setting} is a number above 0, 0 came"):
        RedisPool(**{setting: 0})


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis.asyncio.connection", None)
    with pytest.raises(InvalidInput, match=r"pip install 'consilience\[redis\]'"):
        RedisPool()
