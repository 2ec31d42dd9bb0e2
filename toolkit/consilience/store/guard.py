"""The guard before `Store.sql` on a DuckDB file: one statement that reads, and functions that read nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import duckdb

from consilience.errors import StoreError, StoreReadOnly
from consilience.store import failures
from consilience.store.rows import storable

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
