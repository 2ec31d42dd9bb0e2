"""What a page wants to know of the store, so that many sessions share one reading."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from consilience.errors import ConsilienceError

if TYPE_CHECKING:
    import polars as pl

    from consilience.store import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query(Generic[T]):
    """A reading of the store, known by its key: sessions with equal keys share the reading and what came of it.

    Parameters
    ----------
    key
        What tells this reading from others, such as ``("questions", text, page)``.
    read
        Reads the store, in few statements. It runs on the reader's thread.
    ages
        Seconds after which what was read is read again though the store did not change, because it says "in the last
        24 hours" or the like.

    Examples
    --------
    >>> one, two = (Query(("latest", 5), lambda store: store.latest(5)) for _ in range(2))
    >>> one == two
    True
    """

    key: Hashable
    read: Callable[[Store], T] = field(compare=False, repr=False)
    ages: float = field(default=60.0, compare=False)


def sql(name: str, statement: str, *params: Hashable, ages: float = 60.0) -> Query[pl.DataFrame]:
    """Return the query that runs one statement of the package's own.

    Examples
    --------
    >>> sql("kinds", "SELECT DISTINCT answer_kind FROM questions").key
    ('kinds',)
    """
    return Query((name, *params), lambda store: store.read(statement, *params), ages)


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """What a query brought.

    Parameters
    ----------
    value
        What was read; ``None`` when there is an error.
    error
        Why it could not be read.
    read_at
        Monotonic seconds.
    """

    value: T | None
    error: ConsilienceError | None
    read_at: float
