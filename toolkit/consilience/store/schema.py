"""The tables of a store: their columns, and the numbered SQL that makes them.

Migrations are additive (a new table, a new nullable column) and portable between DuckDB and PostgreSQL: ``TEXT``,
``BIGINT``, ``DOUBLE PRECISION``, ``BOOLEAN``, ``TIMESTAMPTZ``; lists are JSON text. There is no primary key and no
index: ids are UUIDs made by the client, and an index was damaged by ``kill -9`` in DuckDB 1.5.5. Every table carries
``asked_at``, the time of its question, so that row groups outside a span of time are skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
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
)
"""One text a version; the first makes version 1. A migration that was released is never edited."""

SCHEMA_VERSION = len(MIGRATIONS)

TABLES: Mapping[str, Columns] = {
    "questions": {
        "id": "TEXT",
        "asked_at": "TIMESTAMPTZ",
        "text": "TEXT",
        "context": "TEXT",
        "answer_kind": "TEXT",
        "answer_spec": "TEXT",
        "examples": "TEXT",
        "digest": "TEXT",
    },
    "responses": {
        "id": "TEXT",
        "question_id": "TEXT",
        "asked_at": "TIMESTAMPTZ",
        "expert": "TEXT",
        "source": "TEXT",
        "outcome": "TEXT",
        "answer": "TEXT",
        "raw": "TEXT",
        "reason": "TEXT",
        "confidence": "DOUBLE PRECISION",
        "confidence_source": "TEXT",
        "probabilities": "TEXT",
        "input_tokens": "BIGINT",
        "output_tokens": "BIGINT",
        "cost_usd": "DOUBLE PRECISION",
        "latency_s": "DOUBLE PRECISION",
    },
    "verdicts": {
        "id": "TEXT",
        "question_id": "TEXT",
        "asked_at": "TIMESTAMPTZ",
        "decided_at": "TIMESTAMPTZ",
        "method": "TEXT",
        "decision": "TEXT",
        "answer": "TEXT",
        "ties": "TEXT",
        "degraded": "BOOLEAN",
        "support_n": "BIGINT",
        "support_of": "BIGINT",
        "support_share": "DOUBLE PRECISION",
        "support_low": "DOUBLE PRECISION",
        "support_high": "DOUBLE PRECISION",
        "agreement": "DOUBLE PRECISION",
        "agreement_low": "DOUBLE PRECISION",
        "agreement_high": "DOUBLE PRECISION",
        "agreement_method": "TEXT",
        "input_tokens": "BIGINT",
        "output_tokens": "BIGINT",
        "cost_usd": "DOUBLE PRECISION",
    },
    "recommendations": {
        "id": "TEXT",
        "verdict_id": "TEXT",
        "question_id": "TEXT",
        "asked_at": "TIMESTAMPTZ",
        "place": "BIGINT",
        "text": "TEXT",
        "experts": "TEXT",
        "support": "BIGINT",
    },
    "answers": {
        "id": "TEXT",
        "asked_at": "TIMESTAMPTZ",
        "key": "TEXT",
        "value": "TEXT",
        "kept_until": "TIMESTAMPTZ",
    },
    "runs": {
        "id": "TEXT",
        "asked_at": "TIMESTAMPTZ",
        "run_id": "TEXT",
        "state": "TEXT",
        "prompt": "TEXT",
        "answer_spec": "TEXT",
        "experts": "TEXT",
        "key_column": "TEXT",
        "row_count": "BIGINT",
        "replicates": "BIGINT",
        "asked": "BIGINT",
        "reused": "BIGINT",
        "failed": "BIGINT",
        "cost_usd": "DOUBLE PRECISION",
    },
    "cells": {
        "id": "TEXT",
        "asked_at": "TIMESTAMPTZ",
        "run_id": "TEXT",
        "state": "TEXT",
        "digest": "TEXT",
        "expert": "TEXT",
        "prompt_hash": "TEXT",
        "answer_kind": "TEXT",
        "replicate": "BIGINT",
        "lease_until": "TIMESTAMPTZ",
        "response_id": "TEXT",
    },
}
"""Columns that a segment may carry, table by table; a test holds them equal to what the migrations make."""
