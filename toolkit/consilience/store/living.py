"""Whether a run on this machine still lives: a lock file that the kernel lets go when its process ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


class LockFiles:
    """The sign of life of one run, beside the file of its store.

    Parameters
    ----------
    folder
        Where the runs of a store have their files; it goes with the last.
    run_id
        Of the run.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        self._folder = folder
        self._run_id = run_id
        self._fd: int | None = None

    def begin(self) -> None:
        """Show that the run lives."""
        self._folder.mkdir(exist_ok=True)
        path = self._path(self._run_id)
        # Locked before it has its name: a file that is not locked belongs to a dead run, and is swept.
        self._fd = os.open(path.with_suffix(".new"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.replace(path.with_suffix(".new"), path)

    def end(self) -> None:
        """Show no more; the files of dead runs are removed too."""
        if self._fd is None:
            return
        with suppress(FileNotFoundError):
            self._path(self._run_id).unlink()
        os.close(self._fd)
        self._fd = None
        for file in self._folder.glob("*.lock"):
            if not self._lives(file.stem):
                file.unlink(missing_ok=True)
        with suppress(OSError):  # other runs live in it
            self._folder.rmdir()

    def others(self, run_ids: Iterable[str]) -> frozenset[str]:
        """Return those of other runs that live."""
        return frozenset(filter(self._lives, run_ids))

    def _lives(self, run_id: str) -> bool:
        try:
            fd = os.open(self._path(run_id), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.lock"
