"""Rows of a statement as a Polars frame, within limits of time and number."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self

import duckdb
import polars as pl
import polars.selectors as cs

from consilience.errors import StatementTimedOut
from consilience.store.rows import storable
from consilience.store.statement import RowsCut

_INTERRUPT_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Reading:
    """A statement that ran: what it brought, and how long the engine took."""

    frame: pl.DataFrame
    seconds: float

    @classmethod
    def of(
        cls,
        connection: duckdb.DuckDBPyConnection,
        query: str,
        params: Sequence[object],
        timeout: float | None = None,
        limit: int | None = None,
    ) -> Self:
        """Run the statement; times are in UTC whatever the machine's zone.

        Raises
        ------
        StatementTimedOut
            It ran longer than ``timeout`` seconds.
        """
        given = [_value(param) for param in params]
        started = time.monotonic()
        with _bounded(connection, timeout):
            # A relation, not execute(): DuckDB 2 gives frames from relations only, 1.5 from both.
            relation = connection.sql(query if limit is None else _unended(query), params=given)
            # One row more than allowed says whether there are more.
            frame: pl.DataFrame = (relation if limit is None else relation.limit(limit + 1)).pl()
        seconds = time.monotonic() - started
        if limit is not None and frame.height > limit:
            _warn_of_cut(limit)
            frame = frame.head(limit)
        frame = frame.with_columns(cs.datetime(time_zone="*").dt.convert_time_zone("UTC"))
        return cls(frame, seconds)


def plan(connection: duckdb.DuckDBPyConnection, query: str, params: Sequence[object]) -> str:
    """Return how the engine runs a statement, without running it again; empty for those that have no plan."""
    with suppress(duckdb.Error):  # DESCRIBE and SHOW
        rows = connection.execute(f"EXPLAIN {query}", [_value(param) for param in params]).fetchall()
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
        raise StatementTimedOut(
            f"The statement had {timeout:g} s and needs more, so it was stopped: read less (a span of asked_at, fewer "
            "columns), or give sql() a longer timeout."
        ) from None
    finally:
        done.set()
        timer.join()  # It must not interrupt the next statement, nor a connection that is closed.


def _warn_of_cut(limit: int) -> None:
    warnings.warn(
        f"The statement brings more than {limit:,} rows, and the frame holds the first {limit:,}: aggregate in SQL, or "
        "give sql() a higher limit, or limit=None.",
        RowsCut,
        stacklevel=5,
    )


def _value(param: object) -> object:
    # What was recorded went through the same change, so that a text is found again by itself.
    return storable(param) if isinstance(param, str) else param
