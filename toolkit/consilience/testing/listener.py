"""A listening socket on a thread with its own loop, so that a script, a test and a notebook use it alike."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from consilience.errors import InvalidInput
from consilience.loop import BackgroundLoop

__all__ = ["ConnectionCounts", "Listener", "reset"]

HOST = "127.0.0.1"
_LINGER_NOT = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class ConnectionCounts:
    """Connections since the start: all of them, those that are open now, and the most that were at once."""

    total: int
    open: int
    most: int


class Listener(ABC):
    """Accepts connections on 127.0.0.1 between `start` and `close`, or during a ``with`` or ``async with``."""

    def __init__(self) -> None:
        self._loop = BackgroundLoop()
        self._lock = threading.Lock()
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._total = self._most = 0
        self._error: BaseException | None = None
        self._port = 0

    @property
    def host(self) -> str:
        """Where it listens: 127.0.0.1."""
        return HOST

    @property
    def port(self) -> int:
        """The port, which the system chose at the start; it stays the same after `close`.

        Raises
        ------
        InvalidInput
            It was not started yet.
        """
        if not self._port:
            raise InvalidInput(
                f"A {type(self).__name__} has a port once it runs: use it in a with block, or start()."
            )
        return self._port

    @property
    def connections(self) -> ConnectionCounts:
        """How many clients are connected, and were."""
        with self._lock:
            return ConnectionCounts(self._total, len(self._open), self._most)

    def start(self) -> None:
        """Listen, on the port of the last time if there was one; a second call changes nothing."""
        self._loop.wait_sync(self._listen())

    def close(self) -> None:
        """Listen no more, end every connection and the thread; a second call changes nothing.

        Raises
        ------
        Exception
            What a function of the caller's, such as a plan, raised first while it served.
        """
        self._loop.wait_sync(self._end())
        self._loop.close()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await self._loop.wait(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    @abstractmethod
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; it is closed afterwards."""

    def _do(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run on the loop that serves, and wait."""
        self._loop.wait_sync(coroutine)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, HOST, self._port, backlog=1024)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _end(self) -> None:
        await self._refuse()
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._attend(reader, writer))
        with self._lock:
            self._open[task] = writer
            self._total += 1
            self._most = max(self._most, len(self._open))
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        with self._lock:
            del self._open[task]
        if not task.cancelled() and self._error is None:
            self._error = task.exception()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # a client that leaves in the middle is part of the play
            with suppress(ConnectionError):
                await self._serve(reader, writer)
                writer.close()
                await writer.wait_closed()
        finally:
            await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close now, whether or not the client has read what is left."""
    if writer.transport.get_write_buffer_size():
        writer.transport.abort()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST, as a crashed process or a firewall does."""
    sock = writer.get_extra_info("socket")
    if sock is not None and not writer.transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    writer.transport.abort()
