"""What users type: whether it is of a kind at all, before its range is looked at."""

from __future__ import annotations

from numbers import Integral, Real


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
