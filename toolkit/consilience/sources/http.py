"""Tables and texts behind HTTP as a source."""

from __future__ import annotations

import io
import ipaddress
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from consilience.errors import InvalidInput, SourceError
from consilience.loop import background, call_in_thread
from consilience.policies import Policy
from consilience.sources.tables import Frames
from consilience.urls import CheckedUrl, checked_url

if TYPE_CHECKING:
    import httpx2
    import polars as pl

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5


class Http:
    """What a server gives for GET: JSON, JSON lines, CSV or text.

    Parameters
    ----------
    url
        Where paths begin; ``http`` or ``https``.
    headers
        Sent with each request to that host and to no other; never shown.
    allow_private
        Whether addresses of this machine and of private networks may be fetched from; see `urls.checked_url`. Each
        redirect is checked too, and the connection goes to the address that was checked.
    ttl
        Seconds for which an answer is kept, by its path and parameters; 300 spares a server a notebook's re-runs. 0
        keeps none.
    max_bytes
        Longest answer.
    policy
        A `policies.Policy`; by default one of the host's name with 8 requests at once, 2 retries and 30 s each. What
        only reads may be asked twice.

    Raises
    ------
    InvalidInput
        A setting is out of its range.

    Examples
    --------
    >>> Http("https://example.org/api", headers={"authorization": "Bearer secret"})
    Http('https://example.org/api')
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        allow_private: bool = False,
        ttl: float = 300.0,
        max_bytes: int = 64 * 2**20,
        policy: Policy | None = None,
    ) -> None:
        if not ttl >= 0 or max_bytes < 1:
            raise InvalidInput(f"ttl is 0 or more and max_bytes at least 1, {ttl} and {max_bytes} came.")
        self._url, self._headers, self._private, self._max = (
            url,
            dict(headers or {}),
            allow_private,
            max_bytes,
        )
        self._policy = policy or Policy(
            f"http:{urlsplit(url).netloc}", concurrency=8, retry=2, timeout=30, registered=False
        )
        self._frames = Frames(ttl, 4 * max_bytes)
        self._client: httpx2.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"Http({self._url!r})" if "@" not in self._url else "Http(...)"

    async def text(self, path: str = "", params: Mapping[str, str | int | float] | None = None) -> str:
        """Return the body of an answer as text.

        Raises
        ------
        UnsafeUrl
            The URL, or what it redirects to, may not be fetched.
        SourceError
            The server cannot be reached, answered with an error, or with more than ``max_bytes``.
        CallError
            The policy refused or ended the call.
        """
        body, _ = await self._get(path, params)
        return body.decode(errors="replace")

    async def frame(
        self, path: str = "", params: Mapping[str, str | int | float] | None = None
    ) -> pl.DataFrame:
        """Return an answer as a frame: a JSON array of objects, JSON lines or CSV, by its content type.

        Raises
        ------
        UnsafeUrl, SourceError, CallError
            As in `text`; `SourceError` also when the body is no such table.
        """
        body, kind = await self._get(path, params)
        return await call_in_thread(_table, body, kind, self._url)

    async def context(
        self,
        path: str = "",
        params: Mapping[str, str | int | float] | None = None,
        *,
        max_chars: int = 20_000,
    ) -> str:
        """Return the beginning of an answer, for a question's ``context``."""
        return (await self.text(path, params))[:max_chars]

    async def aclose(self) -> None:
        """Close the connections; the source may be used again."""
        client, self._client = self._client, None
        if client is not None:
            await background.wait(client.aclose())

    async def _get(self, path: str, params: Mapping[str, Any] | None) -> tuple[bytes, str]:
        url = urljoin(self._url.rstrip("/") + "/", path) if path else self._url
        key = (url, tuple(sorted((params or {}).items())))

        async def make() -> tuple[bytes, str]:
            answer: tuple[bytes, str] = await self._policy.call(self._fetch, url, params)
            return answer

        import httpx2

        try:
            fetched: tuple[bytes, str] = await background.wait(self._frames.get(key, make))
        except httpx2.HTTPStatusError as error:
            answer = error.response
            raise SourceError(f"{self!r} answered {answer.status_code} {answer.reason_phrase}.") from error
        except httpx2.RequestError as error:
            raise SourceError(f"{self!r} cannot be reached: {type(error).__name__} {error}") from error
        return fetched

    async def _fetch(self, url: str, params: Mapping[str, Any] | None) -> tuple[bytes, str]:
        import httpx2

        asked = str(httpx2.URL(url, params=params) if params else url)
        for _ in range(_MOST_REDIRECTS + 1):
            checked = await call_in_thread(self._checked, asked)
            assert isinstance(checked, CheckedUrl)
            answer, body = await self._request(checked)
            if answer.status_code not in _REDIRECTS:
                break
            asked = urljoin(asked, answer.headers.get("location", ""))
        else:
            raise SourceError(f"At most {_MOST_REDIRECTS} redirects are followed, {self!r} gave more.")
        answer.raise_for_status()
        return body, answer.headers.get("content-type", "")

    async def _request(self, checked: CheckedUrl) -> tuple[httpx2.Response, bytes]:
        """Ask the address that was checked, in the name of the host."""
        import httpx2

        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=None)  # the policy has the timeout
        own = checked.host == urlsplit(self._url).hostname
        address = checked.addresses[0]
        target = httpx2.URL(checked.url).copy_with(
            host=f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
        )
        request = self._client.build_request(
            "GET",
            target,
            headers={**(self._headers if own else {}), "host": urlsplit(checked.url).netloc},
            extensions={"sni_hostname": checked.host},
        )
        answer = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > self._max:
                    raise SourceError(
                        f"At most {self._max:,} bytes are taken, {self!r} gives more: raise max_bytes."
                    )
        finally:
            await answer.aclose()
        return answer, bytes(body)

    def _checked(self, url: str) -> CheckedUrl:
        return checked_url(url, allow_private=self._private)


def _table(body: bytes, kind: str, where: str) -> pl.DataFrame:
    import polars as pl

    kind = kind.partition(";")[0].strip().lower()
    try:
        if kind in ("application/json", "text/json") or kind.endswith("+json"):
            rows = json.loads(body)
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise SourceError(
                    f"A JSON array of objects is required, {where} gave another value: use text()."
                )
            return pl.DataFrame(rows, infer_schema_length=None)
        if kind in ("application/x-ndjson", "application/jsonl", "application/ndjson"):
            return pl.read_ndjson(io.BytesIO(body), infer_schema_length=None)
        if kind == "text/csv":
            return pl.read_csv(io.BytesIO(body), infer_schema_length=None)
    except (ValueError, RecursionError, pl.exceptions.PolarsError) as error:
        raise SourceError(f"A table of the type {kind} is required, {where} gave none: {error}") from error
    raise SourceError(
        f"JSON, JSON lines or CSV is required for a frame, {where} gave {kind or 'no content type'}: use text()."
    )
