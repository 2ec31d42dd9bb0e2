"""Where a server is, what may be shown of it, and where the spool before it lies on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consilience.errors import StoreError
from consilience.paths import spools_dir

# What the driver would wait for without end: a server that does not answer, a connection that a router forgot.
_PATIENCE: Mapping[str, str | int] = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "consilience",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A server, a database and a role.

    Parameters
    ----------
    url
        As it came.
    conninfo
        For the driver, with the password.
    shown
        Without the password, for people.
    secret
        The password, to be taken out of messages; empty when it came another way.
    spool
        The folder for segments on this machine.
    """

    url: str = field(repr=False)
    conninfo: str = field(repr=False)
    shown: str
    secret: str = field(repr=False)
    spool: Path

    def hide(self, text: str) -> str:
        """Return a message without the password."""
        return text.replace(self.secret, "***") if self.secret else text


def address_of(url: str) -> Address:
    """Return the address that a URL names; what it leaves out comes from the environment, as in libpq.

    Raises
    ------
    StoreError
        The extra is not installed, or the URL cannot be read.
    """
    parts = _parts(url)
    where = {name: str(parts.get(name) or "") for name in ("host", "port", "dbname", "user")}
    where["host"] = where["host"] or str(parts.get("hostaddr") or "")
    where["dbname"] = where["dbname"] or where["user"]
    # Not the password: it changes, and nothing of it may stand in the name of a file.
    named = hashlib.sha256("\n".join(where.values()).encode()).hexdigest()[:16]
    from psycopg.conninfo import make_conninfo

    given = {name: value for name, value in _PATIENCE.items() if not parts.get(name)}
    return Address(
        url,
        make_conninfo(url, client_encoding="UTF8", **given),
        _shown(**where),
        str(parts.get("password") or ""),
        spools_dir() / f"postgresql-{named}",
    )


def _shown(host: str, port: str, dbname: str, user: str) -> str:
    if host.startswith("/") or not host:
        return f"postgresql://{user}@/{dbname}" + (f"?host={host}" if host else "")
    return f"postgresql://{user}@{host}:{port}/{dbname}"


def _parts(url: str) -> dict[str, Any]:
    try:
        import psycopg
        import psycopg_pool  # noqa: F401 - said here what is missing, and not at the first question
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise StoreError(
            "A store on a server needs the extra postgres: pip install 'consilience[postgres]'."
        ) from error
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        given = None  # its text can hold the password
    if given is None:
        raise StoreError(
            "A store takes postgresql://user@host/database, and the URL that came cannot be read; it is not repeated "
            "because it can hold a password."
        )
    known = {option.keyword.decode(): option.val for option in psycopg.pq.Conninfo.get_defaults()}
    defaults = {name: value.decode() for name, value in known.items() if value is not None}
    # Only what says where it is: the driver itself finds a password in the environment or in a file.
    return {name: defaults.get(name) for name in ("host", "hostaddr", "port", "dbname", "user")} | given
