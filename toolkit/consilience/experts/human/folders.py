"""Folders in which questions lie as files: a local one, or any that fsspec opens.

Three operations carry the promise that nothing is lost: a new file appears whole or not at all and never replaces
one that is there; a file is taken by moving it to a name that nobody else has; nothing is deleted.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path
from typing import Any, Protocol

from consilience.errors import InboxError, InvalidInput

OPEN = ""


class Folder(Protocol):
    """What an inbox needs of the place where it lies; every call may block, and is made in a thread."""

    def where(self, name: str) -> str:
        """Return the address of a file, for people."""

    def names(self, part: str = OPEN) -> list[str]:
        """Return the names of the files in the folder itself or in one of its parts."""

    def read(self, name: str, part: str = OPEN) -> bytes | None:
        """Return what a file holds, ``None`` when there is none."""

    def create(self, name: str, content: bytes, part: str = OPEN) -> bool:
        """Make a file whole, or return False when one of that name is there, which stays as it is."""

    def replace(self, name: str, content: bytes) -> None:
        """Make a file whole in place of an older one; only for files that nobody else writes."""

    def take(self, name: str, part: str) -> str | None:
        """Move a file into a part under a name of its own; of several takers one gets it, the others ``None``."""


class LocalFolder:
    """A folder of this machine, or a shared drive that is mounted on it.

    Parameters
    ----------
    path
        The folder; it is made with the first file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path).expanduser()

    def __repr__(self) -> str:
        return f"LocalFolder({os.fspath(self._path)!r})"

    def where(self, name: str) -> str:
        """Return the path of a file."""
        return os.fspath(self._path / name)

    def names(self, part: str = OPEN) -> list[str]:
        """Return the names of the Markdown files, sorted."""
        with _speaking("list", self._path):
            if not (self._path / part).is_dir():
                return []
            return sorted(path.name for path in (self._path / part).glob("*.md") if path.is_file())

    def read(self, name: str, part: str = OPEN) -> bytes | None:
        """Return the bytes of a file."""
        with _speaking("read", self._path):
            try:
                return (self._path / part / name).read_bytes()
            except FileNotFoundError:
                return None

    def create(self, name: str, content: bytes, part: str = OPEN) -> bool:
        """Write under a temporary name, then link it, which fails where a file of that name is."""
        with _speaking("write to", self._path), self._written(content) as temporary:
            (self._path / part).mkdir(exist_ok=True)
            try:
                os.link(temporary, self._path / part / name)
            except FileExistsError:
                return False
            except OSError:
                # a file system without hard links: made only if it is not there, though not in one step
                return self._create_plainly(self._path / part / name, content)
            return True

    def replace(self, name: str, content: bytes) -> None:
        """Write under a temporary name, then rename."""
        with _speaking("write to", self._path), self._written(content) as temporary:
            os.replace(temporary, self._path / name)

    def take(self, name: str, part: str) -> str | None:
        """Rename, which succeeds for one taker only."""
        taken = _own_name(name)
        with _speaking("move files in", self._path):
            (self._path / part).mkdir(parents=True, exist_ok=True)
            try:
                os.rename(self._path / name, self._path / part / taken)  # noqa: PTH104 - as os.replace: the atomic step
            except FileNotFoundError:
                return None
        return taken

    @contextlib.contextmanager
    def _written(self, content: bytes) -> Any:
        self._path.mkdir(parents=True, exist_ok=True)
        temporary = self._path / f".{uuid.uuid4().hex}.tmp"
        try:
            with temporary.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def _create_plainly(self, path: Path, content: bytes) -> bool:
        try:
            with path.open("xb") as stream:
                stream.write(content)
        except FileExistsError:
            return False
        return True


class RemoteFolder:
    """A folder in any store that fsspec opens: ``s3://``, ``gdrive://``, ``sftp://``, ``memory://``.

    Moving is a copy and a delete in most of them: two processes may both take one answer, which then gives the same
    response twice and counts once.

    Parameters
    ----------
    url
        The folder. Credentials come from the driver's own settings.

    Raises
    ------
    InboxError
        fsspec, or the driver of that scheme, is not installed.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        try:
            import fsspec
        except ImportError as error:
            raise InboxError(
                f"An inbox at {_scheme(url)}:// needs fsspec: pip install 'consilience[inbox]'."
            ) from error
        try:
            self._system, self._root = fsspec.core.url_to_fs(self._url)
        except (ImportError, ValueError) as error:
            raise InboxError(f"No driver of fsspec opens {_scheme(url)}://: {error}") from error

    def __repr__(self) -> str:
        return f"RemoteFolder({_scheme(self._url)}://\u2026)"

    def where(self, name: str) -> str:
        """Return the address of a file."""
        return f"{self._url}/{name}"

    def names(self, part: str = OPEN) -> list[str]:
        """Return the names of the Markdown files, sorted."""
        with _speaking("list", self):
            try:
                # other machines write here too: what was listed before says nothing
                self._system.invalidate_cache()
                found = self._system.ls(self._at(part), detail=False)
            except FileNotFoundError:
                return []
        return sorted(name for name in (path.rpartition("/")[2] for path in found) if name.endswith(".md"))

    def read(self, name: str, part: str = OPEN) -> bytes | None:
        """Return the bytes of a file."""
        with _speaking("read", self):
            try:
                return bytes(self._system.cat_file(self._at(part, name)))
            except FileNotFoundError:
                return None

    def create(self, name: str, content: bytes, part: str = OPEN) -> bool:
        """Write the file unless one of that name is there."""
        with _speaking("write to", self):
            self._system.invalidate_cache()
            if self._system.exists(self._at(part, name)):
                return False
            self._system.makedirs(self._at(part), exist_ok=True)
            self._write(self._at(part, name), content)
            return True

    def replace(self, name: str, content: bytes) -> None:
        """Write the file; stores of objects show it whole or not at all."""
        with _speaking("write to", self):
            self._write(self._at(name), content)

    def take(self, name: str, part: str) -> str | None:
        """Move the file."""
        taken = _own_name(name)
        with _speaking("move files in", self):
            try:
                self._system.makedirs(self._at(part), exist_ok=True)
                self._system.mv(self._at(name), self._at(part, taken))
            except FileNotFoundError:
                return None
        return taken

    def _write(self, path: str, content: bytes) -> None:
        self._system.makedirs(self._root, exist_ok=True)
        self._system.pipe_file(path, content)

    def _at(self, *parts: str) -> str:
        return "/".join([self._root, *(part for part in parts if part)])


def folder_at(place: str | os.PathLike[str], *below: str) -> Folder:
    """Return the folder at a path or URL, with the names of folders below it.

    Raises
    ------
    InvalidInput
        The place is empty.
    InboxError
        The URL needs a driver that is not installed.

    Examples
    --------
    >>> folder_at("inbox", "ana")
    LocalFolder('inbox/ana')
    """
    text = os.fspath(place)
    if not text or "\x00" in text:
        raise InvalidInput(f"An inbox is a folder or a URL such as 's3://team/inbox', {text!r} came.")
    if "://" in text and not text.startswith("file://"):
        return RemoteFolder("/".join([text.rstrip("/"), *below]))
    return LocalFolder(Path(text.removeprefix("file://"), *below))


def _own_name(name: str) -> str:
    return f"{name.removesuffix('.md')}--{uuid.uuid4().hex[:8]}.md"


def _scheme(url: str) -> str:
    return url.partition("://")[0]


@contextlib.contextmanager
def _speaking(verb: str, place: object) -> Any:
    try:
        yield
    except OSError as error:
        said = error.strerror or str(error) or type(error).__name__
        raise InboxError(
            f"An inbox needs a folder it can use, it could not {verb} {place}: {said}."
        ) from error
