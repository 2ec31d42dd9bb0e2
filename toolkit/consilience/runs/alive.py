"""Whether a run still lives: a lock file that its process holds, and that the kernel lets go when it ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path


class Alive:
    """The sign of life of one run, beside the spool of its store.

    Parameters
    ----------
    store
        The store's file.
    run_id
        Of the run.
    """

    def __init__(self, store: Path, run_id: str) -> None:
        self._folder = store.with_name(f"{store.name}.runs")
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
            if not self.other(file.stem):
                file.unlink(missing_ok=True)
        with suppress(OSError):  # other runs live in it
            self._folder.rmdir()

    def other(self, run_id: str) -> bool:
        """Whether another run lives."""
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
