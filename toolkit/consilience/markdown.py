"""Questions and verdicts as markdown files, and back without loss.

What a person reads stands in a fenced block, so that nothing a model wrote is markup. What is read back stands in a
block of JSON at the end, with a digest of the text above: a file whose text was edited and whose data was not is
refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, TypeVar

from consilience.errors import InvalidInput
from consilience.markup.plain import plain
from consilience.models import Example, Outcome, Question, Response, Usage
from consilience.models.response import ConfidenceSource, Source
from consilience.models.specs import kind_from_spec
from consilience.verdict import Needs, Replay, Round, Verdict, decide
from consilience.verdict.result import short_of

__all__ = ["question_from_markdown", "question_to_markdown", "verdict_from_markdown", "verdict_to_markdown"]

T = TypeVar("T")

_DATA = re.compile(r"\n```json consilience-(question|verdict)\n(.*)\n```\n\Z")
_TICKS = re.compile("~{3,}")


def question_to_markdown(question: Question) -> str:
    """Return a question as markdown.

    Examples
    --------
    >>> question = Question("Is water wet?", tags=["physics"])
    >>> question_from_markdown(question_to_markdown(question)) == question
    True
    """
    shown = "\n\n".join(part for part in (question.context, question.text) if part)
    return _file("question", "Question", shown, _question_data(question))


def question_from_markdown(text: str) -> Question:
    """Return the question of a file that `question_to_markdown` wrote.

    Raises
    ------
    InvalidInput
        It is no such file, or its text was edited.
    """
    return _read(text, "question", _question)


def verdict_to_markdown(verdict: Verdict) -> str:
    """Return a verdict as markdown: what `Verdict.explain` says, and every response of every round."""
    return _file("verdict", "Verdict", verdict.explain(), _verdict_data(verdict))


def verdict_from_markdown(text: str) -> Verdict:
    """Return the verdict of a file that `verdict_to_markdown` wrote, decided again from its responses.

    Raises
    ------
    InvalidInput
        It is no such file, or its text was edited.
    """
    return _read(text, "verdict", _verdict)


def _file(kind: str, title: str, shown: str, data: dict[str, Any]) -> str:
    longest = max(map(len, _TICKS.findall(shown)), default=2)
    fence = "~" * (longest + 1)
    above = f"# {title}\n\n{fence}text\n{plain(shown, 50_000)}\n{fence}\n"
    # as escapes, so that no text can end the block
    written = json.dumps({"digest": _digest(above), **data}).replace("`", "\\u0060")
    return f"{above}\n```json consilience-{kind}\n{written}\n```\n"


def _read(text: str, kind: str, build: Callable[[dict[str, Any]], T]) -> T:
    text = text.replace("\r\n", "\n")
    found = _DATA.search(text)
    if found is None or found[1] != kind:
        raise InvalidInput(
            f"A file that {kind}_to_markdown wrote ends in a block of its data, this text does not."
        )
    try:
        data = json.loads(found[2])
        if data["digest"] != _digest(text[: found.start()]):
            raise InvalidInput(
                f"The text of this {kind} was edited and its data was not: change the data, or write the {kind} anew."
            )
        return build(data)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(
            f"The data of this {kind} cannot be read: {type(error).__name__}: {error}"
        ) from error


def _digest(above: str) -> str:
    # an editor may end the lines of a file in its own way
    normal = above.replace("\r\n", "\n").strip()
    return hashlib.sha256(normal.encode(errors="surrogatepass")).hexdigest()


def _question_data(question: Question) -> dict[str, Any]:
    return {
        "text": question.text,
        "answer": question.answer.spec(),
        "context": question.context,
        "examples": [[example.question, example.answer] for example in question.examples],
        "id": question.id,
        "asked_at": question.asked_at.isoformat(),
        "tags": question.tags,
        "deadline": question.deadline,
        "priority": question.priority,
    }


def _question(data: dict[str, Any]) -> Question:
    return Question(
        data["text"],
        kind_from_spec(data["answer"]),
        data["context"],
        tuple(Example(*pair) for pair in data["examples"]),
        data["id"],
        datetime.fromisoformat(data["asked_at"]),
        tuple(data["tags"]),
        data["deadline"],
        data["priority"],
    )


def _response(data: dict[str, Any]) -> Response:
    known, answer = data["confidence_source"], data["answer"]
    return Response(
        **data
        | {
            "source": Source(data["source"]),
            "outcome": Outcome(data["outcome"]),
            "answer": tuple(answer) if isinstance(answer, list) else answer,
            "confidence_source": None if known is None else ConfidenceSource(known),
            "probabilities": tuple((label, share) for label, share in data["probabilities"]),
            "usage": Usage(**data["usage"]),
        }
    )


def _verdict_data(verdict: Verdict) -> dict[str, Any]:
    return {
        "question": _question_data(verdict.question),
        "responses": [asdict(response) for response in verdict.responses],
        "method": verdict.method,
        "weights": verdict.weights,
        "replayed": asdict(verdict.replayed) if verdict.replayed else None,
        "needs": asdict(verdict.needs),
        "shortfall": verdict.shortfall,
        "rounds": [
            {
                "number": each.number,
                "questions": [[name, _question_data(question)] for name, question in each.questions],
                "responses": [asdict(response) for response in each.responses],
            }
            for each in verdict.rounds
        ],
        "course": verdict.course,
        "id": verdict.id,
        "decided_at": verdict.decided_at.isoformat(),
    }


def _verdict(data: dict[str, Any]) -> Verdict:
    decided = decide(
        _question(data["question"]),
        [_response(row) for row in data["responses"]],
        method=data["method"],
        weights=dict(data["weights"]) or None,
    )
    replayed = data["replayed"]
    whole = replace(
        decided,
        replayed=Replay(replayed["of"], tuple(replayed["without"])) if replayed else None,
        rounds=tuple(map(_round, data["rounds"])),
        course=data["course"],
        id=data["id"],
        decided_at=datetime.fromisoformat(data["decided_at"]),
    )
    needs = Needs(data["needs"]["min_responses"], tuple(data["needs"]["required"]))
    return short_of(whole, needs, data["shortfall"])


def _round(data: dict[str, Any]) -> Round:
    return Round(
        data["number"],
        tuple((name, _question(question)) for name, question in data["questions"]),
        tuple(map(_response, data["responses"])),
    )
