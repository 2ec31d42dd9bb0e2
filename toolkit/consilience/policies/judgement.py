"""What an error says about the other side: whether a breaker counts it, and whether another attempt makes sense."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum

from consilience.errors import (
    Abstained,
    AttemptTimedOut,
    CallError,
    ContextExceeded,
    MalformedEvent,
    NotConfigured,
    RecordingMiss,
    Refused,
    StreamCutOff,
    Unparseable,
)

__all__ = ["Classifier", "Judgement", "judge", "retry_after", "status"]


class Judgement(StrEnum):
    """What an error means.

    ``FAILURE`` is the other side's fault: a breaker counts it, and a retry may help. ``THROTTLED`` says that it is
    well but gets too much: the limiter slows down, a retry waits, no breaker counts it. ``OURS`` is about this call
    alone (a wrong request, a programming error, an own rejection, a cancellation): nothing counts it, and it is not
    tried again.
    """

    FAILURE = "failure"
    THROTTLED = "throttled"
    OURS = "ours"


Classifier = Callable[[BaseException], Judgement]

_OURS: tuple[type[BaseException], ...] = (
    asyncio.CancelledError,
    GeneratorExit,
    KeyboardInterrupt,
    SystemExit,
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    NotImplementedError,
    TypeError,
    ValueError,
    Abstained,
    CallError,
    ContextExceeded,
    NotConfigured,
    RecordingMiss,
    Refused,
    Unparseable,
)
# Errors of this package that are the other side's fault all the same.
_THEIRS = (AttemptTimedOut, MalformedEvent, StreamCutOff)
# Errors of httpx and httpx2 that say what is wrong here. They are known by name: neither package has to be there.
_HTTPX = frozenset({"httpx", "httpx2"})
_HTTPX_OURS = frozenset(
    {
        "CookieConflict",
        "InvalidURL",
        "LocalProtocolError",
        "PoolTimeout",
        "StreamError",
        "UnsupportedProtocol",
    }
)
_UNWELL = frozenset({408, 425})
_FIRST_SERVER_ERROR = 500
_TOO_MANY = 429


def judge(error: BaseException) -> Judgement:
    """Judge an error by its HTTP status if it carries one, else by its class.

    429 throttles; 408, 425 and 500 to 599 are failures; other statuses below 500 are ours. Timeouts, lost
    connections, streams that are cut off and whatever else a client raises are failures; cancellations, own
    rejections, programming errors, a pool of connections that is too small and what an expert says of a question (it
    abstained, it refused) are ours.

    Examples
    --------
    >>> judge(ConnectionResetError()), judge(ValueError("no such model"))
    (<Judgement.FAILURE: 'failure'>, <Judgement.OURS: 'ours'>)
    """
    if isinstance(error, _THEIRS):
        return Judgement.FAILURE
    code = status(error)
    if code is not None:
        return _of_status(code)
    return Judgement.OURS if isinstance(error, _OURS) or _is_ours_in_httpx(error) else Judgement.FAILURE


def _is_ours_in_httpx(error: BaseException) -> bool:
    return any(
        kind.__name__ in _HTTPX_OURS and kind.__module__.partition(".")[0] in _HTTPX
        for kind in type(error).__mro__
    )


def _of_status(code: int) -> Judgement:
    if code == _TOO_MANY:
        return Judgement.THROTTLED
    return Judgement.FAILURE if code >= _FIRST_SERVER_ERROR or code in _UNWELL else Judgement.OURS


def status(error: BaseException) -> int | None:
    """Return the HTTP status of an error of any client: ``.status_code``, ``.status`` or that of its ``.response``."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status"):
            code = getattr(holder, name, None)
            if isinstance(code, int) and not isinstance(code, bool):
                return code
    return None


def retry_after(error: BaseException, *, wall: Callable[[], float] = time.time) -> float | None:
    """Return the seconds for which the other side asks to be left alone (RFC 9110, 10.2.3).

    Parameters
    ----------
    error
        Its ``retry_after``, or the headers ``retry-after-ms`` and ``retry-after`` of the error or its response.
    wall
        Seconds since 1970, against which a date is read.

    Returns
    -------
    float or None
        0 for a moment that is past; ``None`` when nothing readable was said. A huge value comes as it is: who waits
        has a deadline.
    """
    own = getattr(error, "retry_after", None)
    if isinstance(own, (int, float)):
        return _seconds(own)
    headers = getattr(error, "headers", None) or getattr(getattr(error, "response", None), "headers", None)
    if not isinstance(headers, Mapping):
        return None
    found = {str(name).lower(): str(value).strip() for name, value in headers.items()}
    if "retry-after-ms" in found:
        milliseconds = _number(found["retry-after-ms"])
        return None if milliseconds is None else _seconds(milliseconds / 1000)
    return _said(found.get("retry-after", ""), wall)


def _said(text: str, wall: Callable[[], float]) -> float | None:
    seconds = _number(text)
    if seconds is not None:
        return _seconds(seconds)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the second, for a zone that is years away
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - wall())


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _seconds(value: float) -> float | None:
    try:
        seconds = float(value)
    except OverflowError:  # an integer with more digits than a float has room for
        return math.inf if value > 0 else 0.0
    return None if math.isnan(seconds) else max(0.0, seconds)
