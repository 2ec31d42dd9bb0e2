"""Who may sign in: a file of names, roles and hashed passwords that its owner alone can read.

Passwords are kept as scrypt (RFC 7914) of the password and 16 random bytes, with the cost beside it, so that a later
version can raise the cost and still read what is there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from consilience.dashboards.roles import Role, role_named
from consilience.errors import DashboardError, InvalidInput

__all__ = ["People", "Person", "people_path"]

_N, _R, _P = 2**15, 8, 1  # 32 MB and some 80 ms a try
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_SHORTEST, _LONGEST = 10, 1_000
# Signed in as by Panel, where nobody is asked for a name.
_RESERVED = frozenset({"guest"})


def people_path() -> Path:
    """Return the file of users: ``CONSILIENCE_USERS``, or ``dashboard-users.json`` in the user's settings folder."""
    from consilience.paths import config_dir

    named = os.environ.get("CONSILIENCE_USERS")
    return Path(named).expanduser() if named else config_dir() / "dashboard-users.json"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in.

    Parameters
    ----------
    name
        As they type it.
    role
        What they may do.
    hashed
        Their password, hashed; empty for those who sign in elsewhere (OAuth).
    """

    name: str
    role: Role
    hashed: str

    def __repr__(self) -> str:
        return f"<Person {self.name!r}, {self.role.word}>"


class People:
    """The file of users, read again when it has changed.

    Parameters
    ----------
    path
        The file; it need not exist yet.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     people = People(Path(folder) / "users.json")
    ...     people.put("ana", Role.REVIEWER, "correct horse battery")
    ...     people.check("ana", "correct horse battery"), people.check("ana", "wrong")
    (<Person 'ana', reviewer>, None)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._people: dict[str, Person] = {}

    def all(self) -> tuple[Person, ...]:
        """Return everybody, by name.

        Raises
        ------
        DashboardError
            The file can be read by others, or cannot be read.
        """
        self._refresh()
        return tuple(self._people[name] for name in sorted(self._people))

    def role(self, name: str) -> Role | None:
        """Return the role that somebody has now; ``None`` for who is not, or no longer, in the file."""
        self._refresh()
        person = self._people.get(name)
        return None if person is None else person.role

    def check(self, name: str, password: str) -> Person | None:
        """Return who this is, or ``None``; it takes as long for a name that is unknown."""
        self._refresh()
        person = self._people.get(name)
        hashed = person.hashed if person is not None and person.hashed else _NOBODY
        right = _matches(hashed, password[:_LONGEST])
        return person if right and person is not None and person.hashed else None

    def put(self, name: str, role: Role, password: str | None) -> None:
        """Add somebody, or change their role and password; ``None`` for who signs in elsewhere.

        Raises
        ------
        InvalidInput
            The name cannot be one, or the password is shorter than ten characters.
        DashboardError
            The file cannot be read or written.
        """
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise InvalidInput(
                f"A name is letters, digits and . _ @ + -, of which a letter or digit is first; {name!r} came."
            )
        if password is not None and not _SHORTEST <= len(password) <= _LONGEST:
            raise InvalidInput(f"A password has {_SHORTEST} to {_LONGEST} characters, {len(password)} came.")
        self._refresh()
        self._write({**self._people, name: Person(name, role, "" if password is None else _hashed(password))})

    def remove(self, name: str) -> None:
        """Remove somebody; their next click is refused.

        Raises
        ------
        InvalidInput
            There is nobody of this name.
        """
        self._refresh()
        if name not in self._people:
            raise InvalidInput(f"Nobody in {self.path} has the name {name!r}.")
        self._write({each: person for each, person in self._people.items() if each != name})

    def _refresh(self) -> None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._seen, self._people = None, {}
            return
        seen = (found.st_mtime_ns, found.st_ino)
        if seen == self._seen:
            return
        if os.name == "posix" and found.st_mode & 0o077:
            raise DashboardError(
                f"The file of users must be its owner's alone, {self.path} has the mode {found.st_mode & 0o777:o} and "
                f"was not read: run chmod 600 {self.path}."
            )
        self._people = _read(self.path)
        self._seen = seen

    def _write(self, people: dict[str, Person]) -> None:
        told = {
            person.name: {"role": person.role.word, "password": person.hashed} for person in people.values()
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # mkstemp makes files of mode 600.
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".users-")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(told, stream, indent=1, sort_keys=True)
            os.replace(name, self.path)
        except OSError as error:
            raise DashboardError(
                f"The file of users must be writable, {self.path} is not: {error.strerror}."
            ) from error
        self._refresh()


def _read(path: Path) -> dict[str, Person]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: Person(name, role_named(each["role"]), str(each["password"])) for name, each in told.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DashboardError(
            f"The file of users must be one that consilience serve-user wrote, {path} is not ({type(error).__name__}): "
            "mend it, or move it away and add the users again."
        ) from None


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(16)
    return f"scrypt${_N}${_R}${_P}${_text(salt)}${_text(_scrypt(password, salt, _N, _R, _P))}"


def _matches(hashed: str, password: str) -> bool:
    try:
        kind, n, r, p, salt, key = hashed.split("$")
        found = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
        return kind == "scrypt" and hmac.compare_digest(found, base64.b64decode(key))
    except ValueError:
        return False


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    given = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(given, salt=salt, n=n, r=r, p=p, maxmem=256 * r * n, dklen=32)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


# What a password is held against when nobody has the name.
_NOBODY = f"scrypt${_N}${_R}${_P}${_text(bytes(16))}${_text(bytes(32))}"
