"""HTTP connections, lent to the clients that the providers' SDKs take."""

from __future__ import annotations

import functools
import importlib
import ssl
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.events import EVENTS, Events
from consilience.pools.http_exchange import Ask, Exchange, HttpFailure, Limits, Timeouts
from consilience.pools.http_transport import transport_class
from consilience.pools.pool import Pool, Shut, required

if TYPE_CHECKING:
    import httpx
    import httpx2

__all__ = ["HttpPool"]


class HttpPool(Pool[Exchange]):
    """HTTP connections under one set of limits, for clients of httpx2 and of httpx.

    The connections live on the background loop. A client may be kept and used from any loop, one after another or
    several at once; from another loop than the background one every request costs two changes of thread. Underneath
    is aiohttp, see ``docs/decisions/0007-http-transport.md``; HTTP/1.1, with redirects, decompression, cookies and
    authentication done by the client as always. The body of a request is read before it is sent, the one of a
    response is streamed.

    Parameters
    ----------
    name
        Names the pool in figures and events.
    limit
        Requests at once in all; more of them wait in the order in which they came. 500 is what one process can make
        use of.
    per_host
        Requests at once to one host and port; 500 by default, so that one host may have all of them.
    keep_alive
        Seconds for which an idle connection is kept. 15 is below the 20 and more after which most servers and
        balancers close theirs, so that hardly any request meets a connection that is just being closed.
    connect, read, write, wait
        Timeouts in seconds, ``None`` for none: until a connection stands, between two pieces of a response, until
        a piece of the request is taken, and until a connection is free. An SDK that sets its own overrides them. 600
        for reading is what the providers' SDKs take, since a model that does not stream is silent until it is done.
    probe
        URL that `health` asks for; any answer below 500 is one.
    verify
        Whether certificates are checked, or the context that checks them.
    proxy
        URL of a proxy; by default what ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` say.
    clock, events
        Where time comes from, and where `ConnectionReplaced` and `HealthChanged` go.

    Raises
    ------
    InvalidInput
        A number is out of its range.

    Examples
    --------
    >>> pool = HttpPool("openai", limit=64)
    >>> client = pool.httpx2(base_url="https://example.org")
    >>> pool
    <HttpPool 'openai': 0 of 64 in use, 0 waiting>
    >>> pool.close()
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own, named by the caller
        self,
        name: str,
        *,
        limit: int = 500,
        per_host: int = 500,
        keep_alive: float = 15.0,
        connect: float | None = 5.0,
        read: float | None = 600.0,
        write: float | None = 60.0,
        wait: float | None = 600.0,
        probe: str | None = None,
        verify: bool | ssl.SSLContext = True,
        proxy: str | None = None,
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
    ) -> None:
        super().__init__(name, clock, events)
        numbers = {"limit": limit, "per_host": per_host, "keep_alive": keep_alive}
        for what, value in (
            numbers | {"connect": connect, "read": read, "write": write, "wait": wait}
        ).items():
            required(what, value)
        self.limit = limit
        self._limits = Limits(limit, per_host, keep_alive)
        self._timeouts = Timeouts(connect, read, write, wait)
        self._url, self._verify, self._proxy = probe, verify, proxy

    def __repr__(self) -> str:
        stats = self.stats()
        state = (
            "closed"
            if self.closed
            else f"{stats.in_use} of {self._limits.total} in use, {stats.waiting} waiting"
        )
        return f"<HttpPool {self.name!r}: {state}>"

    def httpx2(self, **options: Any) -> httpx2.AsyncClient:
        """Return a client of httpx2 on these connections.

        Closing the client leaves the connections to the pool.

        Parameters
        ----------
        **options
            What ``httpx2.AsyncClient`` takes: base_url, headers, auth, timeout, follow_redirects, event_hooks.
        """
        client: httpx2.AsyncClient = self._client("httpx2", options)
        return client

    def httpx(self, **options: Any) -> httpx.AsyncClient:
        """Return a client of httpx on these connections, as `httpx2` does.

        Raises
        ------
        InvalidInput
            httpx is not installed.
        """
        client: httpx.AsyncClient = self._client("httpx", options)
        return client

    def exchange(self) -> Exchange:
        """Return the connections; on the background loop only."""
        return self._open()

    def _client(self, package: str, options: dict[str, Any]) -> Any:
        self._refuse_closed()
        try:
            module = importlib.import_module(package)
        except ImportError as error:
            raise InvalidInput(
                f"A client of {package} needs the package {package}: pip install {package}."
            ) from error
        own = sorted(options.keys() & _OWN)
        if own:
            raise InvalidInput(
                f"{', '.join(own)}: the pool itself does this, give it to HttpPool (limit, per_host, verify, proxy)."
            )
        seconds = self._timeouts
        timeout = module.Timeout(
            connect=seconds.connect, read=seconds.read, write=seconds.write, pool=seconds.pool
        )
        return module.AsyncClient(
            transport=transport_class(module)(self), **{"timeout": timeout, "trust_env": False} | options
        )

    def _make(self) -> tuple[Exchange, Shut[Exchange]]:
        tls = functools.partial(_tls, self._verify)
        exchange = Exchange(self._limits, self._meter, tls, self._proxy, self._notices.replaced)
        return exchange, Exchange.close

    async def _probe(self) -> str:
        exchange = self._open()
        if self._url is None:
            stats = self.stats()
            return f"No probe was given to ask: {stats.errors} of {stats.requests} requests met an error."
        try:
            answer = await exchange.send(Ask("GET", self._url, [], b"", self._timeouts))
        except HttpFailure as failure:
            raise ConnectionError(failure.message) from failure
        answer.leave()
        if answer.status >= 500:
            raise ConnectionError(f"it answered {answer.status}")
        return f"{self.name} answered {answer.status}."


def _tls(verify: bool | ssl.SSLContext) -> ssl.SSLContext:
    if isinstance(verify, ssl.SSLContext):
        return verify
    import httpx2

    return httpx2.create_ssl_context(verify=verify)


_OWN = {"transport", "mounts", "limits", "verify", "cert", "proxy", "http1", "http2"}
