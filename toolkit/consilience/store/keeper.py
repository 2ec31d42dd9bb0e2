"""The seam of a store: what keeps its rows, once they have left the spool.

A store is a spool folder on this machine, an ingester that one process is elected for, and a keeper. There are two: a
DuckDB file (`consilience.store.file`) and a PostgreSQL server (`consilience.store.postgres`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from consilience.errors import StoreError
from consilience.store.query import Dialect, Query
from consilience.store.statement import Reading

if TYPE_CHECKING:
    import pyarrow as pa


class RowsRefused(StoreError):
    """The engine does not take some of the rows; it never leaves this package where segments are taken.

    Attributes
    ----------
    reason
        The engine's name for it, without values.
    """

    reason: str = ""


class Load(NamedTuple):
    """How much is to be added at once."""

    n_rows: int
    n_bytes: int


class MemoryShort(StoreError):
    """The engine needs more memory than it may take, and may take more the next time."""


class Session(Protocol):
    """Statements that change tables, while nobody else does."""

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""

    def changed(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run a statement and return how many rows it added or removed."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit at the end of a block; raise `RowsRefused` and roll back when values are at fault."""

    def staged(self, table: str, rows: pa.Table) -> AbstractContextManager[str]:
        """Give rows of a table a name for the statements of a block."""

    def append(self, table: str, rows: pa.Table) -> None:
        """Add rows to a table as they are."""

    def version(self) -> int:
        """Return the version of the schema."""


class Reader(Protocol):
    """Statements that read."""

    def run(
        self, query: Query, params: Sequence[object], timeout: float | None = None, limit: int | None = None
    ) -> Reading:
        """Return the rows of a statement, ``limit`` at most; raise `StatementTimedOut` after ``timeout`` seconds."""

    def plan(self, query: Query, params: Sequence[object]) -> str:
        """Return how the engine runs a statement; empty for those that have no plan."""


class Exporter(Protocol):
    """Tables as they are at one moment."""

    def days(self, table: str, span: str) -> list[str]:
        """Return the days of a table's rows for which ``span`` holds, as YYYY-MM-DD."""

    def write(self, table: str, span: str, folder: Path) -> int:
        """Write ``<table>/day=.../part-<uuid>.parquet`` into a folder, and return how many rows these hold."""


class Living(Protocol):
    """The sign of life of one run.

    Attributes
    ----------
    fades
        Whether it can be lost while the run lives, so that `keep` is to be called every second.
    """

    fades: bool

    def begin(self) -> None:
        """Show that the run lives, until `end` or the end of the process."""

    def keep(self) -> None:
        """Show again that the run lives, if that was lost."""

    def end(self) -> None:
        """Show no more."""

    def others(self, run_ids: Iterable[str]) -> frozenset[str]:
        """Return those of other runs that live."""

    def undisturbed(self) -> bool:
        """Whether this run is sure to be the only one, so that all that others wrote is in the tables.

        It is called after this run has written something, and when it says no, the rows that wait are taken into the
        tables before it is called again.
        """


class Keeper(Protocol):
    """What keeps the rows of a store.

    Attributes
    ----------
    dialect
        The words in which its engine differs.
    address
        Where it is, for people; never a password.
    path
        Its file, if it is one.
    spool
        The folder on this machine where segments wait.
    """

    dialect: Dialect
    address: str
    path: Path | None
    spool: Path

    def load(self) -> None:
        """Load the engine, before anything else is called."""

    def check(self, timeout: float) -> None:
        """Raise what stands against using it, such as `StoreTooNew`; later calls cost nothing."""

    def check_writable(self) -> None:
        """Raise `StoreError` when the spool cannot be written."""

    def guard(self, query: str, params: Sequence[object], timeout: float) -> None:
        """Raise `StoreReadOnly` unless a text is one statement that reads the store's tables and nothing else."""

    def reading(self, timeout: float) -> AbstractContextManager[Reader]:
        """Return what reads, after waiting that long for others at most."""

    def changing(self, timeout: float, load: Load | None = None) -> AbstractContextManager[Session]:
        """Return what changes tables alone, migrated to this version.

        With ``load``, the rows that are to be added, an engine in this process takes no more memory than these need,
        and raises `MemoryShort` when that was too little.
        """

    def exporting(self, timeout: float) -> AbstractContextManager[Exporter]:
        """Return what exports."""

    def compact(self, timeout: float) -> None:
        """Give back the space of what was removed."""

    def size(self) -> int:
        """Return the bytes that it takes; 0 when it was not made yet."""

    def revision(self) -> object:
        """Return what is another as soon as it holds other rows, at little cost."""

    def living(self, run_id: str) -> Living:
        """Return a run's sign of life."""

    def close(self) -> None:
        """Give back what is held."""

    def forget(self) -> None:
        """Start anew in a forked child."""

    def again(self) -> str:
        """Return what makes the same keeper elsewhere; for a server with the password that came in its URL."""
