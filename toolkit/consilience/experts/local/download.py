"""Fetch one file with HTTP ranges, so that an interrupted download goes on where it stopped.

pip keeps no partial file from one process to the next; the standard library with a ``Range`` header (RFC 9110,
section 14) does what is needed, honours the proxies of the environment and ``SSL_CERT_FILE``, and reads
``file:`` addresses too.
"""

from __future__ import annotations

import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from consilience.errors import SetupError
from consilience.experts.local.artifact import FETCH_MODEL

Progress = Callable[[int, int], None]

_CHUNK = 1 << 18
_TIMEOUT = 60.0
_IDLE_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class DirectRefused(Exception):
    """The address does not give the file to a plain request: it wants credentials, another CA, or is not there."""


class _Interrupted(Exception):
    """The connection ended before the file did."""


class _Unreachable(Exception):
    """No connection could be made."""


def download(
    url: str,
    part: Path,
    total: int,
    progress: Progress,
    *,
    sleep: Callable[[float], None] = time.sleep,
    timeout: float = _TIMEOUT,
) -> None:
    """Fetch ``url`` into ``part`` until it holds ``total`` bytes, beginning with what is already there.

    Parameters
    ----------
    url
        ``https``, ``http`` or ``file``.
    part
        The partial file; kept when the download is interrupted.
    total
        The file's size, which is known before.
    progress
        Called with the bytes that are there and ``total``.
    sleep, timeout
        How to wait between attempts; seconds without a byte after which a connection counts as broken.

    Raises
    ------
    DirectRefused
        The server does not give this file to a plain request.
    SetupError
        The connection broke three times without one byte between.
    OSError
        The partial file cannot be written.
    """
    idle, began = 0, _size(part)
    while (have := _size(part)) < total:
        progress(have, total)
        try:
            _attempt(url, part, have, total, progress, timeout)
        except (_Interrupted, _Unreachable) as error:
            if isinstance(error, _Unreachable) and have == began:
                raise DirectRefused(str(error)) from error  # pip may know a way, for example a proxy
            idle = 0 if _size(part) > have else idle + 1
            if idle >= _IDLE_ATTEMPTS:
                raise SetupError(
                    f"The download broke off at {_size(part) / 1e6:.1f} of {total / 1e6:.1f} MB ({error}): run "
                    f"{FETCH_MODEL} again, it goes on from there."
                ) from error
            sleep(_PAUSE_SECONDS)
    progress(total, total)


def _attempt(url: str, part: Path, have: int, total: int, progress: Progress, timeout: float) -> None:
    response = _open(url, have, timeout, fresh=not part.exists())
    if response is None:  # 416: what is there does not fit to what the server has
        part.unlink()
        return
    with response, part.open("ab") as file:
        start = _start_of(response, total)
        if start != have:
            file.truncate(start)  # the server ignored the range, or gave another one
        if start > have:
            raise DirectRefused(f"bytes from {have} were asked for, bytes from {start} came")
        _copy(response, file, start, total, progress)


def _open(url: str, have: int, timeout: float, *, fresh: bool) -> Any:
    headers = {"User-Agent": "consilience", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - pip chose the address
        return urllib.request.urlopen(request, timeout=timeout)  # noqa: S310
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and not fresh:
                return None
            if (
                error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR
                or error.code == http.HTTPStatus.TOO_MANY_REQUESTS
            ):
                raise _Interrupted(f"HTTP {error.code}") from error
            raise DirectRefused(f"HTTP {error.code}") from error
    except urllib.error.URLError as error:
        raise _Unreachable(str(error.reason)) from error
    except (ValueError, http.client.InvalidURL):
        # the message of these repeats the address, which may hold a password
        raise DirectRefused("its address cannot be read") from None
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(type(error).__name__) from error


def _start_of(response: Any, total: int) -> int:
    """Return the offset of the first byte of the body; refuse a body of another file."""
    start, whole = 0, response.headers.get("Content-Length")
    if getattr(response, "status", None) == http.HTTPStatus.PARTIAL_CONTENT:
        match = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        if match is None:
            raise DirectRefused("a partial answer came without a readable Content-Range")
        start, whole = int(match[1]), match[3]
    if whole not in (None, "*", str(total)):
        raise DirectRefused(f"a file of {total:,} bytes was expected, one of {whole} bytes came")
    return start


def _copy(response: Any, file: BinaryIO, at: int, total: int, progress: Progress) -> None:
    while at < total:
        try:
            chunk = response.read(min(_CHUNK, total - at))
        except (OSError, http.client.HTTPException) as error:
            raise _Interrupted(type(error).__name__) from error
        if not chunk:
            raise _Interrupted("the server closed the connection")
        file.write(chunk)
        file.flush()  # what has come survives a kill
        at += len(chunk)
        progress(at, total)
    os.fsync(file.fileno())


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0
