"""A transport for the asynchronous clients of httpx2 and httpx: both packages have the same interface."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from consilience.loop import background
from consilience.pools.http_exchange import Answer, Ask, HttpFailure, Timeouts
from consilience.pools.pool import lent

if TYPE_CHECKING:
    from consilience.pools.http_exchange import Exchange

__all__ = ["transport_class"]


class Source(Protocol):
    """What a transport needs of a pool."""

    def exchange(self) -> Exchange:
        """Return the connections of the background loop, on that loop; refuse when the pool is closed."""


class _Transport:
    """Sends the requests of one client through a pool, from whatever loop the client runs on."""

    package: ModuleType
    stream_class: type[_Stream]

    def __init__(self, pool: Source) -> None:
        self._pool = pool

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request; what can be asked for later is the stream of the response."""
        ask = await self._ask(request)
        try:
            answer = await lent(functools.partial(self._send, ask), Answer.drop)
        except HttpFailure as failure:
            raise _raised(self.package, failure) from failure.__cause__
        return self.package.Response(
            answer.status,
            headers=answer.headers,
            stream=self.stream_class(answer),
            extensions={
                "http_version": answer.version.encode("ascii"),
                "reason_phrase": answer.reason.encode("latin-1", "replace"),
            },
        )

    async def aclose(self) -> None:
        """Leave the connections to the pool, which other clients use too."""

    async def _send(self, ask: Ask) -> Answer:
        return await self._pool.exchange().send(ask)

    async def _ask(self, request: Any) -> Ask:
        try:
            body = request.content
        except self.package.RequestNotRead:
            body = await request.aread()  # here, on the loop to which its source belongs
        seconds = request.extensions.get("timeout", {})
        return Ask(
            request.method,
            str(request.url),
            [(_text(key), _text(value)) for key, value in request.headers.raw if key.lower() != _CHUNKED],
            body,
            Timeouts(seconds.get("connect"), seconds.get("read"), seconds.get("write"), seconds.get("pool")),
        )


# The body is sent as it was read, with its length.
_CHUNKED = b"transfer-encoding"


class _Stream:
    """The body of a response."""

    package: ModuleType

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        answer = self._answer
        if answer.ready:
            yield answer.ready
        if answer.complete:
            return
        try:
            while piece := await background.wait(answer.read()):
                yield piece
        except HttpFailure as failure:
            raise _raised(self.package, failure) from failure.__cause__

    async def aclose(self) -> None:
        """Give the connection back. Nothing is awaited, so that no cancellation can prevent it."""
        self._leave()

    def __del__(self) -> None:
        self._leave()

    def _leave(self) -> None:
        answer = self._answer
        if answer.left or answer.loop.is_closed():
            return
        if background.is_current():
            answer.leave()
        else:
            answer.loop.call_soon_threadsafe(answer.leave)


@functools.cache
def transport_class(package: ModuleType) -> type[_Transport]:
    """Return the transport for httpx2 or httpx; both look whether a transport is one of their own class."""
    stream = type("PoolStream", (_Stream, package.AsyncByteStream), {"package": package})
    return type(
        "PoolTransport",
        (_Transport, package.AsyncBaseTransport),
        {"package": package, "stream_class": stream},
    )


def _raised(package: ModuleType, failure: HttpFailure) -> Exception:
    error: Exception = getattr(package, failure.kind)(failure.message)
    return error


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
