"""Statements of this package: one text for every engine, and the few words in which engines differ.

What stays the same is written as PostgreSQL and DuckDB both take it: ``= ANY(?::TEXT[])``, ``percentile_cont``,
``date_trunc``, ``FILTER``, ``DISTINCT ON``, ``EXCEPT ALL``, and ``?`` for a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from consilience.store.schema import Columns

_ENTERED = "{entered}"


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows that a statement gathers in one list.

    Parameters
    ----------
    alias
        Of the table in the statement.
    columns
        Name and type of what each element of the list holds.
    order
        By which the list is sorted.
    """

    alias: str
    columns: Columns
    order: str


@dataclass(frozen=True, slots=True)
class Query:
    """A statement of this package, before an engine is known.

    Parameters
    ----------
    text
        SQL with ``?`` for values, ``{entered}`` for the order in which rows entered, and a mark such as
        ``{responses}`` for each list.
    lists
        Each list by its mark, which is also the column it comes back as.
    """

    text: str
    lists: Mapping[str, Listed] = field(default_factory=dict)


Readable: TypeAlias = str | Query


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where an engine differs.

    Parameters
    ----------
    entered
        What orders rows as they entered their table.
    listing
        How rows are gathered in a list.
    """

    entered: str
    listing: Callable[[Listed], str]

    def text(self, query: Readable) -> str:
        """Return a statement as the engine takes it; a plain text is taken as it is."""
        if isinstance(query, str):
            return query
        text = query.text.replace(_ENTERED, self.entered)
        for mark, listed in query.lists.items():
            text = text.replace("{" + mark + "}", self.listing(listed))
        return text


def _structs(listed: Listed) -> str:
    cells = ", ".join(f"'{name}': {listed.alias}.{name}" for name in listed.columns)
    return f"list({{{cells}}} ORDER BY {listed.order})"


def _rows(listed: Listed) -> str:
    cells = ", ".join(f"{listed.alias}.{name}" for name in listed.columns)
    return f"array_agg(ROW({cells}) ORDER BY {listed.order})"


DUCKDB = Dialect("rowid", _structs)
# Ingests are one after the other, so a later transaction has a later number; within one, the place in the table.
POSTGRES = Dialect("age(xmin) DESC, ctid", _rows)
