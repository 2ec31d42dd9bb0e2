"""What can go wrong with one answer, as values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal

from consilience.errors import InvalidInput

__all__ = [
    "Cut",
    "Drip",
    "Fault",
    "HalfAnswer",
    "Latency",
    "Malformed",
    "Reset",
    "Stall",
    "Status",
    "Throttle",
]


@dataclass(frozen=True, slots=True)
class Latency:
    """The answer comes late.

    Parameters
    ----------
    seconds
        How late.
    """

    seconds: float

    def __post_init__(self) -> None:
        _check(self.seconds, "Latency")


@dataclass(frozen=True, slots=True)
class Stall:
    """The request is read and never answered; it ends when the client leaves or the server closes."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is closed in the middle of the body.

    Parameters
    ----------
    after
        Share of the body that is sent before; 0 sends the headers only.
    """

    after: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.after < 1:
            raise InvalidInput(
                f"Cut(after=...) is a share of the body from 0 to below 1, {self.after} came: the whole body would be "
                f"no fault."
            )


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset (RST) in place of an answer, or in the middle of the body.

    Parameters
    ----------
    after
        Share of the body that is sent before; ``None``, the default, sends not even the headers.
    """

    after: float | None = None

    def __post_init__(self) -> None:
        if self.after is not None and not 0 <= self.after < 1:
            raise InvalidInput(f"Reset(after=...) is a share from 0 to below 1, or None; {self.after} came.")


@dataclass(frozen=True, slots=True)
class HalfAnswer:
    """An answer that ends too early, without an error of the connection.

    Parameters
    ----------
    form
        ``"length"``: the body is whole and shorter than its Content-Length says, then the connection is closed.
        ``"chunked"``: the chunks come without the last, empty one. ``"finish"``: a stream of events ends as HTTP
        wants it, half way through, without its finish reason and ``[DONE]``; other answers are not touched by it.
    """

    form: Literal["length", "chunked", "finish"] = "length"

    def __post_init__(self) -> None:
        if self.form not in ("length", "chunked", "finish"):
            raise InvalidInput(f"HalfAnswer is 'length', 'chunked' or 'finish', {self.form!r} came.")


@dataclass(frozen=True, slots=True)
class Throttle:
    """429 Too Many Requests.

    Parameters
    ----------
    retry_after
        Its Retry-After: seconds, a moment (sent as HTTP date, RFC 9110, 5.6.7), a text that is sent as it is, or
        ``None`` for no such header.
    """

    retry_after: float | datetime | str | None = None

    @property
    def said(self) -> str | None:
        """The header's value."""
        if isinstance(self.retry_after, datetime):
            return format_datetime(self.retry_after.astimezone(UTC), usegmt=True)
        return None if self.retry_after is None else str(self.retry_after)


@dataclass(frozen=True, slots=True)
class Status:
    """An error of this HTTP status, with a body that says so; ``[Status(503)] * 5`` in a plan is a burst.

    Parameters
    ----------
    code
        400 to 599.
    """

    code: int = 503

    def __post_init__(self) -> None:
        if not 400 <= self.code <= 599:
            raise InvalidInput(f"A status that is a fault is 400 to 599, {self.code} came.")


@dataclass(frozen=True, slots=True)
class Malformed:
    """JSON that is none: the body, or the middle event of a stream, lacks its second half; the rest is in order."""


@dataclass(frozen=True, slots=True)
class Drip:
    """The body comes in small pieces with pauses.

    Parameters
    ----------
    seconds
        The pause before each piece.
    size
        Bytes in a piece; 1 is what a slow-loris does.
    """

    seconds: float
    size: int = 1

    def __post_init__(self) -> None:
        _check(self.seconds, "Drip")
        if self.size < 1:
            raise InvalidInput(f"Drip(size=...) is 1 byte or more, {self.size} came.")


Fault = Latency | Stall | Cut | Reset | HalfAnswer | Throttle | Status | Malformed | Drip


def _check(seconds: float, name: str) -> None:
    if not (seconds >= 0 and math.isfinite(seconds)):
        raise InvalidInput(f"{name} is a number of seconds, 0 or more, {seconds} came.")
