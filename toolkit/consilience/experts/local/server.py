"""The child process of the local model: started on the first call, shared, watched, ended."""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar
from weakref import WeakKeyDictionary, WeakSet

from consilience.errors import (
    LocalExtraMissing,
    LocalModelCrashed,
    LocalModelError,
    LocalModelMissing,
    LocalPortTaken,
)
from consilience.experts.local.artifact import FETCH_MODEL, INSTALL_EXTRA, extra_installed, is_verified
from consilience.experts.local.client import Client, ConnectionLost
from consilience.experts.local.cpus import threads
from consilience.experts.local.process import Ended, Process, Refusal
from consilience.loop import background, call_in_thread

T = TypeVar("T")

SLOTS = 4
CONTEXT = 2048

_CRASHES = 3
_CRASH_WINDOW = 60.0
_REAP_SECONDS = 5.0


class Lanes:
    """A number of lanes, first come first served, of which a caller takes one or more.

    More calls than the server has slots would only wait inside it, where a thread waits with each. And tokens of
    calls that run together are computed together, which changes the last digits of their probabilities: who wants
    the same answer each time takes all lanes.
    """

    def __init__(self, count: int) -> None:
        self._turn = asyncio.Lock()
        self._free = asyncio.Semaphore(count)

    @asynccontextmanager
    async def use(self, count: int) -> AsyncIterator[None]:
        """Hold ``count`` lanes."""
        held = 0
        try:
            async with self._turn:  # one caller collects at a time, so two never wait for each other
                while held < count:
                    await self._free.acquire()
                    held += 1
            yield
        finally:
            for _ in range(held):
                self._free.release()


class LocalServer:
    """One server for all `LocalModel` objects of a process with the same model file and port.

    Parameters
    ----------
    path
        The model file.
    port
        0 lets the system choose.
    clock
        Monotonic seconds, for the limit on restarts.
    """

    def __init__(self, path: Path, port: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._port, self._clock = path, port, clock
        self._process: Process | None = None
        self._client: Client | None = None
        self._starting: asyncio.Task[Client] | None = None
        self._crashes: deque[float] = deque(maxlen=_CRASHES)
        self._lanes = Lanes(SLOTS)
        self._users: WeakSet[object] = WeakSet()

    def __repr__(self) -> str:
        return f"LocalServer({self._path.name!r}, port={self._port}, pid={self.pid})"

    @property
    def pid(self) -> int | None:
        """The child's process id; ``None`` while there is none."""
        return self._process.pid if self._process is not None and self._process.alive else None

    @property
    def client(self) -> Client | None:
        """The client of the running child; ``None`` while there is none."""
        return self._client

    @property
    def address(self) -> str | None:
        """The address of the running child; ``None`` while there is none."""
        return None if self._client is None else self._client.address

    async def call(self, user: object, work: Callable[[Client], Awaitable[T]], *, alone: bool = False) -> T:
        """Run ``work`` with a client, in one of the server's slots, starting the child if there is none.

        Parameters
        ----------
        user
            Whoever asks; the child lives until all of them are released.
        work
            The calls.
        alone
            Whether nothing else may run on the server meanwhile.

        Raises
        ------
        LocalModelError
            The child cannot start, or ended while it worked.
        """
        self._users.add(user)
        job = asyncio.ensure_future(self._run(work, SLOTS if alone else 1))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            # The caller leaves at once; the job keeps its lanes until the server is done with its last request.
            job.cancel()
            raise

    async def _run(self, work: Callable[[Client], Awaitable[T]], lanes: int) -> T:
        async with self._lanes.use(lanes):
            client = await self._ready()
            process = self._process
            try:
                return await work(client)
            except ConnectionLost as error:
                raise await self._lost(process, error) from error

    async def release(self, user: object) -> None:
        """Forget a user; the last one ends the child."""
        self._users.discard(user)
        if not self._users:
            await self.aclose()

    async def aclose(self) -> None:
        """End the child. The next call starts another."""
        starting, self._starting = self._starting, None
        if starting is not None:
            starting.cancel()
            await asyncio.wait([starting])
        process, client, self._process, self._client = self._process, self._client, None, None
        if client is not None:
            await client.aclose()
        if process is not None:
            await call_in_thread(process.end)

    def kill(self) -> None:
        """End the child at once; for a process that is ending, or a loop that is gone."""
        if self._process is not None:
            self._process.end()

    def forget(self) -> None:
        """Leave the child to the process that this one was forked from."""
        if self._process is not None:
            self._process.forget()

    async def _ready(self) -> Client:
        if self._client is not None and self.pid is not None:
            return self._client
        if self._starting is None or self._starting.done():
            self._starting = asyncio.ensure_future(self._start())
        # One caller's cancellation must not end the start for which the others wait.
        return await asyncio.shield(self._starting)

    async def _start(self) -> Client:
        if self._process is not None and not self._process.alive:
            self._count(self._process)  # it ended while nobody waited for it
        self._refuse_crash_loop()
        if self._client is not None:
            await self._client.aclose()
            self._client = None
        await call_in_thread(_require, self._path)
        token = secrets.token_urlsafe(32)
        self._process = process = Process(self._settings(token), secret=token)
        _running.add(self)
        try:
            address = await process.address()
        except Ended as ended:
            raise self._crashed(process, "while it started") from ended
        except Refusal as refusal:
            raise await self._refused(refusal, process) from refusal
        except asyncio.CancelledError:
            process.end()
            raise
        self._client = Client(address, token, SLOTS)
        return self._client

    def _settings(self, token: str) -> dict[str, object]:
        return {
            "model": os.fspath(self._path),
            "port": self._port,
            "token": token,
            "slots": SLOTS,
            "context": CONTEXT,
            "threads": threads(),
        }

    def _refuse_crash_loop(self) -> None:
        if len(self._crashes) < _CRASHES:
            return
        wait = self._crashes[0] + _CRASH_WINDOW - self._clock()
        if wait > 0:
            raise LocalModelCrashed(
                f"The local model ended by itself {_CRASHES} times within a minute and is not started again for "
                f"{wait:.0f} s: look at the memory that is free, run consilience doctor, then ask again."
            )

    async def _lost(self, process: Process | None, error: ConnectionLost) -> LocalModelError:
        if process is not None and await process.ended(_REAP_SECONDS):
            return self._crashed(process, "while it answered")
        return LocalModelError(
            f"The connection to the local model broke ({error}), its process lives: ask again."
        )

    def _crashed(self, process: Process, when: str) -> LocalModelError:
        if process.ended_by_us:
            return LocalModelError(f"The local model was closed {when}: ask again.")
        self._count(process)
        return LocalModelCrashed(
            f"The local model ended {when} ({process.how_it_ended()}): the next question starts it anew; if this "
            "comes again, look at the memory that is free (it needs about 400 MB) and run consilience doctor."
        )

    def _count(self, process: Process) -> None:
        if not process.counted and not process.ended_by_us:
            process.counted = True
            self._crashes.append(self._clock())

    async def _refused(self, refusal: Refusal, process: Process) -> LocalModelError:
        if refusal.reason == "port":
            return LocalPortTaken(
                f"Port {self._port} must be free for the local model, it cannot be used ({refusal.detail}): end the "
                "program that has it, or leave port=0 and let the system choose."
            )
        if refusal.reason == "import":
            return LocalExtraMissing(
                f"The local model's engine xllamacpp cannot be imported ({refusal.detail}): run {INSTALL_EXTRA}."
            )
        if not await call_in_thread(_is_whole, self._path):
            return _damaged(self._path)
        return LocalModelError(
            f"llama.cpp cannot load the local model ({process.last_words() or refusal.detail}): look at the memory "
            "that is free (it needs about 400 MB) and run consilience doctor."
        )


def _require(path: Path) -> None:
    if not extra_installed():
        raise LocalExtraMissing(
            f"The local model needs the extra 'local', xllamacpp is not installed: run {INSTALL_EXTRA}."
        )
    if not path.exists():
        raise LocalModelMissing(
            f"The local model's file is required, {path} is not there: run {FETCH_MODEL}."
        )
    try:
        whole = is_verified(path)
    except OSError as error:
        raise LocalModelError(f"The local model's file {path} must be readable: {error.strerror}.") from error
    if not whole:
        raise _damaged(path)


def _is_whole(path: Path) -> bool:
    try:
        return is_verified(path, quick=False)
    except OSError:
        return False


def _damaged(path: Path) -> LocalModelError:
    return LocalModelError(
        f"The local model's file {path} is damaged, its SHA-256 is not the published one: run {FETCH_MODEL}, which "
        "fetches it anew."
    )


_servers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Path, int], LocalServer]] = (
    WeakKeyDictionary()
)
_running: WeakSet[LocalServer] = WeakSet()


def shared_server(path: Path, port: int) -> LocalServer:
    """Return the running loop's server for a model file and port."""
    for loop in [loop for loop in _servers if loop.is_closed()]:
        for server in _servers.pop(loop).values():
            server.kill()
    loop = asyncio.get_running_loop()
    servers = _servers.setdefault(loop, {})
    if (path, port) not in servers:
        servers[path, port] = server = LocalServer(path, port)
        if background.is_current():
            background.on_close(server.aclose)
    return servers[path, port]


@asynccontextmanager
async def using(path: Path, port: int = 0) -> AsyncIterator[LocalServer]:
    """Hold a server of one's own, and end it."""
    server = LocalServer(path, port)
    try:
        yield server
    finally:
        await server.aclose()


def _end_all() -> None:
    for server in list(_running):
        server.kill()


def _forget_all() -> None:
    for server in list(_running):
        server.forget()
    _running.clear()
    _servers.clear()


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
