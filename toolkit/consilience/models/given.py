"""What users type: whether it is of a kind at all, before its range is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from numbers import Integral, Real
from typing import Any

from consilience.errors import InvalidInput


def is_number(value: object) -> bool:
    """Whether it is a number; truth values are none.

    Examples
    --------
    >>> is_number(0.5), is_number("0.5"), is_number(True)
    (True, False, False)
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Whether it is a whole number; truth values are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def count(name: str, value: Any) -> int:
    """Return a whole number from 1 up as Python's own; NumPy's overflow, and no store takes them.

    Raises
    ------
    InvalidInput
        It is none.
    """
    if not is_whole(value) or value < 1:
        raise InvalidInput(f"{name} is a whole number from 1 up, {value!r} came.")
    return int(value)


def check_moments(**given: Any) -> None:
    """Refuse what is neither ``None`` nor a time with a zone.

    Raises
    ------
    InvalidInput
        One is something else.
    """
    zoned = {n: isinstance(when, datetime) and when.tzinfo is not None for n, when in given.items()}
    _refuse(given, zoned, "a time with a zone", "datetime(2026, 1, 31, tzinfo=UTC)")


def check_days(**given: Any) -> None:
    """Refuse what is neither ``None`` nor a day.

    Raises
    ------
    InvalidInput
        One is something else.
    """
    _refuse(given, {name: isinstance(day, date) for name, day in given.items()}, "a day", "date(2026, 1, 31)")


def _refuse(given: Mapping[str, Any], fit: Mapping[str, bool], wanted: str, example: str) -> None:
    for name, value in given.items():
        if value is not None and not fit[name]:
            shown = value.isoformat() if isinstance(value, date) else f"{value!r:.80}"
            raise InvalidInput(f"{name}= takes {wanted}, {shown} came: {example}.")
