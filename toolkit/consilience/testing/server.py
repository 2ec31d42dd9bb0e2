"""A real HTTP server whose answers go wrong as planned."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus

from consilience.testing.answers import Answer, answer_to, error_answer
from consilience.testing.faults import (
    Cut,
    Drip,
    Fault,
    HalfAnswer,
    Latency,
    Malformed,
    Reset,
    Stall,
    Status,
    Throttle,
)
from consilience.testing.listener import Listener, reset
from consilience.testing.plans import Plan, Plans, plan
from consilience.testing.requests import BadRequest, Request, read_request

__all__ = ["FaultServer"]

_KEPT = 100_000
_UNSENT = 100  # what a Content-Length can be too long by


class FaultServer(Listener):
    """An HTTP/1.1 server on 127.0.0.1 that answers well, or with the faults of a plan.

    It runs on a thread with its own loop from `start` to `close`, or during a ``with`` or ``async with``, and listens
    on a port of its own. A POST to ``/v1/chat/completions`` is answered in the form of OpenAI's, as a stream if it
    asks for one; everything else in plain JSON.

    Parameters
    ----------
    plan
        What goes wrong: one fault for every request; a list of faults in order, ``None`` among them for a good
        answer, after whose end all is well; `Sometimes`, `ByPath`, `InOrder`, or a function of the request. May be
        changed while it runs.
    say
        The text of chat completions, or a function of the request that makes it.

    Attributes
    ----------
    plan
        As given, and to be set anew.

    Examples
    --------
    >>> import urllib.error, urllib.request
    >>> from consilience.testing import FaultServer, Status
    >>> with FaultServer([Status(503)]) as server:
    ...     try:
    ...         urllib.request.urlopen(f"{server.url}/items")
    ...     except urllib.error.HTTPError as error:
    ...         print(error.code)
    ...         error.close()
    ...     with urllib.request.urlopen(f"{server.url}/items") as answer:
    ...         print(answer.status)
    503
    200
    >>> [request.fault for request in server.requests]
    [Status(code=503), None]
    """

    def __init__(
        self, plan: Plans = None, *, say: str | Callable[[Request], str] = "It depends on the index."
    ) -> None:
        super().__init__()
        self.plan = plan
        self._say = say if callable(say) else lambda _: say
        self._requests: deque[Request] = deque(maxlen=_KEPT)
        self._n_requests = 0
        self._came = threading.Condition()

    def __repr__(self) -> str:
        where = self.url if self._port else "not started"
        return f"<FaultServer {where}: {self.n_requests} requests, {self.connections.open} connections>"

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end; a client of OpenAI's wants ``/v1`` added."""
        return f"http://{self.host}:{self.port}"

    @property
    def plan(self) -> Plan:
        """Which request gets which fault; set it to change that from the next request on."""
        return self._plan

    @plan.setter
    def plan(self, given: Plans) -> None:
        self._plan = plan(given)

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests that came, the last 100,000 of them, each with its fault."""
        with self._came:
            return tuple(self._requests)

    @property
    def n_requests(self) -> int:
        """How many requests came."""
        return self._n_requests

    def wait(self, n_requests: int, *, within: float = 30.0) -> None:
        """Block until so many requests have come since the start.

        Raises
        ------
        TimeoutError
            They did not come within so many seconds.
        """
        with self._came:
            if not self._came.wait_for(lambda: self._n_requests >= n_requests, within):
                raise TimeoutError(
                    f"{n_requests} requests were to come within {within:g} s, {self._n_requests} did."
                )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                request = await read_request(reader)
            except BadRequest:
                await _send(writer, error_answer(400), close=True)
                with suppress(OSError):  # the other side has left
                    writer.write_eof()
                await _read_on(reader)  # closing over unread data would reset the connection
                return
            if request is None:
                return
            request = self._note(replace(request, number=self._n_requests))
            goes_on = await _answer(reader, writer, request, self._say)
            if not goes_on or not request.keeps_alive:
                return

    def _note(self, request: Request) -> Request:
        request = replace(request, fault=self._plan(request))
        with self._came:
            self._requests.append(request)
            self._n_requests += 1
            self._came.notify_all()
        return request


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    request: Request,
    say: Callable[[Request], str],
) -> bool:
    """Answer as the fault has it; False when the connection is over."""
    fault = request.fault
    if isinstance(fault, Stall):
        await _read_on(reader)
        return False
    if isinstance(fault, Reset) and fault.after is None:
        reset(writer)
        return False
    if isinstance(fault, Latency):
        await asyncio.sleep(fault.seconds)
    answer = _with_fault(answer_to(request, say), fault)
    if isinstance(fault, (Cut, Reset)):
        await _send_share(writer, answer, fault.after or 0.0)
        if isinstance(fault, Reset):
            reset(writer)
        return False
    if isinstance(fault, HalfAnswer) and fault.form != "finish":
        await _send_unended(writer, answer, fault.form)
        return False
    pause = fault if isinstance(fault, Drip) else None
    await _send(writer, answer, drip=pause, close=not request.keeps_alive)
    return True


async def _read_on(reader: asyncio.StreamReader) -> None:
    """Read until the client leaves."""
    while await reader.read(65536):
        pass


def _with_fault(answer: Answer, fault: Fault | None) -> Answer:
    """Return the answer with what the fault does to its content."""
    if isinstance(fault, Status):
        return error_answer(fault.code)
    if isinstance(fault, Throttle):
        return error_answer(429, *([("Retry-After", fault.said)] if fault.said is not None else []))
    middle = len(answer.parts) // 2
    if isinstance(fault, HalfAnswer) and fault.form == "finish" and answer.streamed:
        return replace(answer, parts=answer.parts[:middle])
    if isinstance(fault, Malformed):
        whole = answer.parts[middle]
        broken = whole.rstrip()[: len(whole) // 2] + whole[len(whole.rstrip()) :]
        return replace(answer, parts=(*answer.parts[:middle], broken, *answer.parts[middle + 1 :]))
    return answer


def _head(answer: Answer, *lines: str) -> bytes:
    phrase = HTTPStatus(answer.status).phrase if answer.status in _KNOWN else "Error"
    first = f"HTTP/1.1 {answer.status} {phrase}"
    further = [f"{name}: {value}" for name, value in answer.headers]
    return "\r\n".join([first, f"Content-Type: {answer.kind}", *lines, *further, "", ""]).encode("latin-1")


_KNOWN = frozenset(status.value for status in HTTPStatus)


def _length(answer: Answer, more: int = 0) -> str:
    return f"Content-Length: {len(answer.body) + more}"


def _chunk(part: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(part), part)


async def _send(
    writer: asyncio.StreamWriter, answer: Answer, *, drip: Drip | None = None, close: bool = False
) -> None:
    lines = ["Transfer-Encoding: chunked" if answer.streamed else _length(answer)]
    writer.write(_head(answer, *lines, *(["Connection: close"] if close else [])))
    for part in answer.parts:
        for piece in _pieces(part, drip):
            if drip is not None:
                await asyncio.sleep(drip.seconds)
            writer.write(_chunk(piece) if answer.streamed else piece)
            await writer.drain()
    if answer.streamed:
        writer.write(b"0\r\n\r\n")
    await writer.drain()


def _pieces(part: bytes, drip: Drip | None) -> list[bytes]:
    size = len(part) if drip is None else drip.size
    return [part[start : start + size] for start in range(0, len(part), size)]


async def _send_share(writer: asyncio.StreamWriter, answer: Answer, share: float) -> None:
    if answer.streamed:
        head = _head(answer, "Transfer-Encoding: chunked")
        body = b"".join(_chunk(part) for part in answer.parts)
    else:
        head, body = _head(answer, _length(answer)), answer.body
    writer.write(head + body[: int(len(body) * share)])
    await writer.drain()


async def _send_unended(writer: asyncio.StreamWriter, answer: Answer, form: str) -> None:
    if form == "length":
        writer.write(_head(answer, _length(answer, _UNSENT)) + answer.body)
    else:
        writer.write(_head(answer, "Transfer-Encoding: chunked"))
        writer.write(b"".join(_chunk(part) for part in answer.parts))
    await writer.drain()
