"""Files that survive the end of the machine, readable."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["sync_folder", "write_synced"]


def write_synced(folder: str | os.PathLike[str], temporary: str, name: str, data: bytes) -> None:
    """Write a file whole; arguments as in ``consilience.kernels``."""
    before = Path(folder, temporary)
    fd = os.open(before, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        try:
            _write(fd, data)
        finally:
            os.close(fd)
        before.replace(Path(folder, name))
    except BaseException:  # Also on Ctrl-C: a file of many megabytes should not be left.
        with suppress(OSError):
            before.unlink()
        raise
    sync_folder(folder)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Make what was renamed in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]
    os.fsync(fd)
