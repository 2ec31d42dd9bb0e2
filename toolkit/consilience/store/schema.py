"""The tables of a store: their columns, and the numbered SQL that makes them.

Migrations are additive (a new table, a new nullable column) and portable between DuckDB and PostgreSQL: ``TEXT``,
``BIGINT``, ``DOUBLE PRECISION``, ``BOOLEAN``, ``TIMESTAMPTZ``; lists are JSON text. There is no primary key and no
index: ids are UUIDs made by the client, and an index was damaged by ``kill -9`` in DuckDB 1.5.5. Every table carries
``asked_at``, the time of its question, or ``bucket``, so that row groups outside a span of time are skipped. Prices are
USD a million tokens. ``removed`` says which days retention took, so that roll-ups do not count late rows as whole ones.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

Columns: TypeAlias = Mapping[str, str]

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE schema_version (version BIGINT, applied_at TIMESTAMPTZ);
    CREATE TABLE ingested (segment TEXT, row_count BIGINT, taken_at TIMESTAMPTZ);
    CREATE TABLE questions (
        id TEXT, asked_at TIMESTAMPTZ, text TEXT, context TEXT, answer_kind TEXT, answer_spec TEXT,
        examples TEXT, digest TEXT
    );
    CREATE TABLE responses (
        id TEXT, question_id TEXT, asked_at TIMESTAMPTZ, expert TEXT, source TEXT, outcome TEXT,
        answer TEXT, raw TEXT, reason TEXT, confidence DOUBLE PRECISION, confidence_source TEXT,
        probabilities TEXT, input_tokens BIGINT, output_tokens BIGINT, cost_usd DOUBLE PRECISION,
        latency_s DOUBLE PRECISION
    );
    CREATE TABLE verdicts (
        id TEXT, question_id TEXT, asked_at TIMESTAMPTZ, decided_at TIMESTAMPTZ, method TEXT, decision TEXT,
        answer TEXT, ties TEXT, degraded BOOLEAN, support_n BIGINT, support_of BIGINT,
        support_share DOUBLE PRECISION, support_low DOUBLE PRECISION, support_high DOUBLE PRECISION,
        agreement DOUBLE PRECISION, agreement_low DOUBLE PRECISION, agreement_high DOUBLE PRECISION,
        agreement_method TEXT, input_tokens BIGINT, output_tokens BIGINT, cost_usd DOUBLE PRECISION
    );
    CREATE TABLE recommendations (
        id TEXT, verdict_id TEXT, question_id TEXT, asked_at TIMESTAMPTZ, place BIGINT, text TEXT,
        experts TEXT, support BIGINT
    );
    """,
    "CREATE TABLE answers (id TEXT, asked_at TIMESTAMPTZ, key TEXT, value TEXT, kept_until TIMESTAMPTZ);",
    """
    ALTER TABLE verdicts ADD COLUMN weights TEXT;
    ALTER TABLE recommendations ADD COLUMN conflicts TEXT;
    ALTER TABLE recommendations ADD COLUMN sources TEXT;
    CREATE TABLE experts (
        id TEXT, asked_at TIMESTAMPTZ, name TEXT, source TEXT, provider TEXT, model TEXT, settings TEXT
    );
    CREATE TABLE prices (
        id TEXT, asked_at TIMESTAMPTZ, provider TEXT, model TEXT, input_usd DOUBLE PRECISION,
        output_usd DOUBLE PRECISION, cache_read_usd DOUBLE PRECISION, cache_write_usd DOUBLE PRECISION,
        snapshot TEXT
    );
    CREATE TABLE metrics (asked_at TIMESTAMPTZ, source TEXT, name TEXT, value DOUBLE PRECISION, label TEXT);
    CREATE TABLE metrics_1m (
        bucket TIMESTAMPTZ, source TEXT, name TEXT, label TEXT, n BIGINT, sum DOUBLE PRECISION,
        min DOUBLE PRECISION, max DOUBLE PRECISION, p50 DOUBLE PRECISION, p95 DOUBLE PRECISION,
        p99 DOUBLE PRECISION
    );
    CREATE TABLE metrics_1h (
        bucket TIMESTAMPTZ, source TEXT, name TEXT, label TEXT, n BIGINT, sum DOUBLE PRECISION,
        min DOUBLE PRECISION, max DOUBLE PRECISION, p50 DOUBLE PRECISION, p95 DOUBLE PRECISION,
        p99 DOUBLE PRECISION
    );
    CREATE TABLE statements (
        id TEXT, asked_at TIMESTAMPTZ, text TEXT, seconds DOUBLE PRECISION, row_count BIGINT, plan TEXT
    );
    CREATE TABLE removed (table_name TEXT, before TIMESTAMPTZ, removed_at TIMESTAMPTZ);
    """,
    """
    CREATE TABLE runs (
        id TEXT, asked_at TIMESTAMPTZ, run_id TEXT, state TEXT, prompt TEXT, answer_spec TEXT, experts TEXT,
        key_column TEXT, row_count BIGINT, replicates BIGINT, asked BIGINT, reused BIGINT, failed BIGINT,
        cost_usd DOUBLE PRECISION
    );
    CREATE TABLE cells (
        id TEXT, asked_at TIMESTAMPTZ, run_id TEXT, state TEXT, digest TEXT, expert TEXT, prompt_hash TEXT,
        answer_kind TEXT, replicate BIGINT, lease_until TIMESTAMPTZ, response_id TEXT
    );
    """,
    """
    CREATE TABLE audit (
        id TEXT, asked_at TIMESTAMPTZ, person TEXT, role TEXT, action TEXT, target TEXT, detail TEXT, address TEXT
    );
    CREATE TABLE settings (id TEXT, asked_at TIMESTAMPTZ, name TEXT, value TEXT, person TEXT);
    """,
    """
    ALTER TABLE questions ADD COLUMN tags TEXT;
    ALTER TABLE questions ADD COLUMN circle TEXT;
    ALTER TABLE responses ADD COLUMN calls BIGINT;
    ALTER TABLE verdicts ADD COLUMN course TEXT;
    ALTER TABLE experts ADD COLUMN circle TEXT;
    CREATE TABLE rounds (
        id TEXT, asked_at TIMESTAMPTZ, verdict_id TEXT, question_id TEXT, number BIGINT, text TEXT, context TEXT,
        response_id TEXT, expert TEXT, source TEXT, outcome TEXT, answer TEXT, raw TEXT, reason TEXT,
        confidence DOUBLE PRECISION, confidence_source TEXT, probabilities TEXT, input_tokens BIGINT,
        output_tokens BIGINT, cost_usd DOUBLE PRECISION, latency_s DOUBLE PRECISION, calls BIGINT
    );
    """,
    "ALTER TABLE verdicts ADD COLUMN heard TEXT;",
)
"""One text a version; the first makes version 1. A migration that was released is never edited."""

SCHEMA_VERSION = len(MIGRATIONS)

_LEDGERS = frozenset({"schema_version", "ingested", "removed"})
_CREATED = re.compile(r"CREATE TABLE (\w+) \(([^)]*)\)|ALTER TABLE (\w+) ADD COLUMN (\w+) ([A-Z ]+);")


def _columns(migrations: tuple[str, ...]) -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = {}
    for created, columns, altered, column, kind in _CREATED.findall("\n".join(migrations)):
        if created:
            tables[created] = dict(_pairs(columns))
        else:
            tables[altered][column] = kind
    return tables


def _pairs(columns: str) -> Iterator[tuple[str, str]]:
    for column in columns.split(","):
        name, _, kind = column.strip().partition(" ")
        yield name, kind


ALL_TABLES: Mapping[str, Columns] = _columns(MIGRATIONS)
"""Columns of every table, as the migrations make them."""

TABLES: Mapping[str, Columns] = {name: c for name, c in ALL_TABLES.items() if name not in _LEDGERS}
"""Columns of the tables that hold rows, as the migrations make them: what a segment may carry."""


def older(there: Mapping[str, Collection[str]], schema: str) -> Iterator[tuple[str, str]]:
    """Yield name and statement of what makes a store look like one of this version: what it lacks is empty or NULL.

    Parameters
    ----------
    there
        Columns by table, as they are.
    schema
        Where these tables lie.
    """
    for name, columns in ALL_TABLES.items():
        known = there.get(name, frozenset())
        cells = ", ".join(c if c in known else f"NULL::{kind} AS {c}" for c, kind in columns.items())
        yield name, f"SELECT {cells} " + (f"FROM {schema}.{name}" if known else "WHERE false")
    for name in sorted(there.keys() - ALL_TABLES.keys()):
        quoted = '"' + name.replace('"', '""') + '"'
        yield quoted, f"SELECT * FROM {schema}.{quoted}"  # noqa: S608 - a name in quotes


def time_column(table: str) -> str:
    """Return the column by which a table is kept, pruned and partitioned.

    Examples
    --------
    >>> time_column("questions"), time_column("metrics_1m")
    ('asked_at', 'bucket')
    """
    return "asked_at" if "asked_at" in TABLES[table] else "bucket"
