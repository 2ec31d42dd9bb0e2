"""What a store on a server does about its server, its schema, its spool and its password."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from consilience.errors import InvalidInput, StoreAway, StoreBusy, StoreError, StoreReadOnly, StoreTooNew
from consilience.models import Question
from consilience.store import Store
from consilience.store.postgres import living, tables
from consilience.store.postgres.scan import numbered

SECRET = "sesame-open"  # noqa: S105 - of nobody
CRASH = Path(__file__).parents[2] / "benchmarks" / "store_crash.py"


@pytest.fixture
def engine():
    """PostgreSQL: the module is about the server."""
    return "postgresql"


@pytest.fixture
def run(where):
    """Run statements on the store's database, beside the store."""

    def execute(*statements):
        with psycopg.connect(where, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    return execute


@pytest.fixture
def stopped(postgres):
    """Stop the server for a block, and start it again however the block ends."""

    class Stopped:
        def __enter__(self):
            postgres.kill()

        def __exit__(self, *_):
            postgres.start()

    return Stopped()


def count(store, table="questions"):
    return store.sql(f"SELECT count(*) FROM {table}").item()


def test_making_and_reading_a_new_store_makes_no_table_and_no_folder(open_store, run, tmp_path):
    store = open_store()
    assert store.latest().height == 0
    assert store.status().version is None
    store.close()
    assert run("SELECT count(*) FROM pg_namespace WHERE nspname = 'consilience'") == [(0,)]
    assert list(tmp_path.iterdir()) == []


def test_importing_and_making_a_store_starts_no_thread(where):
    code = (
        "import sys, threading\n"
        "from consilience.store import Store\n"
        "store = Store(sys.argv[1])\n"
        "assert threading.active_count() == 1\n"
        "assert not {'duckdb', 'pyarrow', 'polars'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, where], check=True)


def test_the_password_is_shown_nowhere(where, tmp_path, caplog, asked, monkeypatch):
    monkeypatch.setenv("CONSILIENCE_SPOOLS", str(tmp_path / "spools"))
    url = where.replace("postgres:@", f"postgres:{SECRET}@")
    shown = []
    with caplog.at_level(logging.DEBUG), Store(url) as store:
        store.record(*asked())
        shown += [repr(store), store.address, repr(store.status()), repr(store._keeper._address)]
        for statement in ("SELECT nope", f"SELECT '{SECRET}'::int"):
            with pytest.raises(StoreError) as caught:
                store.sql(statement)
            shown += [str(caught.value), repr(caught.value.__cause__)]
    with caplog.at_level(logging.DEBUG), Store("postgresql://ana:" + SECRET + "@127.0.0.1:1/x") as away:
        with pytest.raises(StoreAway) as caught:
            away.latest()
        shown += [str(caught.value), repr(away)]
    with pytest.raises(StoreError) as caught:
        Store(f"postgresql://ana:{SECRET}@host:no-port-%%/x")
    shown += [str(caught.value), repr(caught.value.__context__)]
    names = [str(path) for path in (tmp_path / "spools").rglob("*")]
    assert names
    assert not any(SECRET in text for text in [*shown, caplog.text, *names])


def test_the_spool_belongs_to_server_database_and_role_and_not_to_the_password(monkeypatch):
    def spool(url, **environment):
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            return Store(url)._keeper.spool

    one = spool("postgresql://ana:one@db:5432/team")
    assert one == spool("postgres://ana:two@db/team")
    assert one == spool("postgresql:///team", PGHOST="db", PGUSER="ana")
    others = {
        spool(f"postgresql://{rest}") for rest in ("ben@db/team", "ana@db2/team", "ana@db/x", "ana@db:1/team")
    }
    assert len(others - {one}) == 4


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg_pool", None)
    for name in [name for name in sys.modules if name.startswith("consilience.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(StoreError, match=r"pip install 'consilience\[postgres\]'"):
        Store("postgresql://nowhere/x")


def test_a_server_that_is_away_loses_nothing_and_reads_say_so(open_store, asked, stopped, until):
    store = open_store()
    store.record(*asked("before"))
    assert count(store) == 1
    with stopped:
        store.record(*asked("while"))
        with pytest.raises(StoreAway, match=r"does not answer .* waits in the spool"):
            store.latest()
        with pytest.raises(StoreAway):
            store.sql("SELECT 1")
        store.check()
        fresh = open_store()
        fresh.record(*asked("of another process"))
        assert len(store._spool.waiting()) == 2
    until(lambda: not store._spool.waiting())
    assert sorted(store.latest()["question"]) == ["before", "of another process", "while"]


def test_a_store_that_was_closed_while_the_server_was_away_leaves_its_rows_to_the_next(
    open_store, asked, stopped
):
    with stopped:
        store = open_store(interval=3600)
        store.record(*asked())
        store.close()
    assert open_store().latest().height == 1


def test_after_all_backends_were_ended_nothing_fails(open_store, asked, postgres):
    store = open_store(interval=3600)
    for n in range(3):
        store.record(*asked(f"{n}"))
        assert store.latest().height == n + 1
        assert postgres.end_backends() >= 1


def test_a_reader_whose_backend_is_ended_in_the_middle_reads_once_more(open_store, asked, postgres, until):
    store = open_store()
    store.record(*asked())
    store.flush()
    found = []
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    thread = threading.Thread(target=lambda: found.append(store.read("SELECT pg_sleep(1)").height))
    thread.start()
    until(lambda: postgres.run(sleeping) == [(1,)])
    postgres.end_backends()
    thread.join()
    assert found == [1]


def test_a_transaction_that_is_ended_in_the_middle_is_taken_again_once(
    open_store, asked, postgres, monkeypatch
):
    from consilience.store import ingest

    store = open_store(interval=3600)
    store.record(*asked())
    plain = ingest._insert_rows

    def ended(session, name, rows):
        plain(session, name, rows)
        if name == "responses":
            postgres.end_backends()

    monkeypatch.setattr(ingest, "_insert_rows", ended)
    with pytest.raises(StoreAway):
        store.flush()
    monkeypatch.undo()
    assert store.latest().height == 1
    assert [count(store, table) for table in ("questions", "responses", "verdicts", "ingested")] == [
        1,
        3,
        1,
        1,
    ]


def test_a_segment_that_was_taken_but_not_removed_is_not_taken_twice(open_store, asked, monkeypatch):
    store = open_store(interval=3600)
    store.record(*asked())
    with monkeypatch.context() as patch:
        patch.setattr(store._spool, "remove", list)
        store.flush()
    assert len(store._spool.waiting()) == 1
    store.flush()
    assert store._spool.waiting() == []
    assert [count(store, table) for table in ("questions", "responses", "ingested")] == [1, 3, 1]


def test_a_segment_that_the_server_refuses_goes_aside_and_stops_no_other(open_store, asked, run):
    store = open_store(interval=3600)
    store.migrate()
    run("ALTER TABLE consilience.questions ADD CHECK (text <> 'bad')")
    for text in ("good", "bad", "better"):
        store.record(*asked(text))
    assert sorted(store.latest()["question"]) == ["better", "good"]
    assert len(list((store._spool.folder / "quarantine").iterdir())) == 1


def test_one_ingester_at_a_time_holds_the_lock_and_others_say_that_they_waited(open_store, asked, where):
    store = open_store(timeout=0.1, interval=3600)
    store.migrate()
    store.record(*asked())
    with psycopg.connect(where) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({tables.LOCK})")
        with pytest.raises(StoreBusy, match="held by others"):
            store.latest()
    assert store.latest().height == 1


def test_an_older_schema_is_read_unchanged_and_migrated_by_the_next_write(
    open_store, asked, run, monkeypatch
):
    with monkeypatch.context() as patch:
        from consilience.store.postgres import session

        patch.setattr(tables, "MIGRATIONS", tables.MIGRATIONS[:2])
        patch.setattr(tables, "indexes", lambda: ())
        patch.setattr(session, "SCHEMA_VERSION", 2)
        open_store().migrate()
    run(
        "INSERT INTO consilience.questions VALUES "
        "('old', '2026-01-01Z', 'Is it?', NULL, 'text', '{\"kind\": \"text\"}', '[]', 'd')"
    )
    store = open_store()
    assert store.question("old").question.text == "Is it?"
    assert store.search("is").height == store.latest().height == 1
    assert store.sql("SELECT weights FROM verdicts").height == 0
    assert store.slow().height == 0
    assert run("SELECT max(version) FROM consilience.schema_version") == [(2,)]
    store.record(*asked())
    assert store.latest().height == 2
    assert count(store, "schema_version") == len(tables.MIGRATIONS)
    names = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'consilience' AND indexname = 'cells_digest'"
    assert run(names) == [(1,)]


def test_a_newer_schema_is_refused_and_not_changed(open_store, asked, run, tmp_path):
    store = open_store()
    store.record(*asked())
    store.close()
    run("INSERT INTO consilience.schema_version VALUES (99, now())")
    everything = (
        "SELECT (SELECT count(*) FROM consilience.questions), (SELECT count(*) FROM consilience.ingested)"
    )
    before = run(everything)
    newer = open_store()
    (tmp_path / "history").mkdir()
    for call in (
        lambda: newer.record(*asked()),
        newer.check,
        newer.latest,
        newer.maintain,
        newer.compact,
        newer.migrate,
        newer.status,
        lambda: newer.export(tmp_path),
    ):
        with pytest.raises(StoreTooNew, match="has version 99: upgrade with pip"):
            call()
    assert run(everything) == before


def test_a_schema_that_became_newer_meanwhile_takes_no_more_rows(open_store, asked, run):
    store = open_store(interval=3600)
    store.record(*asked())
    assert store.latest().height == 1
    run("INSERT INTO consilience.schema_version VALUES (99, now())")
    store.record(*asked())
    with pytest.raises(StoreTooNew):
        store.flush()
    assert len(store._spool.waiting()) == 1
    assert run("SELECT count(*) FROM consilience.questions") == [(1,)]


def test_somebody_elses_schema_and_a_database_that_is_not_utf8_are_refused(open_store, asked, run, postgres):
    run("CREATE SCHEMA consilience", "CREATE TABLE consilience.orders (id int)")
    with pytest.raises(StoreError, match="holds other tables"):
        open_store().record(*asked())
    postgres.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        with (
            Store(postgres.url.replace("/postgres?", "/latin?")) as store,
            pytest.raises(StoreError, match="UTF8"),
        ):
            store.migrate()
    finally:
        postgres.drop("latin")


def test_a_role_that_may_not_write_reads_and_says_what_it_lacks(open_store, asked, run, where, tmp_path):
    store = open_store()
    store.record(*asked())
    store.flush()
    run(
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN",
        "GRANT USAGE ON SCHEMA consilience TO reader",
        "GRANT SELECT ON ALL TABLES IN SCHEMA consilience TO reader",
    )
    try:
        with Store(where.replace("postgres:@", "reader@")) as reader:
            assert reader.latest().height == 1
            with pytest.raises(StoreError, match="lacks a right"):
                reader.maintain()
    finally:
        run("DROP OWNED BY reader", "DROP ROLE reader")


WRITING = (
    "INSERT INTO questions SELECT * FROM questions",
    "UPDATE questions SET text = ''",
    "DELETE FROM questions RETURNING *",
    "WITH gone AS (DELETE FROM questions RETURNING *) SELECT * FROM gone",
    "SELECT * INTO copied FROM questions",
    "DROP TABLE questions",
    "CREATE TABLE x AS SELECT 1",
    "CREATE TEMP TABLE x AS SELECT 1",
    "TRUNCATE questions",
    "BEGIN",
    "COMMIT",
    "SET default_transaction_read_only = off",
    "RESET ALL",
    "VACUUM",
    "DO $$ BEGIN END $$",
    "CALL pg_catalog.now()",
    "LOCK TABLE questions",
    "LISTEN x",
    "PREPARE x AS SELECT 1",
    "EXPLAIN ANALYZE SELECT 1",
    "SHOW data_directory",
    "COPY questions TO '/tmp/made'",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/made'",
    "LOAD 'auto_explain'",
    "CREATE EXTENSION dblink",
)
REACHING = (
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_catalog.pg_read_file('/etc/passwd')",
    "SELECT \"pg_read_file\"('/etc/passwd')",
    "SELECT ('/etc/passwd'::text).pg_read_file",
    "SELECT PG_READ_FILE /* a (b */ ('/etc/passwd')",
    "SELECT U&\"\\0070g_read_file\"('/etc/passwd')",
    "SELECT E'a' '\\', pg_read_file('/etc/passwd'), '",
    "SELECT E'a'\n'\\'', pg_read_file($$/etc/passwd$$), '",
    "SELECT $a$ $b$ $a$, pg_read_file('/etc/passwd')",
    "SELECT * FROM pg_ls_dir('/')",
    "SELECT lo_export(1, '/tmp/made')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT query_to_xml('SELECT 1', true, false, '')",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_sleep(100)",
    "SELECT pg_advisory_lock(1)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT current_setting('data_directory')",
    "SELECT nextval('x')",
    "SELECT public.shout('a')",
    "SELECT public.\"shout\"('a')",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_catalog.pg_authid",
    "SELECT * FROM pg_stat_activity",
    "SELECT * FROM public.secrets",
    "SELECT 1 WHERE false AND EXISTS (SELECT 1 FROM public.secrets)",
    "TABLE public.secrets",
)


@pytest.fixture
def guarded(open_store, asked, run):
    run(
        "CREATE TABLE public.secrets (word text)",
        "INSERT INTO public.secrets VALUES ('hunter2')",
        "CREATE FUNCTION public.shout(text) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT upper($1)'",
    )
    store = open_store()
    store.record(*asked())
    store.flush()
    return store


def test_a_statement_that_writes_is_refused_and_changes_nothing(guarded, run):
    for statement in WRITING:
        with pytest.raises(StoreReadOnly, match="takes a statement that reads|takes one statement"):
            guarded.sql(statement)
        with pytest.raises(StoreReadOnly):
            guarded.sql(statement, limit=None, timeout=None)
    assert run("SELECT count(*) FROM consilience.questions") == [(1,)]
    assert not Path("/tmp/made").exists()  # noqa: S108 - what must not be there


@pytest.mark.parametrize("statement", REACHING)
def test_a_statement_that_reaches_further_is_refused(guarded, statement):
    with pytest.raises(StoreReadOnly) as caught:
        guarded.sql(statement)
    assert "hunter2" not in str(caught.value)
    assert "root:" not in str(caught.value)


@pytest.mark.parametrize(
    "statement", ["", " ; ", "-- nothing", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE x"]
)
def test_it_is_one_statement(guarded, statement):
    with pytest.raises(StoreReadOnly, match="takes one statement"):
        guarded.sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "select 1; -- done",
        "TABLE questions",
        "(SELECT id FROM questions) UNION ALL SELECT id FROM verdicts",
        "WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x WHERE i < 3) SELECT * FROM x",
        "VALUES (1), (2)",
        "SELECT unnest(ARRAY[1, 2])",
        "SELECT * FROM generate_series(now() - interval '1 day', now(), '1 hour')",
        "SELECT date_trunc('day', asked_at), count(*) FILTER (WHERE degraded) FROM verdicts GROUP BY 1",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY length(text)) AS version FROM questions",
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'consilience'",
        "SELECT '; DROP TABLE questions; pg_read_file(' AS text",
        "SELECT max(version) FROM schema_version",
        "SELECT to_char(asked_at, 'YYYY-MM-DD'), string_agg(expert, ', ' ORDER BY expert) FROM responses GROUP BY 1",
        "SELECT id, id FROM questions",
        "SELECT 1.5::numeric, '{\"a\": 1}'::jsonb, '1 day'::interval, NULL, true, current_date, ARRAY['a', 'b']",
    ],
)
def test_a_statement_that_reads_runs(guarded, statement):
    assert guarded.sql(statement).height >= 1


def test_types_come_back_as_polars_has_them(guarded):
    frame = guarded.sql(
        "SELECT 1.5::numeric AS a, '{\"k\": 1}'::jsonb AS b, '1 day'::interval AS c, NULL AS d, ARRAY['x'] AS e, "
        "current_date AS f, '?' AS g, ? AS h, id AS a FROM questions",
        "?",
    )
    assert [str(kind).split("(")[0] for kind in frame.dtypes] == [
        *("Float64", "String", "Duration", "String", "List", "Date", "String", "String", "String")
    ]
    assert (frame["a"].item(), frame["b"].item(), frame["h"].item()) == (1.5, '{"k": 1}', "?")
    assert frame.columns[-1] == "a_8"


def test_a_mistake_says_what_is_wrong_without_values(guarded):
    with pytest.raises(StoreError, match="syntax error"):
        guarded.sql("SELECT FROM WHERE")
    with pytest.raises(StoreError, match='column "nope" does not exist'):
        guarded.sql("SELECT nope FROM questions")
    with pytest.raises(StoreError, match="supplies 0 parameters"):
        guarded.sql("SELECT ?::text")
    for attempt in (
        lambda: guarded.sql("SELECT ?::text::int", "hunter2"),
        lambda: guarded.sql("SELECT text::int FROM questions"),
    ):
        with pytest.raises(StoreError) as caught:
            attempt()
        assert "hunter2" not in str(caught.value)
        assert "water" not in str(caught.value)
        assert caught.value.__suppress_context__
    assert guarded.latest().height == 1


def test_placeholders_stand_outside_of_texts_names_and_comments():
    given = "SELECT '?', E'\\'?', \"?\", $$?$$, $a$?$a$, ? -- ?\n, /* ? /* ? */ ? */ a$b? FROM t WHERE x = ?"
    text, n = numbered(given)
    assert n == 3
    assert text.replace("$1", "?").replace("$2", "?").replace("$3", "?") == given


def test_the_revision_is_another_one_as_soon_as_there_are_other_rows(open_store, asked):
    reader, writer = open_store(), open_store()
    seen = [reader.revision()]
    for _ in range(2):
        writer.record(*asked())
        writer.flush()
        seen.append(reader.revision())
        assert reader.revision() == seen[-1]
    assert len(set(seen)) == 3


def test_a_forked_child_writes_its_own_rows_and_leaves_its_parents_connections(open_store, asked):
    store = open_store()
    store.record(*asked("parent"))
    store.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            store.record(Question("child"), [], None)
            status = 0 if store.latest().height == 2 else 2
            store.close()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert sorted(store.latest()["question"]) == ["child", "parent"]


@pytest.fixture
def grown(postgres):
    """Wait until the server is old enough to know who lives."""
    while postgres.run("SELECT clock_timestamp() - pg_postmaster_start_time() < interval '4 seconds'") == [
        (True,)
    ]:
        time.sleep(0.1)


@pytest.mark.usefixtures("grown")
def test_a_run_lives_for_others_on_any_machine_until_its_process_ends(open_store, where, postgres):
    code = (
        "import sys\n"
        "from consilience.store import Store\n"
        "store = Store(sys.argv[1])\n"
        "living = store.living('run')\n"
        "living.begin()\n"
        "print('begun', flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, where], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "begun\n"
    now = [0.0]
    other = open_store().living("other")
    other._clock = lambda: now[0]
    assert other.others(["run", "never"]) == {"run"}
    process.kill()
    process.communicate()
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    while postgres.run(held) != [(0,)]:  # the server notices in its own time
        pass
    assert other.others(["run", "never"]) == {"run"}, "it might be a server that was away for a moment"
    now[0] = 60.0
    assert other.others(["run", "never"]) == frozenset()
    assert open_store().living("later").others(["run"]) == frozenset(), "who never saw it live does not wait"


def test_a_forked_child_does_not_keep_the_session_of_a_killed_run(where, postgres, until):
    code = (
        "import os, sys, time\n"
        "from consilience.store import Store\n"
        "living = Store(sys.argv[1]).living('run')\n"
        "living.begin()\n"
        "child = os.fork()\n"
        "if child: print(child, flush=True)\n"
        "time.sleep(600)\n"
    )
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    command = [sys.executable, "-W", "ignore", "-c", code, where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        child = int(process.stdout.readline())
        try:
            assert postgres.run(held) == [(1,)]
            process.kill()
            until(lambda: postgres.run(held) == [(0,)])
        finally:
            process.kill()
            os.kill(child, signal.SIGKILL)


@pytest.mark.usefixtures("grown")
def test_a_run_shows_its_life_again_after_the_server_was_away(open_store, postgres):
    one, two = open_store().living("one"), open_store().living("two")
    two._clock = lambda: 0.0
    one.begin()
    assert two.others(["one"]) == {"one"}
    postgres.end_backends()
    assert two.others(["one"]) == {"one"}
    one.keep()
    later = open_store().living("later")
    assert later.others(["one"]) == {"one"}
    one.end()
    one.keep()
    assert later._holder is one._holder is None
    assert open_store().living("last").others(["one"]) == frozenset()


def test_a_server_that_was_just_started_does_not_know_who_is_dead(open_store, monkeypatch):
    monkeypatch.setattr(living, "_GRACE_SECONDS", 1e9)
    assert open_store().living("two").others(["one"]) == {"one"}


@pytest.mark.usefixtures("grown")
def test_a_server_that_ends_idle_sessions_does_not_end_a_sign_of_life(open_store, postgres, where):
    with psycopg.connect(where, autocommit=True) as connection:
        name = connection.execute("SELECT current_database()").fetchone()[0]
        connection.execute(f"ALTER DATABASE {name} SET idle_session_timeout = '200ms'")
    one, two = open_store().living("one"), open_store().living("two")
    one.begin()
    time.sleep(0.6)
    assert two.others(["one"]) == {"one"}
    one.end()


def test_the_command_line_takes_a_url(open_store, asked, where):
    store = open_store()
    store.record(*asked())
    store.flush()
    command = [sys.executable, "-c", "from consilience.cli import app; app()", "store"]
    done = subprocess.run([*command, "status", where], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "postgresql://postgres@/history_" in done.stdout
    assert "version" in done.stdout
    away = [*command, "status", f"postgresql://ana:{SECRET}@127.0.0.1:1/x"]
    done = subprocess.run(away, capture_output=True, text=True)
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_a_circle_keeps_its_answers_on_a_server(where):
    import consilience as cs

    with cs.Circle([cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["no"])], store=where) as circle:
        verdict = circle.ask_sync("Is water wet?", answer=cs.Label("yes", "no"))
        assert circle.store.latest()["verdict_id"].to_list() == [verdict.id]
        assert "postgresql://" in repr(circle)


@pytest.mark.slow
def test_kill_9_at_random_moments_loses_nothing_and_doubles_nothing(where, tmp_path, postgres):
    command = [sys.executable, str(CRASH), "--kills", "10", "--store", where, "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["kills"] == 10
    assert figures["acknowledged"] > 10
    assert (figures["lost"], figures["doubled"], figures["torn"], figures["unreadable"]) == (0, 0, 0, 0)


def test_sql_refuses_what_cannot_be_a_limit(guarded):
    with pytest.raises(InvalidInput):
        guarded.sql("SELECT 1", limit=0)
