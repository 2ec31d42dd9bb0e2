"""Locks between processes, and between the threads of one: ``flock`` on three small files in the spool folder.

``ingest.lock``
    Held by the one ingester. Never waited for.
``turnstile.lock``
    Passed by every reader and held by a writer that waits, so that readers cannot starve it.
``store.lock``
    Shared by readers, exclusive for the ingester, while the DuckDB file is open.

Each acquisition opens its own file description, so that two threads of one process exclude each other as two processes
do; the kernel drops a lock when its process dies. Waiting polls without blocking, because ``flock`` has no timeout.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from consilience.errors import StoreBusy, StoreError, StoreFull

try:
    import fcntl
except ImportError:  # Windows has no flock; the folder that is asked for then says so.
    fcntl = None  # type: ignore[assignment]

_FIRST_PAUSE = 0.0005
_LONGEST_PAUSE = 0.01
_HELD = (errno.EAGAIN, errno.EACCES)
_FULL = (errno.ENOSPC, errno.EDQUOT)

# Descriptors of locks that are open now. A forked child closes its copies: a copy would keep the lock alive after its
# holder died.
_open: set[int] = set()
# Sockets whose session holds a lock. A child's copy is put out of the way: its number stays the connection's own, which
# may yet write to it.
_sessions: set[int] = set()
_guard = threading.Lock()


class Locks:
    """The three locks of one store.

    Parameters
    ----------
    folder
        Where the lock files lie; it is made at the first acquisition that writes.
    clock, sleep
        Monotonic seconds and how to wait, injected for tests.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if fcntl is None:
            raise StoreError(
                "A store in a file needs flock, which this platform lacks: use Linux, macOS or the Windows "
                "Subsystem for Linux."
            )
        self._folder = folder
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def ingesting(self) -> Iterator[bool]:
        """Try to become the ingester; yield whether it worked, at once."""
        with _held(self._folder / "ingest.lock", lambda fd: _try(fd, shared=False)) as got:
            yield got

    @contextmanager
    def elected(self, timeout: float) -> Iterator[None]:
        """Become the ingester, for work that none may do meanwhile; raise `StoreBusy` after ``timeout`` seconds."""
        with self._waiting("ingest.lock", self._clock() + timeout, timeout, shared=False):
            yield

    @contextmanager
    def writing(self, timeout: float) -> Iterator[None]:
        """Hold the store alone; raise `StoreBusy` after ``timeout`` seconds."""
        with self._admitted("store.lock", timeout, shared=False):
            yield

    @contextmanager
    def reading(self, timeout: float) -> Iterator[None]:
        """Hold the store together with other readers; raise `StoreBusy` after ``timeout`` seconds.

        In a folder that cannot be written and has no lock files, nobody of this package can write either: there the
        lock is left out, and DuckDB's own lock on the file remains.
        """
        if not self._lockable():
            yield
            return
        with self._admitted("store.lock", timeout, shared=True):
            yield

    @contextmanager
    def _admitted(self, name: str, timeout: float, *, shared: bool) -> Iterator[None]:
        deadline = self._clock() + timeout
        with ExitStack() as stack:
            with self._waiting("turnstile.lock", deadline, timeout, shared=False):
                stack.enter_context(self._waiting(name, deadline, timeout, shared=shared))
            yield

    @contextmanager
    def _waiting(self, name: str, deadline: float, timeout: float, *, shared: bool) -> Iterator[None]:
        with _held(self._folder / name, lambda fd: self._poll(fd, deadline, shared=shared)) as got:
            if not got:
                raise StoreBusy(
                    f"The store beside {self._folder} must be free within {timeout:g} s, another process or thread "
                    "held it longer: end the statement that runs there, or give Store a longer timeout."
                )
            yield

    def _poll(self, fd: int, deadline: float, *, shared: bool) -> bool:
        pause = _FIRST_PAUSE
        while not _try(fd, shared=shared):
            left = deadline - self._clock()
            if left <= 0:
                return False
            self._sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        return True

    def _lockable(self) -> bool:
        if self._folder.exists():
            return os.access(self._folder, os.W_OK) or (self._folder / "store.lock").exists()
        return os.access(self._folder.parent, os.W_OK)


def _try(fd: int, *, shared: bool) -> bool:
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise StoreError(
            f"A store needs a file system with flock, this one says {error.strerror!r}: move the store to a local disk."
        ) from error
    return True


@contextmanager
def _held(path: Path, acquire: Callable[[int], bool]) -> Iterator[bool]:
    while True:
        fd = _opened(path)
        try:
            got = acquire(fd)
            # Otherwise the lock file was removed meanwhile, and others lock its successor.
            if not got or _same(fd, path):
                yield got
                return
        finally:
            closed(fd)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(exist_ok=True)
        with _guard:
            fd = _open_file(path)
            _open.add(fd)
    except OSError as error:
        kind = StoreFull if error.errno in _FULL else StoreError
        raise kind(f"A store needs the lock file {path}, which cannot be made: {error.strerror}.") from error
    return fd


def _open_file(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EROFS):
            raise
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # A lock needs no right to write.


def remember(fd: int) -> int:
    """Have a descriptor that holds a lock closed in forked children; return it."""
    with _guard:
        _open.add(fd)
    return fd


def in_session(fd: int) -> int:
    """Have forked children let go of a socket whose session holds a lock; return it."""
    with _guard:
        _sessions.add(fd)
    return fd


def out_of_session(fd: int) -> None:
    """Say that a socket is about to be closed."""
    with _guard:
        _sessions.discard(fd)


def closed(fd: int) -> None:
    """Let go of a lock and its descriptor."""
    with _guard:
        if fd not in _open:  # A forked child has closed its copy already.
            return
        _open.discard(fd)
        # Unlocked by name as well: closing alone leaves the lock to a child that was forked meanwhile.
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


def _same(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _drop_copies() -> None:
    for fd in _open:
        os.close(fd)
    _open.clear()
    if _sessions:
        nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for fd in _sessions:
            os.dup2(nowhere, fd, inheritable=False)
        os.close(nowhere)
    _sessions.clear()
    _guard.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_drop_copies)
