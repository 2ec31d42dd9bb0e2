"""A TCP proxy in front of a real server, whose line goes bad when it is told to."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from dataclasses import dataclass

from consilience.errors import InvalidInput
from consilience.testing.listener import Listener, reset

__all__ = ["Line", "TcpProxy"]

_PIECE = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How the line between client and server is.

    Parameters
    ----------
    latency
        Seconds that each piece is late, in each direction; a round trip takes two.
    bandwidth
        Bytes a second in each direction and for each connection; by default nothing limits it.
    stalled
        Whether nothing passes while connections stay open and new ones are accepted, as with a cable that is out.

    Raises
    ------
    InvalidInput
        A value is out of its range.
    """

    latency: float = 0.0
    bandwidth: float = math.inf
    stalled: bool = False

    def __post_init__(self) -> None:
        if not (self.latency >= 0 and math.isfinite(self.latency)):
            raise InvalidInput(f"latency is a number of seconds, 0 or more, {self.latency} came.")
        if not self.bandwidth > 0:
            raise InvalidInput(
                f"bandwidth is bytes a second above 0, {self.bandwidth} came: for no passing at all say stalled=True."
            )


class TcpProxy(Listener):
    r"""Passes connections on to a server, on a port of its own; whatever the server speaks.

    It runs on a thread with its own loop from `start` to `close`, or during a ``with`` or ``async with``. What is set
    or called while it runs holds from the next piece of data on.

    Parameters
    ----------
    to_host, to_port
        The server. It need not be there yet: a connection that cannot be passed on is reset.

    Examples
    --------
    >>> import socket
    >>> from consilience.testing import FaultServer, TcpProxy
    >>> def ask(port):
    ...     with socket.create_connection(("127.0.0.1", port)) as connection:
    ...         connection.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    ...         return connection.recv(15)
    >>> with FaultServer() as server, TcpProxy(server.host, server.port) as proxy:
    ...     print(ask(proxy.port))
    ...     proxy.refuse()
    ...     try:
    ...         ask(proxy.port)
    ...     except ConnectionRefusedError:
    ...         print("refused")
    ...     proxy.pass_again()
    ...     print(ask(proxy.port))
    b'HTTP/1.1 200 OK'
    refused
    b'HTTP/1.1 200 OK'
    """

    def __init__(self, to_host: str, to_port: int) -> None:
        super().__init__()
        self.to_host, self.to_port = to_host, to_port
        self._line = Line()
        self._changed = asyncio.Event()

    def __repr__(self) -> str:
        to = f"{self.to_host}:{self.to_port}"
        where = f"{self.host}:{self._port}" if self._port else "not started"
        return f"<TcpProxy {where} to {to}: {self.connections.open} connections, {self._line!r}>"

    @property
    def line(self) -> Line:
        """How the line is; set it to change that for all connections."""
        return self._line

    @line.setter
    def line(self, line: Line) -> None:
        self._do(self._change(line))

    def stall(self) -> None:
        """Let nothing pass, and leave all connections open."""
        self.line = Line(latency=self._line.latency, bandwidth=self._line.bandwidth, stalled=True)

    def cut(self) -> None:
        """Close all connections now, in good order (FIN); new ones are accepted."""
        self._do(self._drop())

    def reset(self) -> None:
        """Break all connections now (RST); new ones are accepted."""
        self._do(self._drop(hard=True))

    def refuse(self) -> None:
        """Refuse new connections from now on; those that exist go on."""
        self._do(self._refuse())

    def pass_again(self) -> None:
        """Accept connections and pass everything on, without delay."""
        self._do(self._listen())
        self.line = Line()

    async def _change(self, line: Line) -> None:
        self._line = line
        self._changed.set()
        self._changed = asyncio.Event()

    async def _drop(self, *, hard: bool = False) -> None:
        tasks = dict(self._open)
        for task, writer in tasks.items():
            if hard:
                reset(writer)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, out = await asyncio.open_connection(self.to_host, self.to_port)
        except (
            OSError
        ):  # the server is not there: the client sees what it would see without a proxy, a moment later
            reset(writer)
            return
        passing = [
            asyncio.ensure_future(self._pass(reader, out)),
            asyncio.ensure_future(self._pass(there, writer)),
        ]
        try:
            await asyncio.gather(*passing)
        finally:
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
            out.transport.abort()
            with suppress(ConnectionError):
                await out.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what comes in one direction until its end, which is passed on too."""
        try:
            while piece := await reader.read(_PIECE):
                await self._delay(len(piece))
                writer.write(piece)
                await writer.drain()
            await self._delay(0)
            with suppress(OSError):  # the other side is gone already
                writer.write_eof()
        except ConnectionResetError:
            reset(writer)  # as the one side saw it, so does the other
            raise

    async def _delay(self, n_bytes: int) -> None:
        line = self._line
        seconds = line.latency + n_bytes / line.bandwidth
        if seconds:
            await asyncio.sleep(seconds)
        while self._line.stalled:
            await self._changed.wait()
