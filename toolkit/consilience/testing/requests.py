"""Requests as the server reads them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from consilience.testing.faults import Fault

__all__ = ["BadRequest", "Request", "read_request"]

_LONGEST_BODY = 16 * 2**20


class BadRequest(ValueError):  # it stays within the server, which answers 400
    """What came is not HTTP/1.1, or too long."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request that reached the server.

    Parameters
    ----------
    number
        0 for the first.
    method, path, query
        The path without the query, and what follows the question mark.
    headers
        With names in small letters.
    body
        As it came.
    at
        Monotonic seconds.
    fault
        What its answer suffers from; ``None`` when nothing does, and while the plan is asked.
    """

    number: int
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    at: float = field(default=0.0, repr=False)
    fault: Fault | None = None

    def json(self) -> Any:
        """Return the body read as JSON."""
        return json.loads(self.body)

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to use the connection again."""
        return self.headers.get("connection", "").lower() != "close"


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read one request, not numbered yet; ``None`` when the client is done.

    Raises
    ------
    BadRequest
        It cannot be read.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest("the head is longer than 64 KiB") from error
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    try:
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    except ValueError as error:
        raise BadRequest("the head is not that of HTTP/1.1") from error
    path, _, query = target.partition("?")
    try:
        body = await _body(reader, headers)
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest("a chunk's length is longer than 64 KiB") from error
    return Request(0, method, path, query, headers, body, time.monotonic())


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(_bounded(_size(headers.get("content-length", "0"), 10)))
    body = b""
    while size := await _chunk_size(reader):
        body += await reader.readexactly(_bounded(len(body) + size) - len(body))
        await reader.readexactly(2)
    while (await reader.readuntil(b"\r\n")) != b"\r\n":  # trailers say nothing here
        pass
    return body


async def _chunk_size(reader: asyncio.StreamReader) -> int:
    line = await reader.readuntil(b"\r\n")
    return _size(line.partition(b";")[0].strip().decode("latin-1"), 16)


def _size(text: str, base: int) -> int:
    try:
        size = int(text, base)
    except ValueError as error:
        raise BadRequest(f"{text!r} is no length") from error
    if size < 0:
        raise BadRequest(f"{text!r} is no length")
    return size


def _bounded(size: int) -> int:
    if size > _LONGEST_BODY:
        raise BadRequest(f"the body is longer than {_LONGEST_BODY} bytes")
    return size
