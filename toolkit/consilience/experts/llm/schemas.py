"""What a typed answer looks like: a JSON schema and a sentence for each answer kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from consilience.models import AnswerKind, AnswerValue

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """How one answer kind is asked for.

    Parameters
    ----------
    wanted
        What the answer is, in words.
    schema
        What the answer is, in JSON schema.
    """

    wanted: str
    schema: Json


def form(kind: AnswerKind) -> Form | None:
    """Return how an answer kind is asked for; ``None`` for text, and for kinds that are not known here.

    Those are answered as text, which the kind reads itself.
    """
    made = _FORMS.get(kind.kind)
    return None if made is None else made(kind)


def object_schema(form: Form) -> Json:
    """Return the schema of a whole reply: the answer or null, and a confidence.

    Every key is required and no other is allowed, as OpenAI's strict mode wants it. Bounds are not in it: a grammar
    does not hold them, and they are checked here.
    """
    return {
        "type": "object",
        "properties": {
            "answer": {"anyOf": [form.schema, {"type": "null"}]},
            "confidence": {"type": "number"},
        },
        "required": ["answer", "confidence"],
        "additionalProperties": False,
    }


def instruction(form: Form) -> str:
    """Return the sentences that ask for the object in words."""
    return (
        'Answer with one JSON object and nothing else: {"answer": ..., "confidence": ...}. '
        f'"answer" is {form.wanted}, or null if you cannot say. '
        '"confidence" is the probability that the answer is right, a number from 0 to 1.'
    )


def as_object(value: AnswerValue) -> str:
    """Return an example's answer as a model would write it."""
    plain = list(value) if isinstance(value, tuple) else value
    return json.dumps({"answer": plain}, ensure_ascii=False)


def _label(kind: Any) -> Form:
    return Form(f"one of {_listed(kind.choices)}", {"type": "string", "enum": list(kind.choices)})


def _score(kind: Any) -> Form:
    return Form(f"a number from {kind.low:g} to {kind.high:g}", {"type": "number"})


def _ranking(kind: Any) -> Form:
    top = getattr(kind, "top", None) or len(kind.items)
    how = "all of" if top == len(kind.items) else f"the best {top} of"
    return Form(
        f"a list with {how} {_listed(kind.items)}, the best first",
        {"type": "array", "items": {"type": "string", "enum": list(kind.items)}},
    )


def _items(kind: Any) -> Form:
    return Form(
        f"a list of at most {kind.max_items} short recommendations, each a text",
        {"type": "array", "items": {"type": "string"}},
    )


def _listed(choices: tuple[str, ...]) -> str:
    return ", ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)


_FORMS: dict[str, Callable[[AnswerKind], Form]] = {
    "label": _label,
    "score": _score,
    "ranking": _ranking,
    "items": _items,
}
