"""The command line of the dashboard: ``consilience serve``, and ``serve-user`` for who may sign in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from consilience.cli_run import sentences as _sentences
from consilience.errors import DashboardError

if TYPE_CHECKING:
    from consilience.dashboards.people import People

users = typer.Typer(help="Say who may sign in to the dashboard, and as what.", no_args_is_help=True)

_Users = Annotated[
    Path | None, typer.Option("--users", help="File of users; by default in your settings folder.")
]
_Role = Annotated[str, typer.Option(help="reader, reviewer or operator.")]
_Name = Annotated[str, typer.Argument(help="Name to sign in with.", show_default=False)]


def serve(  # noqa: PLR0913, PLR0917 - one for each option
    store: Annotated[
        str, typer.Argument(help="File of the store, or its postgresql:// URL.")
    ] = "history.duckdb",
    port: Annotated[int, typer.Option(help="Port; 0 for any that is free.")] = 5006,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    allow_websocket_origin: Annotated[
        list[str] | None, typer.Option(help="host:port by which browsers reach it; may be given again.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Path that a proxy leaves before the addresses.")] = "",
    auth: Annotated[
        str, typer.Option(help="none (this machine only), password, or a provider of OAuth.")
    ] = "none",
    users_file: _Users = None,
    role: Annotated[
        str,
        typer.Option(help="Role of who signs in by OAuth and is not in the file of users; none by default."),
    ] = "",
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Believe X-Real-Ip and X-Scheme.")
    ] = False,
    behind_jupyter: Annotated[
        bool, typer.Option("--behind-jupyter", help="Jupyter's proxy stands before it, and signs people in.")
    ] = False,
    title: Annotated[str, typer.Option(help="Name in the head of each page.")] = "Consilience",
) -> None:
    """Serve the dashboard over a store that others go on writing to."""
    with _sentences(), _needing_panel():
        from consilience.dashboards.people import people_path
        from consilience.dashboards.roles import role_named
        from consilience.dashboards.serving import Serving, make_server, run
        from consilience.store import Store

        how = Serving(
            port=port,
            address=address,
            origins=tuple(allow_websocket_origin or ()),
            prefix=prefix,
            auth=auth,
            users=users_file or people_path(),
            role=role_named(role) if role else None,
            behind_proxy=behind_proxy,
            behind_jupyter=behind_jupyter,
            title=title,
        )
        with Store(store) as held:
            held.check()
            server = make_server(held, how)
            where = f"http://{'localhost' if how.alone else address}:{server.port}{server.prefix}/"
            told = f"The dashboard over {held.address} is at {where} (Ctrl-C ends it)"
            Console().print(told, highlight=False, markup=False, soft_wrap=True)
            run(server)


@users.command()
def add(
    name: _Name,
    role: _Role = "reader",
    users_file: _Users = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Who signs in by OAuth: only the role is kept.")
    ] = False,
) -> None:
    """Add somebody, or change their role and password. The password is asked for, or read from standard input."""
    with _sentences():
        from consilience.dashboards.roles import role_named

        people, wanted = _people(users_file), role_named(role)
        password = None if no_password else _password()
        people.put(name, wanted, password)
    Console().print(
        f"{name} may sign in as {role}; {people.path}", markup=False, highlight=False, soft_wrap=True
    )


@users.command()
def remove(name: _Name, users_file: _Users = None) -> None:
    """Remove somebody; their next click is refused."""
    with _sentences():
        _people(users_file).remove(name)


@users.command("list")
def list_(users_file: _Users = None) -> None:
    """Show who may sign in, and as what."""
    with _sentences():
        for person in _people(users_file).all():
            Console().print(f"{person.role.word:10}{person.name}", markup=False, highlight=False)


def _people(path: Path | None) -> People:
    from consilience.dashboards.people import People, people_path

    return People(path or people_path())


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


@contextmanager
def _needing_panel() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise DashboardError(
            f"The dashboard needs the extra dashboard, {error.name} is missing: pip install 'consilience[dashboard]'."
        ) from error
