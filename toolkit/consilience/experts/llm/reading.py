"""From what a model wrote to an answer, or to the reason why there is none."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from consilience.errors import Abstained, Unparseable
from consilience.models import AnswerKind, quoted

_MOST_BRACES = 50


@dataclass(frozen=True, slots=True)
class Told:
    """What a model said, taken apart.

    Parameters
    ----------
    raw
        The answer, for the answer kind to read.
    confidence
        What the model said of itself, between 0 and 1; ``None`` when it said nothing usable.
    """

    raw: object
    confidence: float | None = None


def read(text: str, kind: AnswerKind, *, typed: bool) -> Told:
    """Take a model's answer apart and check it.

    Parameters
    ----------
    text
        What the model wrote.
    kind
        Checks the answer, its bounds included.
    typed
        Whether a JSON object was asked for. A text without any brace is read by the kind itself, since small models
        often write the bare label.

    Raises
    ------
    Abstained
        The answer is null.
    Unparseable
        It is not an answer of this kind.
    """
    told = _object(text) if typed and "{" in text else Told(text)
    kind.parse(told.raw)
    return told


def _object(text: str) -> Told:
    found = _first(text)
    answer = found["answer"]
    if answer is None:
        raise Abstained("The model answered null, which means that it cannot say.")
    return Told(tuple(answer) if isinstance(answer, list) else answer, _confidence(found.get("confidence")))


def _first(text: str) -> dict[str, Any]:
    """Return the first JSON object that has an answer: a model may talk before it, with braces."""
    decoder, at = json.JSONDecoder(), text.find("{")
    for _ in range(_MOST_BRACES):
        if at < 0:
            break
        with suppress(ValueError, RecursionError):
            found, _end = decoder.raw_decode(text, at)
            if "answer" in found:
                return dict(found)
        at = text.find("{", at + 1)
    raise Unparseable(f'One JSON object with the key "answer" is required, {quoted(text)} came.')


def _confidence(said: object) -> float | None:
    # Out of its bounds it says nothing about the answer: unknown, rather than a guess at what was meant.
    if not isinstance(said, int | float) or said is True or said is False:
        return None
    value = float(said)
    return value if math.isfinite(value) and 0.0 <= value <= 1.0 else None
