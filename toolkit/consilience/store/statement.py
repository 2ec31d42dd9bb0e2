"""What an observer of a store is told, and a user whose rows were cut."""

from __future__ import annotations

from dataclasses import dataclass


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


class RowsCut(UserWarning):
    """A statement brought more rows than its limit, and the frame lacks the rest."""
