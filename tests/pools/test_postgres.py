"""The PostgreSQL pool against a real server, whose backends are ended and which is killed."""

import asyncio
import subprocess
import sys

import pytest

from consilience.errors import InvalidInput, PoolClosed, PoolTimedOut
from consilience.loop import background
from consilience.pools import ConnectionReplaced, PostgresPool

SECRET = "sesame-open"  # noqa: S105 - of nobody


@pytest.fixture
def make(postgres, events):
    made = []

    def make_pool(**settings):
        url = postgres.url.replace("postgres:@", f"postgres:{SECRET}@")
        made.append(PostgresPool(url, **({"least": 4, "limit": 4, "events": events} | settings)))
        return made[-1]

    yield make_pool
    for pool in made:
        pool.close()


@pytest.fixture
def table(postgres):
    postgres.run("DROP TABLE IF EXISTS notes; CREATE TABLE notes (number int)")
    return lambda: [number for (number,) in postgres.run("SELECT number FROM notes ORDER BY number")]


@pytest.fixture(params=["background", "own"])
def run(request):
    return background.wait_sync if request.param == "background" else asyncio.run


async def ask(pool, statement="SELECT 1"):
    async with pool.transaction() as connection:
        return (await (await connection.execute(statement)).fetchone())[0]


def test_a_transaction_is_committed(make, table, run):
    pool = make()

    async def story():
        async with pool.transaction() as connection:
            await connection.execute("INSERT INTO notes VALUES (1)")

    run(story())
    assert table() == [1]


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
def test_an_error_or_a_cancellation_rolls_back(make, table, run, error):
    pool = make()

    async def story():
        with pytest.raises(error):  # noqa: PT012 - the block is what is tested
            async with pool.transaction() as connection:
                await connection.execute("INSERT INTO notes VALUES (1)")
                raise error
        return await ask(pool)

    assert run(story()) == 1
    assert table() == []
    assert pool.stats().in_use == 0


def test_code_without_a_loop_has_transactions_too(make, table):
    pool = make()
    with pool.transaction_sync() as statements:
        assert statements.execute("INSERT INTO notes VALUES (%s)", [1]) == []
        assert statements.execute("SELECT number FROM notes") == [(1,)]
    with pytest.raises(KeyboardInterrupt), pool.transaction_sync() as statements:  # noqa: PT012
        statements.execute("INSERT INTO notes VALUES (2)")
        raise KeyboardInterrupt
    assert table() == [1]
    assert background.wait_sync(asyncio.sleep(0, "the loop goes on")) == "the loop goes on"


def test_after_all_backends_were_ended_no_transaction_fails(make, postgres, seen, run):
    pool = make()

    async def four():
        return await asyncio.gather(*(ask(pool, "SELECT 1 FROM pg_sleep(0.02)") for _ in range(4)))

    assert run(four()) == [1] * 4
    assert postgres.end_backends() == 4
    assert run(four()) == [1] * 4
    assert pool.stats().closed >= 4
    assert {type(event) for event in seen} == {ConnectionReplaced}


def test_without_the_check_they_fail(make, postgres):
    pool = make(check=False)

    async def four():
        calls = (ask(pool, "SELECT 1 FROM pg_sleep(0.02)") for _ in range(4))
        return await asyncio.gather(*calls, return_exceptions=True)

    assert background.wait_sync(four()) == [1] * 4
    postgres.end_backends()
    assert any(isinstance(answer, Exception) for answer in background.wait_sync(four()))
    assert pool.stats().errors


def test_a_server_that_was_killed_and_came_back_is_used_again(make, postgres, seen):
    pool = make(wait=1.0)
    assert background.wait_sync(ask(pool)) == 1
    postgres.kill()
    try:
        with pytest.raises(PoolTimedOut, match=r"none came within 1 s .* look whether the server answers"):
            background.wait_sync(ask(pool))
        health = pool.health_sync()
        assert not health
        assert health.latency is None
    finally:
        postgres.start()
    assert background.wait_sync(_waiting(pool)) == 1
    assert pool.health_sync().ok
    assert [event.ok for event in seen if event.kind == "health changed"] == [False, True]


async def _waiting(pool):
    async with pool.transaction(wait=30) as connection:
        return (await (await connection.execute("SELECT 1")).fetchone())[0]


def test_a_connection_that_dies_in_a_transaction_is_an_error_of_that_one_only(make, postgres, run):
    pool = make(limit=1, least=1)

    async def story():
        with pytest.raises(Exception, match="terminat"):
            async with pool.transaction() as connection:
                await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return await ask(pool)

    assert run(story()) == 1
    assert (pool.stats().errors, pool.stats().in_use) == (1, 0)


def test_bursts_of_cancellations_leave_the_pool_usable(make, run):
    pool = make(limit=2, least=1)

    async def story():
        for number in range(40):
            tasks = [asyncio.create_task(ask(pool)) for _ in range(6)]
            await asyncio.sleep(number % 4 / 1000)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return await ask(pool)

    assert run(story()) == 1
    assert run(asyncio.sleep(0)) is None


def test_who_finds_none_free_waits_and_is_counted(make, run):
    pool = make(limit=1, least=1)

    async def story():
        async with pool.transaction():
            with pytest.raises(PoolTimedOut, match="1 of 1 are in use"):
                async with pool.transaction(wait=0.02):
                    raise AssertionError
        return await ask(pool)

    assert run(story()) == 1
    stats = pool.stats()
    assert (stats.size, stats.in_use, stats.requests, stats.errors) == (1, 0, 3, 1)
    assert stats.waits >= 1
    assert stats.wait_total > 0


def test_three_loops_in_a_row_and_a_thread_use_one_pool(make, in_thread):
    pool = make()
    assert [asyncio.run(ask(pool)) for _ in range(3)] == [1] * 3
    assert in_thread(lambda: asyncio.run(ask(pool))) == 1
    background.close()
    assert asyncio.run(ask(pool)) == 1


def test_the_password_is_shown_nowhere(make, postgres, caplog):
    pool = make()
    background.wait_sync(ask(pool))
    shown = [repr(pool), repr(pool.stats()), repr(pool.health_sync()), caplog.text]
    with pytest.raises(InvalidInput) as caught:
        PostgresPool(f"postgresql://ana:{SECRET}@host:no-port-%%/x")
    assert not any(SECRET in text for text in [*shown, str(caught.value)])


def test_a_closed_pool_says_what_to_do(make):
    pool = make()
    background.wait_sync(ask(pool))
    pool.close()
    assert pool.stats().size == 0
    with pytest.raises(PoolClosed, match="make a new one"):
        background.wait_sync(ask(pool))
    with pytest.raises(PoolClosed), pool.transaction_sync():
        raise AssertionError


def test_everything_is_closed_at_exit(postgres):
    code = (
        "import consilience as cs\n"
        f"pool = cs.pools.PostgresPool({postgres.url!r})\n"
        "with pool.transaction_sync() as statements: statements.execute('SELECT 1')\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("settings", [{"limit": 0}, {"wait": -1}, {"lifetime": 0}, {"idle": 0}, {"least": 5}])
def test_a_number_that_cannot_be_meant_is_refused(make, settings):
    with pytest.raises(InvalidInput, match=next(iter(settings))):
        make(**settings)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg_pool", None)
    with pytest.raises(InvalidInput, match=r"pip install 'consilience\[postgres\]'"):
        PostgresPool("postgresql://nowhere/x")
