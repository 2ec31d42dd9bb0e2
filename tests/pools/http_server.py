"""An HTTP server on a thread of its own that answers, dawdles, breaks off and closes as it is told by the path."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import threading
from contextlib import suppress


class FaultyServer:
    """``/ok``, ``/429``, ``/slow/<seconds>``, ``/cut``, ``/half``, ``/reset``, ``/gone``, ... on a free port."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.ready = threading.Event()
        self.open = {}
        self.accepted = 0
        self.received = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.thread.start()
        self.ready.wait()

    def stop(self):
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def close_idle(self):
        """Close every connection, as a server does with those that were idle for too long."""

        async def close():
            for writer in self.open.values():
                writer.close()
            for writer in list(self.open.values()):
                with suppress(ConnectionError):
                    await writer.wait_closed()

        asyncio.run_coroutine_threadsafe(close(), self.loop).result()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()

    async def _end(self):
        self.server.close()
        tasks = list(self.open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader, writer):
        task = asyncio.current_task()
        self.open[task] = writer
        self.accepted += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            del self.open[task]
            writer.close()

    async def _answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        if path == "/unread":
            await asyncio.sleep(3600)
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:])
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.received.append((method, path, headers, body))
        name, _, argument = path.rpartition("invalid")[2].partition("?")[0].strip("/").partition("/")
        return await getattr(self, f"_{name}")(writer, argument, body)

    async def _ok(self, writer, argument, body):
        return await self._plain(writer, "200 OK", body or b"fine")

    async def _429(self, writer, argument, body):
        return await self._plain(writer, "429 Too Many Requests", b"slower", "retry-after: 0\r\n")

    async def _500(self, writer, argument, body):
        return await self._plain(writer, "500 Internal Server Error", b"broken")

    async def _redirect(self, writer, argument, body):
        return await self._plain(writer, "302 Found", b"there", "location: /ok\r\nset-cookie: seen=1\r\n")

    async def _gzip(self, writer, argument, body):
        return await self._plain(writer, "200 OK", gzip.compress(b"unpacked"), "content-encoding: gzip\r\n")

    async def _slow(self, writer, seconds, body):
        await asyncio.sleep(float(seconds))
        return await self._ok(writer, seconds, body)

    async def _silent(self, writer, argument, body):
        await asyncio.sleep(3600)

    async def _gone(self, writer, argument, body):
        return False

    async def _reset(self, writer, argument, body):
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()
        return False

    async def _garbage(self, writer, argument, body):
        writer.write(b"this is no HTTP\r\n\r\n")
        await writer.drain()
        return False

    async def _cut(self, writer, argument, body):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly the beginning")
        await writer.drain()
        return False

    async def _stream(self, writer, pieces, body):
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(int(pieces)):
            text = f"piece {number};".encode()
            writer.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.001)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _half(self, writer, argument, body):
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await writer.drain()
        await asyncio.sleep(3600)

    async def _plain(self, writer, status, body, headers=""):
        writer.write(f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        return True
