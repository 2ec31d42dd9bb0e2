"""Whether a run on this machine still lives: a lock file that the kernel lets go when its process ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from consilience.errors import StoreError
from consilience.store.locks import closed, remember


class LockFiles:
    """The sign of life of one run, beside the file of its store.

    A run that ends while another one lives leaves its file, unlocked, so that the other one sees that it was there; the
    last to end removes them all.

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
        self._ended: frozenset[str] = frozenset()
        self._known: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Show that the run lives.

        Raises
        ------
        StoreError
            The folder cannot be written.
        """
        path = self._path(self._run_id)
        fresh = path.with_suffix(".new")
        try:
            self._shown(path, fresh)
        except OSError as error:
            raise StoreError(
                f"A run must be able to write to {self._folder}, it cannot: {error.strerror}. Let this user write "
                "there, or run without a store."
            ) from error

    def _shown(self, path: Path, fresh: Path) -> None:
        # Locked before it has its name: a file that is not locked belongs to a dead run.
        self._fd = self._made(fresh)
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.replace(fresh, path)
        # Who was killed before this may have left rows in the spool; they are taken in with the first of this run's.
        self._known = frozenset(run_id for run_id in self._there() if not self._lives(run_id))

    fades = False

    def keep(self) -> None:
        """Do nothing: the kernel keeps it as long as the process lives."""

    def end(self) -> None:
        """Show no more; where no other run lives, the files of dead ones are removed too."""
        if self._fd is None:
            return
        there = self._there()
        # Looked at twice: who began meanwhile may need to see a run that ended meanwhile.
        if not any(map(self._lives, there)) and self._there() == there:
            for run_id in (*there, self._run_id):
                self._path(run_id).unlink(missing_ok=True)
        closed(self._fd)
        self._fd = None
        with suppress(OSError):  # other runs live in it
            self._folder.rmdir()

    def undisturbed(self) -> bool:
        """Whether no other run can have lived since the last call but one, nor lives now; the caller wrote in between.

        A run that was there and ended tells so for two calls more: it may have written after what the caller wrote
        before the first of them, and not after what it wrote before the second.
        """
        fresh = self._there() - self._known
        self._known |= self._ended
        self._ended = frozenset(run_id for run_id in fresh if not self._lives(run_id))
        return not fresh

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

    def _there(self) -> frozenset[str]:
        """Return other runs that have a file: those that live, and those that ended while one lived."""
        return frozenset(file.stem for file in self._folder.glob("*.lock")) - {self._run_id}

    def _made(self, file: Path) -> int:
        while True:
            with suppress(FileExistsError):
                self._folder.mkdir()
            with suppress(FileNotFoundError):  # the run that ended last removed the folder meanwhile
                return remember(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.lock"
