"""Rows of a statement as a Polars frame."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import polars as pl
import polars.selectors as cs

from consilience.store.rows import storable


def fetched(connection: duckdb.DuckDBPyConnection, query: str, params: Sequence[object]) -> pl.DataFrame:
    """Run the statement and return its rows, with times in UTC whatever the machine's zone."""
    # A relation, not execute(): DuckDB 2 gives frames from relations only, 1.5 from both.
    frame: pl.DataFrame = connection.sql(query, params=[_value(param) for param in params]).pl()
    return frame.with_columns(cs.datetime(time_zone="*").dt.convert_time_zone("UTC"))


def _value(param: object) -> object:
    # What was recorded went through the same change, so that a text is found again by itself.
    return storable(param) if isinstance(param, str) else param
