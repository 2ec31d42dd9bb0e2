"""What DuckDB says when it fails, as errors of this package.

Values from the store or from parameters can stand in the engine's messages between single quotes; they are left out,
because a question can hold a secret.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path

import duckdb

from consilience.errors import StoreBusy, StoreError, StoreFull, StoreReadOnly, StoreTooNew
from consilience.store.keeper import MemoryShort
from consilience.store.spool import free_space

_QUOTED = re.compile(r"'(?:[^']|'')*'")
_FULL = ("No space left", "Disk quota exceeded", "not enough disk space")

_SIGNS: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (
        ("Could not set lock", "Unique file handle conflict", "different configuration"),
        StoreBusy,
        "The store {file} is open in another program or connection: close it there, and read with Store.sql().",
    ),
    (
        ("we can only read version", "was created with a newer", "newer version of DuckDB"),
        StoreTooNew,
        "The store {file} was written by a newer DuckDB than {engine}: upgrade duckdb. The file was not changed.",
    ),
    (
        # All but the first are of a checkpoint, whose error is of another class.
        (
            "Out of Memory Error",
            "could not allocate block",
            "failed to allocate data",
            "failed to offload data block",
            "failed to pin block",
            "failed to reserve memory",
        ),
        MemoryShort,
        "The store {file} needs more memory than DuckDB may take: ask for less at once, or use a larger machine.",
    ),
)

_KINDS: tuple[tuple[tuple[type[Exception], ...], type[StoreError], str], ...] = (
    ((duckdb.PermissionException,), StoreReadOnly, "A statement reads the store's tables only: {said}"),
    (
        (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError),
        StoreError,
        "The statement cannot run on the store: {said}",
    ),
)


def translated(error: Exception, file: Path) -> StoreError:
    """Return the error of this package that says the same."""
    text = str(error)
    if isinstance(error, StoreError):
        return error
    if any(sign in text for sign in _FULL) or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return StoreFull(
            f"The store {file} needs more space than the {free_space(file.parent):,} bytes that are free: make "
            "space. Rows that wait in the spool or in memory are taken afterwards."
        )
    for signs, kind, sentence in _SIGNS:
        if any(sign in text for sign in signs):
            return kind(sentence.format(file=file, engine=duckdb.__version__))
    for kinds, kind, sentence in _KINDS:
        if isinstance(error, kinds):
            return kind(sentence.format(file=file, said=plain(text)))
    return StoreError(f"The store {file} could not be used: {plain(text)}")


def plain(text: str) -> str:
    r"""Return the first line of an engine's message without quoted values.

    Examples
    --------
    >>> plain("Conversion Error: Could not convert string 'my secret' to INT32\n\nLINE 1: ...")
    "Conversion Error: Could not convert string '...' to INT32"
    """
    return _QUOTED.sub("'...'", text.partition("\n")[0])


def closed(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Close a writing connection; the checkpoint in it may find the disk full, and the log then keeps the rows."""
    try:
        connection.close()
    except duckdb.Error as error:
        raise translated(error, file) from error
