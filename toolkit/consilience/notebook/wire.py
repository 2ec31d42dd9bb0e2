"""What crosses to the browser: plain values, bounded in size; the page sets every text as text."""

from __future__ import annotations

import math
from typing import TypeAlias, TypedDict

from consilience.errors import Unparseable
from consilience.markup.palette import colour
from consilience.markup.plain import plain
from consilience.models import AnswerKind, AnswerValue, Items, Label, Outcome, Ranking, Score, Text

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


def kind(asked: AnswerKind) -> dict[str, Json]:
    """Return a kind of answer: its name, and what a control for it needs; a kind of a user's own is written as text."""
    if isinstance(asked, Label):
        return {"kind": asked.kind, "choices": [text(choice, 200) for choice in asked.choices]}
    if isinstance(asked, Score):
        return {"kind": asked.kind, "low": asked.low, "high": asked.high}
    if isinstance(asked, Ranking):
        return {"kind": asked.kind, "items": [text(item, 200) for item in asked.items], "top": asked.top}
    return {"kind": asked.kind if isinstance(asked, (Items, Text)) else Text.kind}


def answer(said: AnswerValue | None, asked: AnswerKind) -> Json:
    """Return an answer as `given` takes it back: choices and items by their place; null for none."""
    if isinstance(asked, Label) and said in asked.choices:
        return asked.choices.index(str(said))
    if isinstance(asked, Ranking) and isinstance(said, tuple):
        return [asked.items.index(item) for item in said]
    if isinstance(said, tuple):
        return "\n".join(text(item, 2_000) for item in said)
    return number(said) if isinstance(said, float) or said is None else text(said)


def given(value: object, asked: AnswerKind) -> object:
    """Return what the page says as the kind of answer reads it.

    Raises
    ------
    Unparseable
        A place is none of those that were shown.
    """
    if value is None or not isinstance(asked, (Label, Ranking)):
        return value
    offered = asked.choices if isinstance(asked, Label) else asked.items
    sent = value if isinstance(value, list) else [value]
    places = [place for place in sent if type(place) is int and 0 <= place < len(offered)]
    if len(places) < len(sent):
        raise Unparseable(
            f"One of {', '.join(offered)} is required, {value!r} came: choose one that is shown."
        )
    chosen = [offered[place] for place in places]
    return chosen if isinstance(value, list) else chosen[0]
