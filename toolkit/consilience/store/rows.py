"""From a question, its responses and its verdict to rows of the store's tables.

Text is made storable without losing its row: half surrogate pairs are joined, and what is left of them, and NUL, which
PostgreSQL refuses, becomes U+FFFD, the replacement character (Unicode 17, section 3.9).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from consilience.models.identifiers import new_id

if TYPE_CHECKING:
    from consilience.models import AnswerValue, Question, Response
    from consilience.verdict import Verdict

Cell: TypeAlias = str | int | float | bool | datetime | None
Row: TypeAlias = tuple[Cell, ...]

_INT64 = 2**63
_quoted = json.encoder.encode_basestring
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rows that enter the store together or not at all, table by table, in the order of the table's columns."""

    tables: Mapping[str, Sequence[Row]]

    @property
    def n_rows(self) -> int:
        """Rows of all tables together."""
        return sum(len(rows) for rows in self.tables.values())


def bundle(
    question: Question, responses: Iterable[Response], verdict: Verdict | None, circle: str | None = None
) -> Bundle:
    """Return the rows of one question: itself, its responses, its verdict with recommendations and earlier rounds."""
    asked_at = _time(question.asked_at)
    tables: dict[str, list[Row]] = {
        "questions": [_question(question, asked_at, circle)],
        "responses": [response_row(response, asked_at) for response in responses],
    }
    if verdict is not None:
        tables["verdicts"] = [_verdict(verdict, question, asked_at)]
        tables["recommendations"] = list(_recommendations(verdict, question, asked_at))
        tables["rounds"] = list(_rounds(verdict, question, asked_at))
    return Bundle({name: rows for name, rows in tables.items() if rows})


def slow_statement(text: str, seconds: float, row_count: int | None, plan: str) -> Bundle:
    """Return the row of a statement that took long; one that was stopped brought no rows."""
    row = (new_id(), datetime.now(UTC), storable(text), seconds, row_count, storable(plan))
    return Bundle({"statements": [row]})


def storable(text: str) -> str:
    r"""Return the text as UTF-8 can hold it and PostgreSQL takes it; most texts come back as they are.

    Examples
    --------
    >>> [ascii(storable(text)) for text in ("a\x00b", "\ud83d\ude00", "\ud83d")]
    ["'a\\ufffdb'", "'\\U0001f600'", "'\\ufffd'"]
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\x00", _REPLACEMENT)


def _question(question: Question, asked_at: datetime, circle: str | None) -> Row:
    return (
        storable(question.id),
        asked_at,
        storable(question.text),
        _text(question.context),
        question.answer.kind,
        storable(question.answer.spec()),
        _json([[example.question, example.answer] for example in question.examples]),
        question.digest,
        _json(list(question.tags)),
        circle,
    )


def response_row(response: Response, asked_at: datetime) -> Row:
    """Return the row of one response to a question of that time."""
    return (
        storable(response.id),
        storable(response.question_id),
        asked_at,
        storable(response.expert),
        _text(response.source),
        _text(response.outcome),
        _answer(response.answer),
        _text(response.raw),
        _text(response.reason),
        _number(response.confidence),
        _text(response.confidence_source),
        _json([[choice, _number(share)] for choice, share in response.probabilities]),
        _integer(response.usage.input_tokens),
        _integer(response.usage.output_tokens),
        _number(response.usage.cost_usd),
        _number(response.latency_s),
        _integer(response.calls),
    )


def _verdict(verdict: Verdict, question: Question, asked_at: datetime) -> Row:
    support, agreement, usage = verdict.support, verdict.agreement, verdict.usage
    return (
        storable(verdict.id),
        storable(question.id),
        asked_at,
        _time(verdict.decided_at),
        _text(verdict.method),
        _text(verdict.decision),
        _answer(verdict.answer),
        _json(list(verdict.ties)),
        bool(verdict.degraded),
        _integer(support.n),
        _integer(support.of),
        _number(support.share),
        _number(support.low),
        _number(support.high),
        _number(agreement.value if agreement else None),
        _number(agreement.low if agreement else None),
        _number(agreement.high if agreement else None),
        _text(agreement.method if agreement else None),
        _integer(usage.input_tokens),
        _integer(usage.output_tokens),
        _number(usage.cost_usd),
        _json([[expert, _number(weight)] for expert, weight in verdict.weights]),
        _text(verdict.course),
        heard(verdict.responses),
    )


def heard(responses: Iterable[Response]) -> str:
    """Return under which name a verdict counts which response: a JSON list of pairs of name and id.

    Examples
    --------
    >>> from consilience.models import Outcome, Response, Source
    >>> said = Response(question_id="q", expert="ana", source=Source.MODEL, outcome=Outcome.FAILED, id="7")
    >>> heard([said])
    '[["ana", "7"]]'
    """
    pairs = [f"[{_quoted(storable(r.expert))}, {_quoted(storable(r.id))}]" for r in responses]
    return f"[{', '.join(pairs)}]"


def _recommendations(verdict: Verdict, question: Question, asked_at: datetime) -> Iterable[Row]:
    for place, row in enumerate(verdict.recommendations, start=1):
        yield (
            f"{storable(verdict.id)}-{place}",
            storable(verdict.id),
            storable(question.id),
            asked_at,
            place,
            storable(row.text),
            _json(list(row.experts)),
            _integer(row.support),
            _json(list(row.conflicts)),
            _json([[said.expert, said.position, said.text] for said in row.sources]),
        )


def _rounds(verdict: Verdict, question: Question, asked_at: datetime) -> Iterable[Row]:
    for each in verdict.rounds:
        put = dict(each.questions)
        for response in each.responses:
            shown = put.get(response.expert, question)
            yield (
                f"{storable(verdict.id)}-{each.number}-{storable(response.expert)}",
                asked_at,
                storable(verdict.id),
                storable(question.id),
                each.number,
                storable(shown.text),
                _text(shown.context),
                storable(response.id),
                *response_row(response, asked_at)[3:],
            )


def _answer(answer: AnswerValue | None) -> str | None:
    if answer is None or isinstance(answer, str):
        return _text(answer)
    return _json(list(answer)) if isinstance(answer, tuple) else repr(float(answer))


def _json(values: Sequence[object]) -> str:
    if not values:
        return "[]"
    return json.dumps(_storable_within(values), ensure_ascii=False)


def _storable_within(value: object) -> object:
    # Cleaned before json.dumps: afterwards a NUL would be the six characters \u0000, which PostgreSQL refuses in JSON.
    if isinstance(value, str):
        return storable(value)
    return [_storable_within(part) for part in value] if isinstance(value, list) else value


def _text(text: str | None) -> str | None:
    return None if text is None else storable(str(text))


def _number(value: float | None) -> float | None:
    # NaN means unknown here; NULL says so in SQL, where aggregates pass over it.
    return None if value is None or math.isnan(value) else float(value)


def _integer(value: int | None) -> int | None:
    return None if value is None or not -_INT64 <= value < _INT64 else int(value)


def _time(when: datetime) -> datetime:
    return when.astimezone(UTC)
