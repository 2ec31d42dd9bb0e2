"""Where a store lies, and what can be said against a path before anything is opened."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from consilience.errors import StoreError
from consilience.store.mounts import refuse_network

if TYPE_CHECKING:
    from consilience.store.keeper import Keeper

_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+)://")
_MAGIC = b"DUCK"  # Bytes 8 to 11 of every DuckDB file.


@dataclass(frozen=True, slots=True)
class Place:
    """The file of a store and the spool folder beside it."""

    file: Path
    spool: Path


def is_url(given: str | os.PathLike[str]) -> bool:
    """Whether it is the URL of a server, and no path.

    Examples
    --------
    >>> is_url("postgresql://ana@db/team"), is_url("history.duckdb")
    (True, False)
    """
    return _SCHEME.match(os.fspath(given)) is not None


def kept_in(path: str | os.PathLike[str]) -> Keeper:
    """Return the keeper of the rows of a store with this path or URL.

    Raises
    ------
    StoreError
        It is a URL of something else than PostgreSQL, or as in `place`.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise StoreError(
            f"A store is a path to a file or a postgresql:// URL, a {type(path).__name__} came: write "
            "Store('history.duckdb')."
        )
    scheme = _SCHEME.match(os.fspath(path))
    if scheme is None:
        from consilience.store.file import FileKeeper

        return FileKeeper(path)
    if scheme[1].lower() not in (
        "postgresql",
        "postgres",
    ):  # The rest can hold a password and is not repeated.
        raise StoreError(
            f"A store is a path to a file or a postgresql:// URL, a {scheme[1]}:// URL came: mend it."
        )
    from consilience.store.postgres import ServerKeeper

    return ServerKeeper(os.fspath(path))


def place(path: str | os.PathLike[str]) -> Place:
    """Return where the store lies, with symbolic links followed, so that two names of one file share a spool.

    The folder must exist: making it would turn a mistyped path into a second, empty history.

    Raises
    ------
    StoreError
        The path is a folder, a file of another kind, or in a folder that is missing or cannot be read.
    NetworkFileSystem
        It lies on a network file system.
    """
    if not os.fspath(path) or "\x00" in os.fspath(path):
        raise StoreError(
            f"A store is a path to a file, {os.fspath(path)!r} came: write Store('history.duckdb')."
        )
    file = Path(path).expanduser().resolve()
    _check_folder(file)
    refuse_network(file)
    check_file(file)
    return Place(file, file.with_name(file.name + ".spool"))


def check_writable(where: Place) -> None:
    """Raise `StoreError` when segments cannot be made beside the file."""
    folder = where.spool if where.spool.exists() else where.spool.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(
            f"Writing to a store needs a folder that can be written, {folder} cannot: choose another path, or change "
            "its permissions. Reading works."
        )


def check_file(file: Path) -> None:
    """Raise `StoreError` when there is something at the path that is no DuckDB file."""
    if file.is_dir():
        raise StoreError(
            f"A store is a file, {file} is a folder: add a name, such as {file / 'history.duckdb'}."
        )
    try:
        with file.open("rb") as stream:
            start = stream.read(12)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(
            f"A store must be readable, {file} is not ({error.strerror}): change its rights."
        ) from error
    if start[8:12] != _MAGIC:
        raise StoreError(
            f"A DuckDB file is required, {file} is something else: choose another path or move it away."
        )


def _check_folder(file: Path) -> None:
    folder = file.parent
    if not folder.exists():
        raise StoreError(f"A store needs a folder that exists, {folder} does not: make it, or mend the path.")
    if not folder.is_dir():
        raise StoreError(f"A store needs a folder to lie in, {folder} is a file: choose another path.")
