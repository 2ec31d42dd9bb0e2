"""What a statement brought, what an observer of a store is told, and a user whose rows were cut."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.errors import StatementTimedOut
from consilience.store.rows import storable

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that ran on a store, for an observer.

    Parameters
    ----------
    sql
        Its text, without parameters.
    seconds
        From the wait for the lock to the frame.
    rows
        Rows in the frame.
    """

    sql: str
    seconds: float
    rows: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows of a statement, and the seconds that the engine took."""

    frame: pl.DataFrame
    seconds: float


class RowsCut(UserWarning):
    """A statement brought more rows than its limit, and the frame lacks the rest."""


def given_values(params: Sequence[object]) -> list[object]:
    """Return parameters with the change that recorded texts went through, so that a text is found by itself."""
    return [storable(param) if isinstance(param, str) else param for param in params]


def timed_out(seconds: float | None) -> StatementTimedOut:
    """Return the error that says what to do."""
    return StatementTimedOut(
        f"The statement had {seconds:g} s and needs more, so it was stopped: read less (a span of asked_at, fewer "
        "columns), or give sql() a longer timeout."
    )


def cut(frame: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Return the first rows of a frame; warn the caller of `History.sql` when there are more."""
    if frame.height <= limit:
        return frame
    warnings.warn(
        f"The statement brings more than {limit:,} rows, and the frame holds the first {limit:,}: aggregate in SQL, or "
        "give sql() a higher limit, or limit=None.",
        RowsCut,
        stacklevel=4,
    )
    return frame.head(limit)
