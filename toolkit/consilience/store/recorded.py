"""A question as the store holds it: what was asked, what came back, and every verdict on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from consilience.dedup.merged import Recommendation, Wording
from consilience.errors import StoreError
from consilience.models import AnswerValue, Example, Outcome, Question, Response, Usage, quoted
from consilience.models.response import ConfidenceSource, Source
from consilience.models.specs import answer_from_text, kind_from_spec
from consilience.store.cards import StoredQuestionDisplayed, StoredVerdictDisplayed
from consilience.verdict.result import Support, shown
from consilience.verdict.rounds import Round

if TYPE_CHECKING:
    import polars as pl

    from consilience.store.history import History

_ROWS: Mapping[str, str] = {
    "expert": "String",
    "source": "String",
    "outcome": "String",
    "answer": "String",
    "confidence": "Float64",
    "latency_s": "Float64",
    "cost_usd": "Float64",
    "reason": "String",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVerdict(StoredVerdictDisplayed):
    """A verdict as it was stored; `Store.verdict` decides again from the responses.

    Parameters
    ----------
    id, decided_at
        Its UUID, and when it was made, in UTC.
    method, decision
        How it was decided, and how the votes fell.
    answer, ties
        The answer, ``None`` without one; answers that led together.
    degraded
        Whether any asked expert gave no answer.
    support
        Experts behind the answer, of those asked.
    agreement
        Chance-corrected agreement; ``None`` where it has no value.
    weights
        Expert and weight; empty unless the method weighed, or the verdict was stored before version 3.
    recommendations
        Merged recommendations with their sources, most supported first.
    usage
        Tokens and cost of the responses it was made from.
    rounds, course
        What was asked and answered in each round, and how they went; empty when experts were asked once, or the verdict
        was stored before version 5.
    heard
        Name and response id of those that it was made of; empty where the verdict was stored before version 7.
    """

    id: str
    decided_at: datetime
    method: str
    decision: str
    answer: AnswerValue | None
    ties: tuple[str, ...]
    degraded: bool
    support: Support
    agreement: float | None
    weights: tuple[tuple[str, float], ...]
    recommendations: tuple[Recommendation, ...]
    usage: Usage
    rounds: tuple[Round, ...] = ()
    course: str = ""
    heard: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        said = self.decision if self.answer is None else shown(self.answer)
        return f"<StoredVerdict {quoted(said, 60)}, {self.support}, by {self.method}>"


@dataclass(frozen=True, slots=True)
class StoredQuestion(StoredQuestionDisplayed):
    """A question with its responses and verdicts, read by one statement.

    Parameters
    ----------
    question
        What was asked.
    responses
        By expert.
    verdicts
        Newest first; several when answers came late, or it was decided again.
    """

    question: Question
    responses: tuple[Response, ...]
    verdicts: tuple[StoredVerdict, ...]

    @property
    def verdict(self) -> StoredVerdict | None:
        """The newest verdict; ``None`` when the question was left before that."""
        return self.verdicts[0] if self.verdicts else None

    def heard(self, verdict: StoredVerdict | None) -> tuple[Response, ...]:
        """Return the responses that a verdict was made of, each under the name under which it counts there.

        What a person said later belongs to it too, and of a verdict that was stored before version 7, or of none, all.
        """
        if verdict is None or not verdict.heard:
            return self.responses
        by_id = {response.id: response for response in self.responses}
        by_name = {response.expert: response for response in self.responses}
        # Whoever was not asked is kept once, and refused again under another id each time.
        found = [(name, by_id.get(known) or by_name.get(name)) for name, known in verdict.heard]
        given = [replace(response, expert=name) for name, response in found if response is not None]
        names, ids = {response.expert for response in given}, {response.id for response in given}
        later = [
            r for r in self.responses if r.source is Source.PERSON and r.expert in names and r.id not in ids
        ]
        return (*given, *later)

    def to_polars(self) -> pl.DataFrame:
        """Return one row a response: who, outcome, answer, confidence, seconds, cost."""
        import polars as pl

        rows = [
            (
                r.expert,
                str(r.source),
                str(r.outcome),
                None if r.answer is None else shown(r.answer),
                r.confidence,
                r.latency_s,
                r.usage.cost_usd,
                r.reason,
            )
            for r in self.responses
        ]
        return pl.DataFrame(
            rows, schema={name: getattr(pl, kind) for name, kind in _ROWS.items()}, orient="row"
        )

    def __repr__(self) -> str:
        return (
            f"<StoredQuestion {quoted(self.question.text, 60)}, {len(self.responses)} responses, "
            f"{len(self.verdicts)} verdicts>"
        )


def recorded(history: History, ids: Sequence[str]) -> list[StoredQuestion]:
    """Return the questions with these ids, or whose verdicts have these ids, by one statement.

    Raises
    ------
    StoreError
        A row cannot be read back.
    """
    from consilience.store.queries import RECORDED

    frame = history._read(RECORDED, (list(ids), list(ids)))  # noqa: SLF001 - the way from words to rows
    return [_stored(row) for row in frame.iter_rows(named=True)]


def _stored(row: dict[str, Any]) -> StoredQuestion:
    try:
        question = _question(row)
        responses = tuple(response_of(each, question) for each in row["responses"] or ())
        merged: dict[str, list[Recommendation]] = {}
        for each in row["recommendations"] or ():
            merged.setdefault(each["verdict_id"], []).append(_recommendation(each))
        rounds = _rounds(row["rounds"] or (), question)
        verdicts = tuple(
            _verdict(each, question, tuple(merged.get(each["id"], ())), rounds.get(each["id"], ()))
            for each in row["verdicts"] or ()
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"The rows of question {row['id']!r} cannot be read back: {error}") from error
    return StoredQuestion(question, responses, verdicts)


def _question(row: dict[str, Any]) -> Question:
    examples = tuple(Example(text, answer) for text, answer in json.loads(row["examples"]))
    return Question(
        row["text"],
        kind_from_spec(row["answer_spec"]),
        row["context"],
        examples,
        row["id"],
        row["asked_at"],
        tuple(json.loads(row["tags"] or "[]")),
    )


def _rounds(rows: Sequence[dict[str, Any]], question: Question) -> Mapping[str, tuple[Round, ...]]:
    """Return the rounds of each verdict, by its id."""
    found: dict[str, dict[int, list[dict[str, Any]]]] = {}
    for row in rows:
        found.setdefault(row["verdict_id"], {}).setdefault(row["number"], []).append(row)
    return {
        verdict_id: tuple(_round(number, each, question) for number, each in sorted(rounds.items()))
        for verdict_id, rounds in found.items()
    }


def _round(number: int, rows: Sequence[dict[str, Any]], question: Question) -> Round:
    asked = tuple(
        (row["expert"], replace(question, text=row["text"], context=row["context"])) for row in rows
    )
    responses = tuple(response_of(row | {"id": row["response_id"]}, question) for row in rows)
    return Round(number, asked, responses)


def response_of(row: dict[str, Any], question: Question) -> Response:
    """Return a response from its row."""
    known = row["confidence_source"]
    return Response(
        question_id=question.id,
        expert=row["expert"],
        source=Source(row["source"]),
        outcome=Outcome(row["outcome"]),
        answer=answer_from_text(question.answer, row["answer"]),
        raw=row["raw"],
        reason=row["reason"],
        confidence=row["confidence"],
        confidence_source=None if known is None else ConfidenceSource(known),
        probabilities=tuple((label, p) for label, p in json.loads(row["probabilities"])),
        usage=Usage(row["input_tokens"], row["output_tokens"], row["cost_usd"]),
        calls=1 if row["calls"] is None else row["calls"],
        latency_s=row["latency_s"],
        id=row["id"],
    )


def _verdict(
    row: dict[str, Any],
    question: Question,
    merged: tuple[Recommendation, ...],
    rounds: tuple[Round, ...],
) -> StoredVerdict:
    return StoredVerdict(
        id=row["id"],
        decided_at=row["decided_at"],
        method=row["method"],
        decision=row["decision"],
        answer=answer_from_text(question.answer, row["answer"]),
        ties=tuple(json.loads(row["ties"])),
        degraded=row["degraded"],
        support=Support(row["support_n"], row["support_of"], row["support_low"], row["support_high"]),
        agreement=row["agreement"],
        weights=tuple((expert, weight) for expert, weight in json.loads(row["weights"] or "[]")),
        recommendations=merged,
        usage=Usage(row["input_tokens"], row["output_tokens"], row["cost_usd"]),
        rounds=rounds,
        course=row["course"] or "",
        heard=tuple((name, response_id) for name, response_id in json.loads(row["heard"] or "[]")),
    )


def _recommendation(row: dict[str, Any]) -> Recommendation:
    return Recommendation(
        row["text"],
        tuple(json.loads(row["experts"])),
        tuple(Wording(*said) for said in json.loads(row["sources"] or "[]")),
        tuple(json.loads(row["conflicts"] or "[]")),
    )


def side_by_side(
    a: StoredQuestion, b: StoredQuestion, verdicts: tuple[StoredVerdict | None, StoredVerdict | None]
) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield what is compared, and its value on either side."""
    yield "question", a.question.text, b.question.text
    for field in ("method", "decision", "answer", "support", "agreement", "weights"):
        left, right = (_said(verdict, field) for verdict in verdicts)
        yield field, left, right
    said = [
        {r.expert: r for r in each.heard(verdict)} for each, verdict in zip((a, b), verdicts, strict=True)
    ]
    for expert in sorted(said[0].keys() | said[1].keys()):
        yield f"expert {expert}", _spoken(said[0].get(expert)), _spoken(said[1].get(expert))


def _said(verdict: StoredVerdict | None, field: str) -> str | None:
    value = None if verdict is None else getattr(verdict, field)
    if field == "weights":
        return ", ".join(f"{expert} {weight:g}" for expert, weight in value or ()) or None
    return shown(value) if isinstance(value, (tuple, float)) else None if value is None else str(value)


def _spoken(response: Response | None) -> str | None:
    if response is None:
        return None
    return str(response.outcome) if response.answer is None else shown(response.answer)
