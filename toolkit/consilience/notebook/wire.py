"""What crosses to the browser: plain values, bounded in size; the page sets every text as text."""

from __future__ import annotations

import math
from typing import TypeAlias, TypedDict

from consilience.markup.palette import colour
from consilience.markup.plain import plain
from consilience.models import Outcome

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


class ExpertMark(TypedDict):
    """An expert's name, colour, and what it is."""

    name: str
    colour: str
    source: str


class OutcomeMark(TypedDict):
    """An outcome's glyph and word."""

    glyph: str
    word: str


def expert(name: str, source: str = "") -> ExpertMark:
    """Return how an expert is shown."""
    return {"name": plain(name, 80), "colour": colour(name), "source": source}


def outcome(ended: Outcome) -> OutcomeMark:
    """Return how an outcome is shown."""
    return {"glyph": ended.glyph, "word": ended.value}


def number(value: float | None) -> float | None:
    """Return a number that JSON can hold: nan and infinities become null."""
    return None if value is None or not math.isfinite(value) else value


def text(value: object, limit: int = 20_000) -> str:
    """Return foreign text without steering characters, bounded."""
    return plain(value, limit)
