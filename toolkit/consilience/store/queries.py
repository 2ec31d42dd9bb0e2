"""Statements that read: what the faces of `History` run, in DuckDB's dialect, and the guard before `Store.sql`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import duckdb

from consilience.errors import StoreError, StoreReadOnly
from consilience.store import failures
from consilience.store.rows import storable
from consilience.store.schema import TABLES, time_column

# A bound of time beside a join lets the engine pass over rows within a row group too: a third less.
_SHOWN = """
), decided AS (
    SELECT v.*, row_number() OVER (PARTITION BY v.question_id ORDER BY v.decided_at DESC, v.id) AS nth
    FROM verdicts v JOIN chosen q ON v.question_id = q.id AND v.asked_at = q.asked_at
    WHERE v.asked_at >= (SELECT min(asked_at) FROM chosen)
), heard AS (
    SELECT r.question_id, list({
        'expert': r.expert, 'source': r.source, 'outcome': r.outcome, 'answer': r.answer, 'reason': r.reason,
        'confidence': r.confidence, 'latency_s': r.latency_s, 'input_tokens': r.input_tokens,
        'output_tokens': r.output_tokens, 'cost_usd': r.cost_usd
    } ORDER BY r.expert, r.id) AS responses
    FROM responses r JOIN chosen q ON r.question_id = q.id AND r.asked_at = q.asked_at
    WHERE r.asked_at >= (SELECT min(asked_at) FROM chosen)
    GROUP BY r.question_id
)
SELECT
    q.id AS question_id, q.asked_at, q.text AS question, q.answer_kind,
    v.id AS verdict_id, v.decided_at, v.method, v.decision, v.answer, v.ties, v.degraded,
    v.support_n, v.support_of, v.support_share, v.support_low, v.support_high,
    v.agreement, v.agreement_low, v.agreement_high, v.agreement_method,
    v.input_tokens, v.output_tokens, v.cost_usd, h.responses
FROM chosen q
LEFT JOIN decided v ON v.question_id = q.id AND v.nth = 1
LEFT JOIN heard h ON h.question_id = q.id
ORDER BY q.asked_at DESC, q.id
"""

_NEWEST = """
WITH chosen AS (
    SELECT id, asked_at, text, answer_kind FROM questions ORDER BY asked_at DESC, id LIMIT ?"""

_HOLDING = """
WITH given AS (
    SELECT ?::TEXT AS pattern, ?::TEXT AS expert, ?::TEXT AS kind, ?::TIMESTAMPTZ AS since, ?::TIMESTAMPTZ AS until
), spoken AS (
    SELECT DISTINCT r.question_id, r.asked_at FROM responses r, given g
    WHERE (g.expert IS NULL OR r.expert = g.expert)
        AND (g.since IS NULL OR r.asked_at >= g.since) AND (g.until IS NULL OR r.asked_at < g.until)
        AND (r.answer ILIKE g.pattern ESCAPE '\\' OR r.raw ILIKE g.pattern ESCAPE '\\')
), heard_from AS (
    SELECT DISTINCT r.question_id, r.asked_at FROM responses r, given g WHERE r.expert = g.expert
), chosen AS (
    SELECT q.id, q.asked_at, q.text, q.answer_kind FROM given g, questions q
    LEFT JOIN spoken s ON s.question_id = q.id AND s.asked_at = q.asked_at
    LEFT JOIN heard_from f ON f.question_id = q.id AND f.asked_at = q.asked_at
    WHERE (g.kind IS NULL OR q.answer_kind = g.kind) AND (g.expert IS NULL OR f.question_id IS NOT NULL)
        AND (g.since IS NULL OR q.asked_at >= g.since) AND (g.until IS NULL OR q.asked_at < g.until)
        AND (s.question_id IS NOT NULL OR q.text ILIKE g.pattern ESCAPE '\\' OR q.context ILIKE g.pattern ESCAPE '\\')
    ORDER BY q.asked_at DESC, q.id LIMIT ?"""

LATEST = _NEWEST + _SHOWN
SEARCH = _HOLDING + _SHOWN

RECORDED = """
WITH wanted AS (
    SELECT id FROM questions WHERE list_contains(?::TEXT[], id)
    UNION SELECT question_id FROM verdicts WHERE list_contains(?::TEXT[], id)
), chosen AS (
    SELECT q.* FROM questions q JOIN wanted w ON w.id = q.id
), heard AS (
    SELECT r.question_id, list(r ORDER BY r.expert, r.id) AS found
    FROM responses r JOIN chosen q ON r.question_id = q.id AND r.asked_at = q.asked_at
    WHERE r.asked_at >= (SELECT min(asked_at) FROM chosen) AND r.asked_at <= (SELECT max(asked_at) FROM chosen)
    GROUP BY r.question_id
), decided AS (
    SELECT v.question_id, list(v ORDER BY v.decided_at DESC, v.id) AS found
    FROM verdicts v JOIN chosen q ON v.question_id = q.id AND v.asked_at = q.asked_at
    WHERE v.asked_at >= (SELECT min(asked_at) FROM chosen) AND v.asked_at <= (SELECT max(asked_at) FROM chosen)
    GROUP BY v.question_id
), merged AS (
    SELECT m.question_id, list(m ORDER BY m.place) AS found
    FROM recommendations m JOIN chosen q ON m.question_id = q.id AND m.asked_at = q.asked_at
    WHERE m.asked_at >= (SELECT min(asked_at) FROM chosen) AND m.asked_at <= (SELECT max(asked_at) FROM chosen)
    GROUP BY m.question_id
), gone_through AS (
    SELECT o.question_id, list(o ORDER BY o.number, o.expert) AS found
    FROM rounds o JOIN chosen q ON o.question_id = q.id AND o.asked_at = q.asked_at
    WHERE o.asked_at >= (SELECT min(asked_at) FROM chosen) AND o.asked_at <= (SELECT max(asked_at) FROM chosen)
    GROUP BY o.question_id
)
SELECT q.*, h.found AS responses, d.found AS verdicts, m.found AS recommendations, g.found AS rounds
FROM chosen q
LEFT JOIN heard h ON h.question_id = q.id
LEFT JOIN decided d ON d.question_id = q.id
LEFT JOIN merged m ON m.question_id = q.id
LEFT JOIN gone_through g ON g.question_id = q.id
"""

SLOW = "SELECT asked_at, seconds, row_count, text, plan FROM statements ORDER BY seconds DESC, asked_at DESC LIMIT ?"

_HELD = "SELECT '{name}' AS name, {rows} AS rows, min({time}) AS oldest, max({time}) AS newest FROM {name}"
STATUS = " UNION ALL ".join(
    [
        *(_HELD.format(name=name, rows="count(*)", time=time_column(name)) for name in TABLES),
        _HELD.format(name="schema_version", rows="max(version)", time="applied_at"),
    ]
)

# Functions in FROM that read nothing but their arguments or the list of tables. The engine's settings refuse every
# function that touches a file, but it offers some that act on the process itself: DuckDB 1.5.6 ends the process after
# FROM enable_logging(storage = 'file') under enable_external_access = false, and FROM enable_profiling() prints.
_TABLE_FUNCTIONS = frozenset(
    [
        "duckdb_columns",
        "duckdb_functions",
        "duckdb_tables",
        "generate_series",
        "json_each",
        "json_tree",
        "pragma_table_info",
        "range",
        "repeat",
        "repeat_row",
        "unnest",
    ]
)

# Parsing alone opens files already: IMPORT DATABASE reads what it is to run.
_SEALED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "lock_configuration": "true",
}


def check_reading(query: str) -> None:
    """Raise `StoreReadOnly` unless the text is one statement that reads tables of the store.

    Raises
    ------
    StoreReadOnly
        It is none, several, not a ``SELECT`` (also written ``FROM``, ``WITH``, ``VALUES``, ``DESCRIBE``), or it calls
        a function in ``FROM`` that is not on the list.
    StoreError
        The engine cannot parse it.
    """
    if not isinstance(query, str):
        raise StoreError(f"sql() takes the text of a statement, a {type(query).__name__} came.")
    if query != storable(query):
        raise StoreError(
            "sql() takes text that UTF-8 can hold; give values with NUL or half characters as params."
        )
    with duckdb.connect(":memory:", config=_SEALED) as engine:
        try:
            statements = engine.extract_statements(query)
            kinds = [statement.type for statement in statements]
            ((tree,),) = engine.execute("SELECT json_serialize_sql(?::TEXT)", [query]).fetchall()
        except duckdb.PermissionException as error:
            raise StoreReadOnly(
                f"sql() reads the store's tables only: {failures.plain(str(error))}"
            ) from None
        except duckdb.Error as error:
            raise StoreError(f"The statement cannot be read: {failures.plain(str(error))}") from None
    if len(kinds) != 1:
        raise StoreReadOnly(f"sql() takes one statement, {len(kinds)} came: call it once for each.")
    parsed = json.loads(tree)
    if kinds[0] != duckdb.StatementType.SELECT or parsed["error"]:
        raise StoreReadOnly(
            f"sql() takes a statement that reads (SELECT, FROM, WITH, VALUES, DESCRIBE), {_first_word(query)} "
            "came. What is written to a store goes through record()."
        )
    refused = sorted(set(_table_functions(parsed)) - _TABLE_FUNCTIONS)
    if refused:
        raise StoreReadOnly(
            f"sql() reads the store's tables, {', '.join(refused)} in FROM reaches further: read files with Polars or "
            "with a DuckDB connection of your own."
        )


def _first_word(query: str) -> str:
    word = re.search(r"[A-Za-z]+", re.sub(r"--[^\n]*|/\*.*?\*/", "", query, flags=re.DOTALL))
    return word[0].upper() if word else "another kind"


def _table_functions(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "TABLE_FUNCTION" and isinstance(node.get("function"), dict):
            yield str(node["function"].get("function_name", "")).lower()
        for part in node.values():
            yield from _table_functions(part)
    elif isinstance(node, list):
        for part in node:
            yield from _table_functions(part)
