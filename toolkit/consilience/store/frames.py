"""Rows of a statement in DuckDB as a Polars frame, within limits of time and number."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import polars as pl
import polars.selectors as cs

from consilience.store.forking import gate
from consilience.store.statement import Reading, given_values, timed_out

_INTERRUPT_SECONDS = 0.02


def run(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    params: Sequence[object],
    timeout: float | None = None,
    limit: int | None = None,
) -> Reading:
    """Return the rows of a statement, ``limit`` at most; times are in UTC whatever the machine's zone.

    Raises
    ------
    StatementTimedOut
        It ran longer than ``timeout`` seconds.
    """
    given = given_values(params)
    started = time.monotonic()
    with gate.stopped_by(connection.interrupt), _bounded(connection, timeout):
        frame = _fetched(connection, query, given, limit)
    seconds = time.monotonic() - started
    return Reading(
        frame.with_columns(cs.datetime(time_zone="*").dt.convert_time_zone("UTC")),
        seconds,
    )


def _fetched(
    connection: duckdb.DuckDBPyConnection, query: str, given: Any, limit: int | None
) -> pl.DataFrame:
    # A relation, not execute(): DuckDB 2 gives frames from relations only, 1.5 from both.
    relation = connection.sql(query if limit is None else _unended(query), params=given)
    frame: pl.DataFrame = (relation if limit is None else relation.limit(limit)).pl()
    return frame


def plan(connection: duckdb.DuckDBPyConnection, query: str, params: Sequence[object]) -> str:
    """Return how the engine runs a statement, without running it again; empty for those that have no plan."""
    with suppress(duckdb.Error):  # DESCRIBE and SHOW
        rows = connection.execute(f"EXPLAIN {query}", given_values(params)).fetchall()
        return "\n".join(text for _, text in rows)
    return ""


def _unended(query: str) -> str:
    """Return the statement without the semicolons at its end, which may not stand within another statement."""
    text = query.encode()
    end = len(text)
    for start, kind in reversed(duckdb.tokenize(query)):
        if kind != duckdb.token_type.comment and text[start : start + 1] != b";":
            break
        end = start
    return text[:end].decode()


@contextmanager
def _bounded(connection: duckdb.DuckDBPyConnection, timeout: float | None) -> Iterator[None]:
    if timeout is None:
        yield
        return
    late, done = threading.Event(), threading.Event()

    def stop() -> None:
        # Again and again: one that comes while the statement is still prepared is forgotten by the engine.
        wait = timeout
        while not done.wait(wait):
            late.set()
            connection.interrupt()
            wait = _INTERRUPT_SECONDS

    timer = threading.Thread(target=stop, name="consilience-store-timeout", daemon=True)
    timer.start()
    try:
        yield
    except duckdb.InterruptException:
        if not late.is_set():
            raise
        raise timed_out(timeout) from None
    finally:
        done.set()
        timer.join()  # It must not interrupt the next statement, nor a connection that is closed.
