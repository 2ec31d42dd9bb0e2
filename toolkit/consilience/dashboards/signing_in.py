"""Signing in and out: names with passwords, without a network, with a limit on failures."""

from __future__ import annotations

import asyncio
import math
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar
from urllib.parse import urlsplit

from panel.auth import BasicAuthProvider, OAuthProvider
from panel.config import config
from tornado.template import Template
from tornado.web import RequestHandler

from consilience.dashboards.address import read_address, written_address
from consilience.dashboards.attempts import Attempts
from consilience.dashboards.audit import record_if_possible
from consilience.dashboards.people import People
from consilience.dashboards.roles import Viewer
from consilience.errors import DashboardError
from consilience.store import Store

__all__ = ["Desk", "PasswordAuth", "written_page"]

COOKIES = ("user", "id_token", "access_token", "refresh_token", "oauth_expiry", "is_guest")


class Desk:
    """Where people sign in: who they are, how often they failed, and where that is written down."""

    def __init__(self, people: People, store: Store, title: str, *, attempts: Attempts | None = None) -> None:
        self.people, self.store, self.title = people, store, title
        self.attempts = attempts or Attempts()

    async def let_in(self, name: str, password: str, address: str) -> str:
        """Return an empty text for who may come in, or a sentence that says why not."""
        wait = self.attempts.wait(name, address)
        if wait:
            return f"There were too many tries. Wait {math.ceil(wait)} s and try again."
        # Counted first: what comes at once must not all be looked at.
        self.attempts.failed(name, address)
        try:
            person = await asyncio.to_thread(self.people.check, name, password)
        except DashboardError as error:
            await self.note(Viewer(name, None), "sign-in impossible", str(error), address)
            return "Nobody can sign in now; the log of the server says why."
        if person is None:
            await self.note(Viewer(name[:100], None), "sign-in failed", "", address)
            return "This name and password do not go together."
        self.attempts.passed(name, address)
        await self.note(Viewer(name, person.role), "signed in", "", address)
        return ""

    async def note(self, who: Viewer, action: str, detail: str, address: str) -> None:
        """Write a line of the audit."""
        await asyncio.to_thread(record_if_possible, self.store, who, action, detail, address)


class _AtTheDesk(RequestHandler):
    desk: ClassVar[Desk]

    def page(self, mode: str, **told: str) -> None:
        self.set_header("Cache-Control", "no-store")
        self.write(written_page(mode, title=self.desk.title, xsrf=self.xsrf_form_html(), **told))

    def signed_in_as(self) -> str:
        found = self.get_signed_cookie("user", max_age_days=config.oauth_expiry)
        return found.decode() if found else ""

    def address(self) -> str:
        return self.request.remote_ip or ""


class SignIn(_AtTheDesk):
    """The page with name and password."""

    def get(self) -> None:
        self.page("login", next=_query(self.get_argument("next", "")))

    async def post(self) -> None:
        name, password = (
            self.get_body_argument("username", ""),
            self.get_body_argument("password", "", strip=False),
        )
        following = _query(self.get_body_argument("next", ""))
        refused = await self.desk.let_in(name, password, self.address())
        if refused:
            self.set_status(429 if refused.startswith("There were") else 403)
            self.page("login", error=refused, name=name[:100], next=following)
            return
        for each in COOKIES:
            self.clear_cookie(each, path=config.cookie_path)
        # A cookie made now: what somebody may have set before means nothing.
        self.set_signed_cookie(
            "user",
            name,
            expires_days=config.oauth_expiry,
            path=config.cookie_path,
            httponly=True,
            samesite="Lax",
            secure=self.request.protocol == "https",
        )
        self.redirect("./" + following, status=303)


class SignOut(_AtTheDesk):
    """Signs out at once for a link of our own, and asks when another site led here."""

    async def get(self) -> None:
        if self.request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin":
            await self._leave()
        else:
            self.page(
                "leave", heading="Sign out?", error="You came here from another place.", action="./logout"
            )

    async def post(self) -> None:
        await self._leave()

    async def _leave(self) -> None:
        name = self.signed_in_as()
        for each in COOKIES:
            self.clear_cookie(each, path=config.cookie_path)
        if name:
            await self.desk.note(Viewer(name, None), "signed out", "", self.address())
        self.page("left", heading="You are signed out", error="", action="./login")


class PasswordAuth(BasicAuthProvider):  # type: ignore[misc]
    """Names with passwords, in the place of Panel's own."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk  # Before the base, which asks for the pages at once.
        super().__init__()

    @property
    def get_user(self) -> Any:
        """Return the function that says who asks, ``None`` for who must sign in: also who was removed meanwhile."""
        named = super().get_user

        def found(handler: Any) -> Any:
            name = named(handler)
            return name if name and self._desk.people.role(name) is not None else None

        return found

    @property
    def login_handler(self) -> type[RequestHandler]:
        """The page to sign in."""
        return type("SignInHere", (SignIn,), {"desk": self._desk})

    @property
    def logout_handler(self) -> type[RequestHandler]:
        """The page to sign out."""
        return _signing_out(self._desk)


class ProviderAuth(OAuthProvider):  # type: ignore[misc]
    """A provider of OAuth signs people in; they sign out here, by a page that needs no network."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        super().__init__()

    @property
    def logout_handler(self) -> type[RequestHandler]:
        """The page to sign out."""
        return _signing_out(self._desk)


def _signing_out(desk: Desk) -> type[RequestHandler]:
    return type("SignOutHere", (SignOut,), {"desk": desk})


def written_page(mode: str, *, title: str, xsrf: str = "", **told: str) -> bytes:
    """Return a page outside the dashboard itself; all texts are escaped."""
    blank = {"error": "", "name": "", "next": "", "action": "./login", "heading": ""}
    return _template().generate(mode=mode, title=title, xsrf=xsrf, **{**blank, **told})


@cache
def _template() -> Template:
    text = files("consilience.dashboards").joinpath("templates/login.html").read_text(encoding="utf-8")
    return Template(text, autoescape="xhtml_escape", name="login.html")


def _query(following: str) -> str:
    """Return only the part after the question mark: nobody is sent anywhere else after signing in.

    Examples
    --------
    >>> (
    ...     _query("/prefix/?page=questions&q=5"),
    ...     _query("//evil.example/"),
    ...     _query("https://evil.example/?page=a"),
    ... )
    ('?page=questions&q=5', '?', '?page=a')
    """
    try:
        return written_address(read_address(urlsplit(following).query))
    except ValueError:
        return "?"
