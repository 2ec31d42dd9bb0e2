"""The tables that migrations make are the tables that segments are read into."""

from __future__ import annotations

import duckdb

from consilience.store import leases
from consilience.store.schema import SCHEMA_VERSION, TABLES


def columns(connection):
    found = {}
    for table, column, kind in connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns ORDER BY ordinal_position"
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


ENGINE = {"TEXT": "VARCHAR", "DOUBLE PRECISION": "DOUBLE", "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}


def test_the_columns_of_segments_and_of_tables_are_the_same():
    with duckdb.connect() as connection:
        leases.migrate(connection)
        made = columns(connection)
    for table, wanted in TABLES.items():
        assert made[table] == {column: ENGINE.get(kind, kind) for column, kind in wanted.items()}
    assert set(made) == {*TABLES, "schema_version", "ingested", "removed"}


def test_migrating_twice_changes_nothing():
    with duckdb.connect() as connection:
        leases.migrate(connection)
        leases.migrate(connection)
        assert leases.version(connection) == SCHEMA_VERSION
        assert connection.execute("SELECT count(*) FROM schema_version").fetchone() == (SCHEMA_VERSION,)


def test_only_the_missing_migrations_run(monkeypatch):
    with duckdb.connect() as connection:
        leases.migrate(connection)
        monkeypatch.setattr(
            leases, "MIGRATIONS", (*leases.MIGRATIONS, "ALTER TABLE questions ADD COLUMN later TEXT")
        )
        leases.migrate(connection)
        assert leases.version(connection) == SCHEMA_VERSION + 1
        assert "later" in columns(connection)["questions"]


def test_there_is_no_index_and_no_key():
    with duckdb.connect() as connection:
        leases.migrate(connection)
        for catalog in ("duckdb_indexes", "duckdb_constraints"):
            assert connection.execute(f"SELECT count(*) FROM {catalog}()").fetchone() == (0,)
