"""Keys: where they come from, and how they stay out of everything that is shown or kept."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Sequence
from pathlib import Path

from consilience.errors import KeyMissing, SecretsExposed
from consilience.paths import config_dir

_HIDDEN = "[key]"
_SHORTEST = 6
# What providers' keys look like, also half hidden: some echo a rejected one as sk-proj-****abcd.
_LOOKS_LIKE_A_KEY = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|tgp|key)[-_][\w*.\-]{6,}|\bAIza[\w\-*]{8,}|\bBearer\s+\S+|\S*\*{3,}\S*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\s'\"{}\[\](),:;=]+")


class Key:
    """A key that shows itself to nobody but a client.

    Examples
    --------
    >>> key = Key("sk-planted-0123456789", "OPENAI_API_KEY")
    >>> key, f"{key}"
    (Key(from OPENAI_API_KEY), 'Key(from OPENAI_API_KEY)')
    >>> key.scrub("Incorrect API key provided: sk-plant*********6789. See 'planted-01'.")
    "Incorrect API key provided: [key] See '[key]'."
    """

    __slots__ = ("_secret", "origin")

    def __init__(self, secret: str, origin: str) -> None:
        self._secret = secret
        self.origin = origin

    def __repr__(self) -> str:
        return f"Key(from {self.origin})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("A key is not pickled: the other process reads it from its own environment.")

    def reveal(self) -> str:
        """Return the key, for the constructor of a client."""
        return self._secret

    def scrub(self, text: str) -> str:
        """Return a text without the key, parts of it, and whatever else looks like one."""
        if self._secret:
            text = text.replace(self._secret, _HIDDEN)
        return _WORD.sub(self._word, _LOOKS_LIKE_A_KEY.sub(_HIDDEN, text))

    def _word(self, found: re.Match[str]) -> str:
        word, secret = found[0], self._secret
        parts = (secret[start : start + _SHORTEST] for start in range(len(secret) - _SHORTEST + 1))
        return _HIDDEN if any(part in word for part in parts) else word


NO_KEY = Key("", "nowhere: the server wants none")


def find(names: Sequence[str], service: str) -> Key:
    """Return a service's key.

    Parameters
    ----------
    names
        Environment variables, looked at in turn, and then entries of the secrets file; with none, the service wants
        no key.
    service
        Stands in messages.

    Raises
    ------
    KeyMissing
        It is nowhere.
    SecretsExposed
        The secrets file can be read by others, or is not TOML.
    """
    if not names:
        return NO_KEY
    for name in names:
        if os.environ.get(name, "").strip():
            return Key(os.environ[name].strip(), name)
    path = secrets_path()
    kept = _read(path) if path.exists() else {}
    for name in names:
        if isinstance(kept.get(name), str) and str(kept[name]).strip():
            return Key(str(kept[name]).strip(), f"{name} in {path.name}")
    raise KeyMissing(
        f"{service} wants a key, and {' or '.join(names)} is not set: set it in the environment, or write "
        f'{names[0]} = "..." into {path}.'
    )


def secrets_path() -> Path:
    """Return the file for keys; ``CONSILIENCE_SECRETS`` names another one."""
    named = os.environ.get("CONSILIENCE_SECRETS")
    return Path(named).expanduser() if named else config_dir() / "secrets.toml"


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if os.name == "posix" and mode & 0o077:
                raise SecretsExposed(
                    f"The secrets file must be its owner's alone, {path} has the mode {mode:o} and was not read: run "
                    f"chmod 600 {path}."
                )
            return tomllib.load(stream)
    except tomllib.TOMLDecodeError:
        # its message may quote the line, and the line holds a key
        raise SecretsExposed(
            f'The secrets file holds lines such as OPENAI_API_KEY = "...", {path} cannot be read as TOML: correct it.'
        ) from None
    except OSError as error:
        raise SecretsExposed(
            f"The secrets file must be readable, {path} is not: {error.strerror}."
        ) from error
