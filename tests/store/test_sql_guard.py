"""`Store.sql` reads the store and nothing else."""

from __future__ import annotations

import pytest

from consilience.errors import StoreError, StoreReadOnly


@pytest.fixture
def engine():
    """DuckDB: the module is about the file."""
    return "duckdb"


WRITING = (
    "INSERT INTO questions SELECT * FROM questions",
    "UPDATE questions SET text = ''",
    "DELETE FROM questions RETURNING *",
    "DROP TABLE questions",
    "ALTER TABLE questions ADD COLUMN x INT",
    "CREATE TABLE x AS SELECT 1",
    "CREATE TEMP TABLE x AS SELECT 1",
    "CREATE OR REPLACE MACRO f() AS 1",
    "TRUNCATE questions",
    "BEGIN",
    "CHECKPOINT",
    "VACUUM",
)
REACHING = (
    "COPY questions TO '{file}'",
    "COPY (SELECT 1) TO '{file}' (FORMAT parquet)",
    "EXPORT DATABASE '{folder}'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{file}'",
    "DETACH store",
    "USE memory",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '1GB'",
    "RESET threads",
    "PRAGMA database_list",
    "CALL enable_logging()",
    "CREATE SECRET (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "PREPARE x AS SELECT 1",
    "EXPLAIN ANALYZE SELECT 1",
    "FROM read_csv('{secret}')",
    "FROM read_text('{secret}')",
    "SELECT (SELECT content FROM read_blob('{secret}'))",
    "WITH x AS (FROM read_json('{secret}')) FROM x",
    "FROM read_parquet('{secret}')",
    "FROM glob('{folder}/*')",
    "FROM sniff_csv('{secret}')",
    "FROM query('SELECT 1')",
    "FROM enable_logging('QueryLog', storage = 'file', storage_path = '{file}')",
    "SELECT 1 WHERE EXISTS (FROM enable_profiling())",
    "FROM duckdb_secrets()",
    "FROM duckdb_settings()",
)


@pytest.mark.parametrize("statement", WRITING)
def test_a_statement_that_writes_is_refused(store, asked, statement):
    store.record(*asked())
    with pytest.raises(StoreReadOnly, match="takes a statement that reads|takes one statement"):
        store.sql(statement)


@pytest.mark.parametrize("statement", REACHING)
def test_a_statement_that_reaches_further_is_refused_and_touches_nothing(store, tmp_path, statement):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    secret = elsewhere / "secret.txt"
    secret.write_text("hunter2")
    filled = statement.format(file=elsewhere / "made", folder=elsewhere, secret=secret)
    with pytest.raises(StoreReadOnly) as caught:
        store.sql(filled)
    assert "hunter2" not in str(caught.value)
    assert list(elsewhere.iterdir()) == [secret]


@pytest.mark.parametrize("name", ["{secret}", "frame", "store_file.duckdb"])
def test_a_name_in_from_is_a_table_and_never_a_file_or_a_python_variable(store, tmp_path, name):
    import polars as pl

    secret = tmp_path / "secret.csv"
    secret.write_text("a\nhunter2\n")
    frame = pl.DataFrame({"a": ["hunter2"]})
    with pytest.raises(StoreError) as caught:
        store.sql(f'FROM "{name.format(secret=secret)}"')
    assert frame.height == 1
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "statement", ["", " ; ", "-- nothing", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE questions"]
)
def test_it_is_one_statement(store, statement):
    with pytest.raises(StoreReadOnly, match="takes one statement"):
        store.sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "select 1; -- done",
        "FROM questions",
        "WITH RECURSIVE x AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM x WHERE i < 3) FROM x",
        "VALUES (1), (2)",
        "DESCRIBE questions",
        "SHOW TABLES",
        "SUMMARIZE questions",
        "SELECT unnest([1, 2])",
        "FROM range(3)",
        "SELECT date_trunc('day', asked_at), count(*) FILTER (degraded) FROM verdicts GROUP BY 1",
    ],
)
def test_a_statement_that_reads_runs(store, asked, statement):
    store.record(*asked())
    assert store.sql(statement).height >= 1


def test_a_mistake_says_what_is_wrong(store):
    with pytest.raises(StoreError, match="syntax error"):
        store.sql("SELEC 1")
    with pytest.raises(StoreError, match='"nope" not found'):
        store.sql("SELECT nope FROM questions")
    with pytest.raises(StoreError, match="text of a statement, a int came"):
        store.sql(1)
    with pytest.raises(StoreError, match="UTF-8 can hold"):
        store.sql("SELECT '\ud800'")


def test_values_do_not_stand_in_messages(store, asked):
    store.record(*asked("sk-hunter2"))
    for attempt in (
        lambda: store.sql("SELECT text::INT FROM questions"),
        lambda: store.sql("SELECT ?::INT", "hunter2"),
    ):
        with pytest.raises(StoreError) as caught:
            attempt()
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_a_refused_statement_leaves_the_store_usable(store, asked):
    store.record(*asked())
    with pytest.raises(StoreError):
        store.sql("SELECT text::INT FROM questions")
    assert store.latest().height == 1


def test_the_packages_own_statements_bring_all_rows(store, asked):
    store.record(*asked())
    assert store.read("SELECT * FROM range(100_001)").height == 100_001
