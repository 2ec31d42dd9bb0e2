"""What every request passes: what no page asks for is refused, and answers carry what browsers should enforce."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlsplit

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import Application, OutputTransform, RequestHandler

__all__ = ["guarded"]

_SCRIPT = re.compile(rb"<script(?=[\s>])")
# Panel imports the module that stands in such an address, before anybody has signed in.
_COMPONENTS = re.compile(r"/components/(?P<module>[\w.]+)/")
_OURS = ("panel.", "panel_material_ui.", "consilience.dashboards.")
_CLIMBING = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)|%2e%2e|%00|\x00", re.IGNORECASE)


class _Refused(RequestHandler):
    """Says no, and why, to what no page of the dashboard asks for."""

    def prepare(self) -> Awaitable[None] | None:
        self.set_status(int(self.path_kwargs["status"]))
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self.path_kwargs["reason"])
        return None

    def check_xsrf_cookie(self) -> None:
        """Nothing is done here that would need it."""


class _Odd(Matcher):
    """Matches requests that are refused before any handler sees them."""

    def __init__(self, hosts: frozenset[str] | None) -> None:
        self._hosts = hosts

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        status, reason = self._judged(request)
        return {"path_kwargs": {"status": str(status), "reason": reason}} if status else None

    def _judged(self, request: HTTPServerRequest) -> tuple[int, str]:
        path, arguments = request.path, request.arguments
        if _CLIMBING.search(path):
            return 400, "This address climbs out of the dashboard."
        # An id that somebody else chose would let them into the session (session fixation).
        if (
            "bokeh-session-id" in arguments
            or "bokeh-token" in arguments
            or "Bokeh-Session-Id" in request.headers
        ):
            return 400, "The dashboard gives out the ids of sessions itself."
        component = _COMPONENTS.search(path)
        if "/components/" in path and not (component and f"{component['module']}.".startswith(_OURS)):
            return 404, "There is no such file."
        host = (request.headers.get("Host") or "").lower()
        if self._hosts is None:
            origin = urlsplit(request.headers.get("Origin", "")).netloc.lower()
            if path.endswith("/ws") and origin != host:
                return 403, "The websocket is for the dashboard's own pages."
        elif host not in self._hosts and not path.endswith(("/liveness", "/readiness")):
            return 403, "This dashboard is not served under this name: see --allow-websocket-origin."
        return 0, ""


class _Headers(OutputTransform):
    """Tells browsers to load nothing from elsewhere, and to run no script that is not the page's own."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._nonce = secrets.token_urlsafe(16)

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers, and mark the scripts of a page."""
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if headers.get("Content-Type", "").startswith("text/html") and finishing:
            headers["Content-Security-Policy"] = _POLICY.format(nonce=self._nonce)
            chunk = _SCRIPT.sub(b'<script nonce="' + self._nonce.encode() + b'"', chunk)
            if "Content-Length" in headers:
                headers["Content-Length"] = str(len(chunk))
        if "server" in headers:
            del headers["Server"]
        return status_code, headers, chunk


# Bokeh builds functions from text, hence unsafe-eval; markup in a page runs none of its scripts all the same.
_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)


def guarded(application: Application, hosts: frozenset[str] | None) -> None:
    """Put the guard before an application.

    Parameters
    ----------
    application
        Of Tornado.
    hosts
        Names with ports under which it may be asked for; ``None`` for any, as long as a page and its websocket agree.
    """
    application.add_handlers(".*", [Rule(_Odd(hosts), _Refused)])
    application.add_transform(_Headers)
