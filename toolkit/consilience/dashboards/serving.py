"""Serving the dashboard: to this machine without more ado, to others only with a sign-in."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consilience.dashboards.dashboard import Dashboard
from consilience.dashboards.people import People, people_path
from consilience.dashboards.roles import Role
from consilience.errors import DashboardError, InvalidInput
from consilience.store import Store

__all__ = ["Serving", "make_server", "run"]

PROVIDERS = ("auth0", "azure", "bitbucket", "generic", "github", "gitlab", "google", "okta")
_SECRETS = ("PANEL_COOKIE_SECRET", "CONSILIENCE_COOKIE_SECRET")
_BODY = 64 * 1024
_MESSAGE = 2**20


@dataclass(frozen=True, slots=True)
class Serving:
    """How the dashboard is served.

    Parameters
    ----------
    port
        0 for any that is free.
    address
        Where it listens; this machine alone by default.
    origins
        Names, with ports, under which browsers may reach it beside its own address.
    prefix
        Path before all addresses, when a proxy passes it on.
    auth
        ``"none"``, ``"password"``, or a provider of OAuth.
    users
        The file of users.
    role
        Of those who sign in by OAuth and are not in the file; ``None`` for nothing.
    behind_proxy
        Whether the addresses in ``X-Real-Ip`` and ``X-Scheme`` are to be believed.
    behind_jupyter
        Whether Jupyter's proxy stands before it and signs people in: then any name is right under which a page and its
        websocket agree.
    title
        In the head of each page.
    """

    port: int = 5006
    address: str = "127.0.0.1"
    origins: tuple[str, ...] = ()
    prefix: str = ""
    auth: str = "none"
    users: Path = field(default_factory=people_path)
    role: Role | None = None
    behind_proxy: bool = False
    behind_jupyter: bool = False
    title: str = "Consilience"

    @property
    def alone(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.address)


def is_loopback(address: str) -> bool:
    """Return whether an address is this machine's own.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def run(server: Any) -> None:
    """Run a server that `make_server` made, until the process is told to stop."""
    loop = server.io_loop.asyncio_loop
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(server.io_loop.stop))
    server.start()
    try:
        server.io_loop.start()
    finally:
        server.stop()


def make_server(store: Store, how: Serving) -> Any:
    """Return the server, which `run` runs.

    Raises
    ------
    DashboardError
        It would be open to others without a sign-in, or what a sign-in needs is missing.
    """
    check(how)
    from panel.io.server import get_server

    from consilience.dashboards.guard import guarded
    from consilience.dashboards.health import Health, Liveness, Readiness

    secret = cookie_secret(how)
    people = People(how.users)
    dashboard = _dashboard(store, how, people)
    health = Health(dashboard)
    try:
        server = get_server(
            {"/": dashboard.view},
            port=how.port,
            address=how.address,
            title=how.title,
            start=False,
            show=False,
            prefix=how.prefix,
            cookie_secret=secret,
            cookie_path=f"/{how.prefix.strip('/')}",
            websocket_origin=sorted(_origins(how)),
            sign_sessions=True,
            secret_key=hmac.digest(secret.encode(), b"sessions", hashlib.sha256).hex().encode(),
            websocket_max_message_size=_MESSAGE,
            use_xheaders=how.behind_proxy,
            http_server_kwargs={"max_body_size": _BODY, "max_buffer_size": 2**20, "body_timeout": 10.0},
            xsrf_cookies=True,
            xsrf_cookie_kwargs={"httponly": True, "samesite": "Lax"},
            extra_patterns=[(r"/liveness", Liveness), (r"/readiness", Readiness, {"health": health})],
            **_signing_in(store, how, people),
        )
    except OSError as error:
        raise DashboardError(
            f"The dashboard needs a free port, {how.address}:{how.port} cannot be used ({error.strerror}): choose "
            "another one with --port, or 0 for any."
        ) from error
    hosts = _origins(how) | {f"{name}:{server.port}" for name in _names(how)}
    application = server._tornado  # noqa: SLF001 - Bokeh offers no other way, and the port is known only now
    application.websocket_origins.update({"*"} if how.behind_jupyter else hosts)
    guarded(application, None if how.behind_jupyter else frozenset(hosts))
    return server


def check(how: Serving) -> None:
    """Raise unless this way of serving is safe.

    Raises
    ------
    InvalidInput
        There is no such sign-in.
    DashboardError
        It would be open to others without a sign-in, or what a sign-in needs is missing.
    """
    if how.auth not in ("none", "password", *PROVIDERS):
        raise InvalidInput(
            f"--auth takes none, password or one of {', '.join(PROVIDERS)}; {how.auth!r} came."
        )
    if how.auth == "none" and not how.alone:
        raise DashboardError(
            f"Whoever reaches {how.address} could read everything: serve other machines with --auth password or an "
            "OAuth provider, or serve this one alone with --address 127.0.0.1."
        )
    if how.auth == "none" and how.behind_proxy:
        raise DashboardError(
            "Behind a proxy others can reach the dashboard: choose --auth password or an OAuth provider."
        )
    if how.behind_jupyter and not how.alone:
        raise DashboardError(
            f"Jupyter's proxy reaches this machine alone, {how.address} is open to others: leave --address out."
        )
    if "*" in how.origins:
        raise DashboardError(
            "Origins are named one by one, * came: give each as --allow-websocket-origin host:port."
        )
    if how.auth == "password" and not People(how.users).all():
        raise DashboardError(
            f"Somebody must be able to sign in, {how.users} names nobody: run consilience serve-user add NAME."
        )
    if how.auth in PROVIDERS and not (
        os.environ.get("PANEL_OAUTH_KEY") and os.environ.get("PANEL_OAUTH_SECRET")
    ):
        raise DashboardError(
            f"Signing in by {how.auth} needs PANEL_OAUTH_KEY and PANEL_OAUTH_SECRET in the environment, as the "
            "provider gave them; docs/dashboard.md tells what else it may want."
        )


def cookie_secret(how: Serving) -> str:
    """Return what signs cookies: from the environment, or made now where only this machine can reach it.

    Raises
    ------
    DashboardError
        It is missing or short.
    """
    for name in _SECRETS:
        found = os.environ.get(name)
        if found is None:
            continue
        if len(found) < 32:
            raise DashboardError(
                f"{name} has 32 characters or more, {len(found)} came: openssl rand -hex 32."
            )
        return found
    if how.alone and not how.behind_proxy:
        return secrets.token_hex(32)
    raise DashboardError(
        f"Cookies are signed with {_SECRETS[1]}, which is not in the environment: set it to the output of "
        "openssl rand -hex 32, the same for all processes."
    )


def _dashboard(store: Store, how: Serving, people: People) -> Dashboard:
    if how.auth == "none":
        return Dashboard(store, role=Role.OPERATOR, title=how.title)

    def role(name: str) -> Role | None:
        found = people.role(name)
        return how.role if found is None and how.auth in PROVIDERS and name else found

    return Dashboard(store, roles=role, role=None, title=how.title, leaves="logout")


def _signing_in(store: Store, how: Serving, people: People) -> dict[str, Any]:
    if how.auth == "none":
        return {}
    from panel import config

    from consilience.dashboards.signing_in import Desk, PasswordAuth, ProviderAuth

    desk = Desk(people, store, how.title)
    if how.auth == "password":
        return {"auth_provider": PasswordAuth(desk)}
    config.oauth_provider = how.auth
    return {
        "auth_provider": ProviderAuth(desk),
        "oauth_key": os.environ["PANEL_OAUTH_KEY"],
        "oauth_secret": os.environ["PANEL_OAUTH_SECRET"],
    }


def _origins(how: Serving) -> set[str]:
    own = {f"{name}:{how.port}" for name in _names(how)} if how.port else set()
    return own | {origin.lower() for origin in how.origins}


def _names(how: Serving) -> tuple[str, ...]:
    # An address such as 0.0.0.0 is nobody's name: others reach the machine under one that is given as an origin.
    return ("localhost", "127.0.0.1") if how.alone else (how.address,)
