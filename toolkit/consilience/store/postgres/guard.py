"""The guard before `Store.sql` on a server: one statement that reads the store's tables and nothing else.

The server itself refuses to write, since the transaction can only read, and to take two statements or anything but a
query, since it is asked to declare a cursor. Left are functions that act outside of tables (on files, other servers,
other sessions), and other tables of the database. Functions are looked up by name in the server's own list: those
that are not immutable are refused, but for some that only read the clock or turn a value into text. Tables are what
the server has locked for the cursor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import Connection, RawServerCursor

from consilience.errors import StoreError, StoreReadOnly
from consilience.store.postgres import failures
from consilience.store.postgres.address import Address
from consilience.store.postgres.reader import reading
from consilience.store.postgres.scan import Token, numbered, tokens
from consilience.store.postgres.tables import SCHEMA
from consilience.store.rows import storable
from consilience.store.schema import ALL_TABLES
from consilience.store.statement import given_values

_BEGINNINGS = frozenset({"select", "with", "values", "table", "("})
# Not immutable, because they depend on the time zone, the clock or a session's settings, and yet they only compute.
_HARMLESS = (
    "age array_to_json array_to_string clock_timestamp concat concat_ws convert_from convert_to "
    "current_database current_schema current_user date date_add date_part date_subtract date_trunc "
    "extract format generate_series json_agg json_build_array json_build_object json_object_agg "
    "json_populate_record jsonb_agg jsonb_build_array jsonb_build_object jsonb_object_agg length "
    "make_timestamptz money now numeric overlaps pg_typeof phraseto_tsquery plainto_tsquery quote_literal "
    "quote_nullable random row_to_json session_user statement_timestamp text time timestamp timestamptz "
    "timetz timezone to_char to_date to_json to_jsonb to_timestamp to_tsquery to_tsvector "
    "transaction_timestamp ts_headline version"
)
_KNOWN = frozenset(ALL_TABLES) | {column for columns in ALL_TABLES.values() for column in columns}
_PREFIX = "pg_"
_ALLOWED_PREFIXED = frozenset({"pg_catalog", "pg_typeof"})
# What the standard's views of tables and columns are made of.
_CATALOGS = [
    *("pg_attrdef", "pg_attribute", "pg_class", "pg_collation", "pg_constraint", "pg_depend", "pg_inherits"),
    *("pg_namespace", "pg_sequence", "pg_type", "pg_locks"),
]
_ACTING = """
SELECT DISTINCT p.proname::text FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname = ANY($1::text[]) AND (n.nspname IN ('pg_catalog', $4) OR n.nspname = ANY($2::text[]))
    AND NOT (n.nspname = 'pg_catalog' AND (p.provolatile = 'i' OR p.proname = ANY($3::text[])))
ORDER BY 1
"""
_BEYOND = """
SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND c.relkind <> 'i'
    AND n.nspname NOT IN ($1, 'information_schema') AND n.oid <> pg_my_temp_schema()
    AND NOT (n.nspname = 'pg_catalog' AND c.relname = ANY($2::text[]))
ORDER BY 1
"""


def check_reading(
    connection: Connection[Any], query: str, params: Sequence[object], address: Address
) -> None:
    """Raise `StoreReadOnly` unless the text is one statement that reads tables of the store.

    Raises
    ------
    StoreReadOnly
        It is none, several, not a ``SELECT``, or it reaches further than the store's tables.
    StoreError
        The server cannot parse it.
    """
    parts = _checked_text(query)
    acting = _acting(connection, parts)
    if acting:
        raise StoreReadOnly(
            f"sql() reads the store's tables, {', '.join(acting)} reaches further: use a connection of your own."
        )
    with reading(connection, address):
        _declare(connection, query, params, address)
        beyond = [name for (name,) in connection.execute(_BEYOND, [SCHEMA, _CATALOGS]).fetchall()]
    if beyond:
        raise StoreReadOnly(
            f"sql() reads the store's tables, {', '.join(beyond)} is not one of them: use a connection of your own."
        )


def _checked_text(query: str) -> list[Token]:
    if not isinstance(query, str):
        raise StoreError(f"sql() takes the text of a statement, a {type(query).__name__} came.")
    if query != storable(query):
        raise StoreError(
            "sql() takes text that UTF-8 can hold; give values with NUL or half characters as params."
        )
    parts = list(tokens(query))
    statements = _counted(parts)
    if statements != 1:
        raise StoreReadOnly(f"sql() takes one statement, {statements} came: call it once for each.")
    first = parts[0].text.lower()
    if first not in _BEGINNINGS or any(t.kind == "word" and t.text.lower() == "into" for t in parts):
        raise StoreReadOnly(
            f"sql() takes a statement that reads (SELECT, WITH, VALUES, TABLE), {first.upper()[:20]} came. What is "
            "written to a store goes through record()."
        )
    for before, token in zip([None, *parts], parts, strict=False):
        # Two spellings whose meaning depends on more than the text: nobody needs them to read.
        twice = before is not None and before.kind == "escaped" and token.kind in ("string", "escaped")
        if token.kind == "unicode" or twice:
            raise StoreReadOnly(
                "sql() takes plain names and strings, U& or a continued E'' came: write it in one."
            )
    return parts


def _counted(parts: Sequence[Token]) -> int:
    n, inside = 0, False
    for token in parts:
        ends = token.kind == "other" and token.text == ";"
        n += not ends and not inside
        inside = not ends
    return n


def _names(parts: Sequence[Token]) -> Iterator[str]:
    for position, token in enumerate(parts):
        if token.kind not in ("word", "quoted"):
            continue
        name = token.text if token.kind == "quoted" else token.text.lower()
        called = position + 1 < len(parts) and parts[position + 1].text == "("
        # A function can be called as (value).name too, so every name counts that is no column or table of ours.
        if called or name not in _KNOWN:
            yield name


def _acting(connection: Connection[Any], parts: Sequence[Token]) -> list[str]:
    names = sorted(set(_names(parts)))
    system = [name for name in names if name.startswith(_PREFIX) and name not in _ALLOWED_PREFIXED]
    schemas = [name for name in names if name != "pg_catalog"]
    found = connection.execute(_ACTING, [names, schemas, _HARMLESS.split(), SCHEMA]).fetchall()
    return sorted({*system, *(name for (name,) in found)})


def _declare(connection: Connection[Any], query: str, params: Sequence[object], address: Address) -> None:
    try:
        with RawServerCursor(connection, "consilience_guard") as portal:
            portal.execute(numbered(query)[0].encode(), given_values(params), binary=True)
    except psycopg.errors.FeatureNotSupported as error:
        raise StoreReadOnly(
            f"sql() takes a statement that reads: {failures.plain(error, address)}."
        ) from None
