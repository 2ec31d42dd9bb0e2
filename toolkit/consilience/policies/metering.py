"""What a caller wants around the functions that stand in for its own: a budget has to see fallbacks too."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

__all__ = ["METER", "Meter"]

Meter = Callable[[Callable[..., Any]], Callable[..., Any]]


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


METER: ContextVar[Meter] = ContextVar("consilience_meter", default=_as_it_is)
