"""One HTTP request and its response over aiohttp, within the limits of a pool; on the background loop only."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.request import getproxies, proxy_bypass

from consilience.pools.figures import Meter
from consilience.pools.gate import Gate, Late
from consilience.pools.patience import Patience

if TYPE_CHECKING:
    import aiohttp
    import yarl

__all__ = ["Answer", "Ask", "Exchange", "HttpFailure", "Limits", "Timeouts"]

# A body of this size goes into the buffers at once; a longer one is sent in pieces, each with its own time.
_PIECE = 65_536
_LONGEST_HEADER = 65_536


# Where the connection of a request with a long body is noted.
_taken: contextvars.ContextVar[list[asyncio.Transport] | None] = contextvars.ContextVar("taken", default=None)


class HttpFailure(Exception):
    """A request failed; the first argument names the class of error that httpx2 and httpx have for it."""

    @property
    def kind(self) -> str:
        """Name of the class."""
        return str(self.args[0])

    @property
    def message(self) -> str:
        """What happened, without the URL."""
        return str(self.args[1])


class Timeouts(NamedTuple):
    """Seconds, ``None`` for no limit."""

    connect: float | None
    read: float | None
    write: float | None
    pool: float | None


class Ask(NamedTuple):
    """A request, ready to be sent."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes
    timeouts: Timeouts


@dataclass(frozen=True, slots=True)
class Limits:
    """What a pool allows, see `HttpPool`."""

    total: int
    per_host: int
    keep_alive: float


class Exchange:
    """Connections of one loop, with who may use them.

    Parameters
    ----------
    limits
        How many requests at once, and how long idle connections are kept.
    meter
        Where is counted.
    tls
        Makes the context for https, asked for once.
    proxy
        URL of a proxy; ``None`` takes what the environment says.
    replaced
        Called when a connection was found dead.
    """

    def __init__(
        self,
        limits: Limits,
        meter: Meter,
        tls: Callable[[], ssl.SSLContext],
        proxy: str | None,
        replaced: Callable[[BaseException], None],
    ) -> None:
        import aiohttp

        self._gate = Gate(limits.total, limits.per_host, meter)
        self._meter, self._replaced = meter, replaced
        self._tls = functools.cache(tls)
        self._proxy, self._proxies = proxy, getproxies()
        connector = _connector_class()(
            limit=0,  # the gate is the limit: it knows who waits, for how long, and what a timeout of the pool is
            keepalive_timeout=limits.keep_alive,
            socket_factory=functools.partial(_Counted.of, meter),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def send(self, ask: Ask) -> Answer:
        """Send a request and return its response as soon as its headers are there.

        Raises
        ------
        HttpFailure
            No connection, no answer, or not in time.
        """
        url = _parsed(ask.url)
        host = (url.scheme, url.host, url.port)
        try:
            await self._gate.enter(host, ask.timeouts.pool)
        except Late:
            self._meter.errors += 1
            raise HttpFailure(
                "PoolTimeout",
                f"No connection became free within {ask.timeouts.pool:g} s: {self._meter.in_use} are in use.",
            ) from None
        try:
            with self._mapping(url.host or ""):
                response = await self._respond(ask, url)
        except BaseException:  # a cancellation too gives the place back
            self._gate.leave(host)
            raise
        return Answer(response, functools.partial(self._gate.leave, host), self._mapping)

    async def _respond(self, ask: Ask, url: yarl.URL) -> aiohttp.ClientResponse:
        if len(ask.body) <= _PIECE:
            return await self._request(ask, url, ask.body or None)
        transports: list[asyncio.Transport] = []
        _taken.set(transports)
        try:
            # Its time runs while the body is sent, and begins anew with every piece.
            async with asyncio.timeout(None) as writing:
                return await self._request(ask, url, _pieces(ask.body, writing, ask.timeouts.write))
        except BaseException:  # whoever cancels in the middle of a body leaves a half-sent request
            for transport in transports:
                transport.abort()  # closing would wait until the other side has read the rest
            raise
        finally:
            _taken.set(None)
        raise AssertionError  # the block above returns or raises

    async def _request(
        self, ask: Ask, url: yarl.URL, data: bytes | AsyncIterator[bytes] | None
    ) -> aiohttp.ClientResponse:
        return await self._session.request(
            ask.method,
            url,
            data=data,
            headers=ask.headers,
            allow_redirects=False,
            timeout=_timeout(ask.timeouts.connect, ask.timeouts.read),
            ssl=self._tls() if url.scheme == "https" else True,
            proxy=self._proxy_for(url),
        )

    def _proxy_for(self, url: yarl.URL) -> str | None:
        if self._proxy is not None or not self._proxies:
            return self._proxy
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        return None if proxy is None or proxy_bypass(url.host or "") else proxy

    @contextlib.contextmanager
    def _mapping(self, host: str) -> Iterator[None]:
        import aiohttp

        try:
            yield
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self._meter.errors += 1
            kind, message = _kind(error, host)
            if kind in {"ReadError", "RemoteProtocolError"}:
                self._replaced(error)
            raise HttpFailure(kind, message) from error


class Answer:
    """The response of one request. Its connection is free when it was read to its end, or dropped.

    Attributes
    ----------
    status, reason, version, headers
        As they came.
    ready
        What of the body was there together with the headers.
    complete
        Whether that is all of it.
    """

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        leave: Callable[[], None],
        mapping: Callable[[str], contextlib.AbstractContextManager[None]],
    ) -> None:
        self.status, self.reason = response.status, response.reason or ""
        self.version = "HTTP/1.0" if response.version and response.version.minor == 0 else "HTTP/1.1"
        self.headers = list(response.raw_headers)
        self.loop = asyncio.get_running_loop()
        self._response, self._leave = response, leave
        self._mapping = mapping
        content = response.content
        failed = content.exception() is not None
        self.ready = b"" if failed else content.read_nowait()
        self.complete = not failed and content.at_eof()
        self.left = False
        if self.complete:
            self.leave()

    async def read(self) -> bytes:
        """Return what came next, empty at the end."""
        try:
            with self._mapping(self._response.url.host or ""):
                piece = await self._response.content.readany()
        except BaseException:  # a cancellation too gives the connection back
            self.leave()
            raise
        if not piece:
            self.leave()
        return piece

    def leave(self) -> None:
        """Give the connection back, or close it when something of the response is still to come."""
        if self.left:
            return
        self.left = True
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()
        self._leave()

    async def drop(self) -> None:
        """Leave, as something that can be awaited."""
        self.leave()


@functools.cache
def _connector_class() -> type[aiohttp.TCPConnector]:
    import aiohttp

    unlimited = aiohttp.ClientTimeout(total=None)

    class Connector(aiohttp.TCPConnector):
        """Connects within a timeout that a loop which stood still does not use up."""

        async def connect(
            self,
            req: aiohttp.ClientRequest,
            traces: list[Any],
            timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the base class names it
        ) -> Any:
            async with Patience(timeout.connect):
                connection = await super().connect(req, traces, unlimited)
            taken = _taken.get()
            if taken is not None and connection.transport is not None:
                taken.append(connection.transport)
            return connection

    return Connector


class _Counted(socket.socket):
    """A socket that counts when it is made and when it is closed."""

    meter: Meter | None = None

    @classmethod
    def of(cls, meter: Meter, address: tuple[object, ...]) -> socket.socket:
        family, kind, protocol = address[:3]
        made = cls(family, kind, protocol)  # type: ignore[arg-type]
        made.meter = meter
        meter.made += 1
        return made

    def close(self) -> None:
        meter, self.meter = self.meter, None
        if meter is not None:
            meter.closed += 1
        super().close()


@functools.lru_cache(maxsize=256)
def _parsed(url: str) -> yarl.URL:
    import yarl

    return yarl.URL(url, encoded=True)


@functools.lru_cache(maxsize=256)
def _timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    import aiohttp

    return aiohttp.ClientTimeout(total=None, connect=connect, sock_read=read)


async def _pieces(body: bytes, writing: asyncio.Timeout, seconds: float | None) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    for start in range(0, len(body), _PIECE):
        writing.reschedule(None if seconds is None else loop.time() + seconds)
        yield body[start : start + _PIECE]
    writing.reschedule(None)


def _kind(error: Exception, host: str) -> tuple[str, str]:
    """Return the name of httpx's class for an error of aiohttp, and what to say; the URL can hold secrets."""
    import aiohttp

    kinds: list[tuple[type[Exception] | tuple[type[Exception], ...], str, str]] = [
        (aiohttp.ConnectionTimeoutError, "ConnectTimeout", "no connection to {host} within the timeout"),
        (aiohttp.ServerTimeoutError, "ReadTimeout", "{host} sent nothing within the timeout"),
        (
            (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError),
            "ProxyError",
            "the proxy: {error}",
        ),
        (aiohttp.ClientConnectorError, "ConnectError", "no connection to {host}: {error}"),
        (aiohttp.ServerDisconnectedError, "RemoteProtocolError", "{host} closed without sending a response"),
        (aiohttp.ClientPayloadError, "RemoteProtocolError", "{host} closed before the response was complete"),
        (aiohttp.NonHttpUrlClientError, "UnsupportedProtocol", "an http or https URL is required"),
        ((aiohttp.InvalidURL, ValueError), "LocalProtocolError", "the request cannot be sent: {error}"),
        (aiohttp.ClientResponseError, "RemoteProtocolError", "{host} sent no HTTP: {error}"),
        (TimeoutError, "WriteTimeout", "{host} took nothing of the request within the timeout"),
    ]
    for classes, kind, text in kinds:
        if isinstance(error, classes):
            return kind, text.format(host=host, error=_cause(error))
    return "ReadError", f"the connection to {host} was lost: {_cause(error)}"


def _cause(error: Exception) -> str:
    text = str(getattr(error, "strerror", None) or getattr(error, "message", None) or "")
    return text or type(error).__name__
