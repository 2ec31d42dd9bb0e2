"""A question beside its sheet, as data: so that a program may show it and judge an answer to it."""

from __future__ import annotations

import json
from datetime import datetime

from consilience.errors import InvalidInput
from consilience.models import Question
from consilience.models.specs import kind_from_spec


def note(question: Question) -> bytes:
    """Return a question as JSON.

    Examples
    --------
    >>> noted(note(Question("Is water wet?", id="q1"))).text
    'Is water wet?'
    """
    return json.dumps(
        {
            "id": question.id,
            "text": question.text,
            "context": question.context,
            "answer": question.answer.spec(),
            "asked_at": question.asked_at.isoformat(),
        }
    ).encode()


def noted(content: bytes | None) -> Question | None:
    """Return the question of a note; ``None`` when there is none, or its answer kind is a user's own."""
    try:
        row = json.loads(content or b"")
        return Question(
            row["text"],
            kind_from_spec(row["answer"]),
            row["context"],
            id=row["id"],
            asked_at=datetime.fromisoformat(row["asked_at"]),
        )
    except (ValueError, KeyError, TypeError, InvalidInput):
        return None


def note_name(sheet_name: str) -> str:
    """Return the name of the note that belongs to a sheet."""
    return sheet_name.removesuffix(".md") + ".json"
