"""The tables of a store on a server: the same migrations as in a file, in the schema ``consilience``.

Indexes lie beside them, which a server needs and keeps whole. Those on texts are hash indexes: a text of any length
goes in, and they are asked for equality only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from consilience.errors import StoreError, StoreTooNew
from consilience.store.postgres.address import Address
from consilience.store.schema import ALL_TABLES, MIGRATIONS, SCHEMA_VERSION, TABLES, older, time_column

SCHEMA = "consilience"
LOCK = 0x636F6E73696C6963
"""Key of the advisory lock that one ingester at a time holds: the letters of *consilic*."""

_HASHED = {
    "responses": ("question_id",),
    "verdicts": ("question_id",),
    "recommendations": ("question_id",),
    "rounds": ("question_id",),
    "answers": ("key",),
    "cells": ("digest",),
}
_THERE = """
SELECT count(*), coalesce(sum((relname = 'schema_version')::int), 0) FROM pg_catalog.pg_class
WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p', 'v', 'm')
"""
_COLUMNS = """
SELECT c.relname, array_agg(a.attname::text) FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = to_regnamespace($1) AND c.relkind = 'r' GROUP BY c.relname
"""
SIZE = """
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_catalog.pg_class
WHERE relnamespace = to_regnamespace($1) AND relkind = 'r'
"""

# The newest segment and the newest removal, each by one look at an index or at a few rows.
REVISION = "SELECT (SELECT max(taken_at) FROM ingested), (SELECT max(removed_at) FROM removed)"


def version(connection: Connection[Any], address: Address) -> int:
    """Return the version of the schema, 0 before the first rows.

    Raises
    ------
    StoreError
        The schema holds other tables.
    StoreTooNew
        A newer version made it.
    """
    n, known = connection.execute(_THERE, [SCHEMA]).fetchall()[0]
    if not known:
        if n:
            raise StoreError(
                f"A store of Consilience is required, the schema {SCHEMA} of {address.shown} holds other tables: "
                "choose another database."
            )
        return 0
    rows = connection.execute(f"SELECT coalesce(max(version), 0) FROM {SCHEMA}.schema_version").fetchall()  # noqa: S608 - our schema
    found = int(rows[0][0])
    if found > SCHEMA_VERSION:
        raise StoreTooNew(
            f"This version of Consilience reads stores up to version {SCHEMA_VERSION}, {address.shown} has version "
            f"{found}: upgrade with pip install -U consilience. The store was not changed."
        )
    return found


def migrate(connection: Connection[Any], address: Address, before: int) -> None:
    """Apply the migrations that are missing; the caller holds the lock in a transaction."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreError(
            f"A store needs a database in UTF8, {address.shown} is in {encoding}: make one with CREATE DATABASE ... "
            "ENCODING 'UTF8' TEMPLATE template0."
        )
    if connection.execute("SELECT to_regnamespace($1) IS NULL", [SCHEMA]).fetchall()[0][0]:
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
    for number, text in enumerate(MIGRATIONS[before:], start=before + 1):
        connection.execute(text)
        connection.execute("INSERT INTO schema_version VALUES ($1, now())", [number])
    for statement in indexes():
        connection.execute(statement)


def indexes() -> Iterator[str]:
    """Yield the statements that make the indexes."""
    for table, columns in TABLES.items():
        time = time_column(table)
        yield f"CREATE INDEX IF NOT EXISTS {table}_{time} ON {table} ({time})"
        for column in (*(("id",) if "id" in columns else ()), *_HASHED.get(table, ())):
            yield f"CREATE INDEX IF NOT EXISTS {table}_{column} ON {table} USING hash ({column})"
    yield "CREATE INDEX IF NOT EXISTS ingested_segment ON ingested USING hash (segment)"
    yield "CREATE INDEX IF NOT EXISTS ingested_taken_at ON ingested (taken_at)"


def views(connection: Connection[Any]) -> str:
    """Return what makes an older store, or none, look like one of this version until the transaction ends."""
    found = connection.execute(_COLUMNS, [SCHEMA]).fetchall()
    there = {name: set(columns) for name, columns in found}
    return "; ".join(
        f"CREATE TEMPORARY VIEW {name} AS {rows}" for name, rows in older(there, SCHEMA) if name in ALL_TABLES
    )
