"""The spool: a folder of finished segments that no ingester has taken yet.

A segment is written under a temporary name, synced, renamed, and the folder is synced: when `Spool.write` returns, the
rows survive the end of the process and of the machine. Names begin with the time, so that sorting them is the order
of writing.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from consilience.errors import StoreError, StoreFull
from consilience.kernels.files import sync_folder, write_synced

_LOG = logging.getLogger("consilience.store")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_TEMPORARY = ".writing-"
_SUFFIX = ".arrows"
_SUFFIXES = (_SUFFIX, ".arrow", ".parquet")  # the others of segments that earlier versions wrote
_ORPHAN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A segment in the spool: its name and its size in bytes."""

    name: str
    size: int


class Spool:
    """The spool folder of one store.

    Parameters
    ----------
    folder
        ``<store>.spool``; made at the first write.
    now
        Wall-clock time in seconds, for names and for the age of orphans; injected for tests.
    """

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._now = now

    def write(self, data: bytes) -> str:
        """Make the bytes a segment and return its name; it is durable then.

        Raises
        ------
        StoreFull
            The disk is full. Nothing is left behind.
        StoreError
            The folder cannot be written.
        """
        name = f"{int(self._now() * 1e9)}-{os.getpid()}-{uuid.uuid4().hex}{_SUFFIX}"
        temporary = f"{_TEMPORARY}{name}"
        try:
            try:
                write_synced(self.folder, temporary, name, data)
            except FileNotFoundError:  # No folder yet; or it, or what looked like an orphan, was removed.
                self._make()
                write_synced(self.folder, temporary, name, data)
        except OSError as error:
            raise self._failed(error, len(data)) from error
        return name

    def waiting(self) -> list[Waiting]:
        """Return the finished segments, oldest first."""
        found = []
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(_SUFFIXES) and not entry.name.startswith("."):
                    with suppress(FileNotFoundError):
                        found.append(Waiting(entry.name, entry.stat().st_size))
        return sorted(found, key=lambda segment: segment.name)

    def written_here(self) -> frozenset[str]:
        """Return the names of finished segments that this process wrote, through whichever store object."""
        mark = f"-{os.getpid()}-"
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            return frozenset(e.name for e in entries if mark in e.name and not e.name.startswith("."))
        return frozenset()

    def read(self, name: str) -> bytes:
        """Return the bytes of a segment."""
        return (self.folder / name).read_bytes()

    def holds(self, name: str) -> bool:
        """Whether the segment is still here."""
        return (self.folder / name).exists()

    def remove(self, names: Iterable[str]) -> None:
        """Remove segments that were taken."""
        for name in names:
            with suppress(FileNotFoundError):
                (self.folder / name).unlink()

    def quarantine(self, name: str, reason: str) -> None:
        """Put a damaged segment aside, say so in the log, and go on."""
        aside = self.folder / "quarantine"
        try:
            aside.mkdir(exist_ok=True)
            os.replace(self.folder / name, aside / name)
        except OSError as error:
            _LOG.warning("Segment %s is damaged (%s) and cannot be moved: %s.", name, reason, error.strerror)
            return
        _LOG.warning(
            "Segment %s is damaged (%s) and was moved to %s: its rows are not in the store.",
            name,
            reason,
            aside,
        )

    def sweep(self) -> int:
        """Remove temporary files that no living writer can own, and return how many.

        A writer needs milliseconds from its last byte to the rename; after a minute without a change its file is an
        orphan. A writer that was stopped for longer finds its file gone and writes it again.
        """
        swept = 0
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if not entry.name.startswith(_TEMPORARY):
                    continue
                with suppress(FileNotFoundError):
                    if self._now() - entry.stat().st_mtime > _ORPHAN_SECONDS:
                        Path(entry.path).unlink()
                        swept += 1
        return swept

    def _make(self) -> None:
        self.folder.mkdir(exist_ok=True)
        sync_folder(self.folder.parent)

    def _failed(self, error: OSError, needed: int) -> StoreError:
        if error.errno not in _FULL:
            return StoreError(f"A store must be able to write to {self.folder}, it cannot: {error.strerror}.")
        return StoreFull(
            f"Writing needs {needed:,} bytes in {self.folder}, {free_space(self.folder):,} are free: make space. The "
            "rows stay in memory and are written with the next record() or flush()."
        )


def free_space(folder: Path) -> int:
    """Return the bytes that are free for this user where the folder is, or would be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
