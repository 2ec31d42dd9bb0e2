"""From rows back to a question and its responses, so that a stored verdict can be decided again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput, StoreError
from consilience.models import (
    AnswerKind,
    Example,
    Items,
    Label,
    Outcome,
    Question,
    Ranking,
    Response,
    Score,
    Text,
    Usage,
)
from consilience.models.response import ConfidenceSource, Source
from consilience.verdict import Replay, Verdict, decide
from consilience.verdict.methods import WEIGHTED, methods_for

if TYPE_CHECKING:
    import polars as pl

    Read = Callable[[str, tuple[object, ...]], pl.DataFrame]

_QUESTION = "SELECT * FROM questions WHERE id = ? ORDER BY asked_at DESC LIMIT 1"
_RESPONSES = "SELECT * FROM responses WHERE question_id = ? ORDER BY expert, id"
_VERDICT = (
    "SELECT id, decided_at, method FROM verdicts WHERE question_id = ? ORDER BY decided_at DESC, id LIMIT 1"
)


def recalled(read: Read, question_id: str) -> Verdict:
    """Return the newest verdict on a question, decided again from the stored responses.

    Parameters
    ----------
    read
        Runs a statement with its parameters.
    question_id
        As in `Store.latest`.

    Raises
    ------
    InvalidInput
        The store holds no such question, or no response to it.
    StoreError
        A row cannot be read back.
    """
    questions = read(_QUESTION, (question_id,))
    responses = read(_RESPONSES, (question_id,))
    if questions.is_empty() or responses.is_empty():
        missing = "question" if questions.is_empty() else "response to the question"
        raise InvalidInput(
            f"The store holds no {missing} {question_id!r}: take a question_id that latest() shows."
        )
    try:
        question = _question(questions.row(0, named=True))
        given = [response_of(row, question) for row in responses.iter_rows(named=True)]
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"The rows of question {question_id!r} cannot be read back: {error}") from error
    stored = read(_VERDICT, (question_id,))
    if stored.is_empty():
        return decide(question, given)
    kept_id, decided_at, method = stored.row(0)
    fitting = methods_for(question.answer)
    again = decide(question, given, method=method if method in fitting and method not in WEIGHTED else None)
    return replace(again, replayed=Replay(kept_id), decided_at=decided_at)


def _question(row: dict[str, Any]) -> Question:
    examples = tuple(Example(text, answer) for text, answer in json.loads(row["examples"]))
    return Question(
        row["text"], _kind(row["answer_spec"]), row["context"], examples, row["id"], row["asked_at"]
    )


def _kind(spec: str) -> AnswerKind:
    stored = json.loads(spec)
    kind = stored.pop("kind")
    if kind == Label.kind:
        return Label(*stored["choices"], name=stored["name"])
    if kind == Items.kind:
        return Items(**stored)
    if kind == Score.kind:
        return Score(**stored)
    if kind == Ranking.kind:
        return Ranking(*stored["items"], top=stored["top"], name=stored["name"])
    if kind == Text.kind:
        return Text(**stored)
    raise ValueError(f"answers of the kind {kind!r} are not read back")


def response_of(row: dict[str, Any], question: Question) -> Response:
    """Return a response from its row."""
    answer = row["answer"]
    if answer is not None and isinstance(question.answer, (Items, Ranking)):
        answer = tuple(json.loads(answer))
    elif answer is not None and isinstance(question.answer, Score):
        answer = float(answer)
    known = row["confidence_source"]
    return Response(
        question_id=question.id,
        expert=row["expert"],
        source=Source(row["source"]),
        outcome=Outcome(row["outcome"]),
        answer=answer,
        raw=row["raw"],
        reason=row["reason"],
        confidence=row["confidence"],
        confidence_source=None if known is None else ConfidenceSource(known),
        probabilities=tuple((label, p) for label, p in json.loads(row["probabilities"])),
        usage=Usage(row["input_tokens"], row["output_tokens"], row["cost_usd"]),
        latency_s=row["latency_s"],
        id=row["id"],
    )
