"""Answers that were recorded before, replayed."""

from __future__ import annotations

import itertools
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from consilience.errors import Abstained, ExpertError, InvalidInput, RecordingMiss, Refused
from consilience.markup.displayed import FrameDisplayed
from consilience.models import ConfidenceSource, Label, Outcome, Question, Reply, Source, Usage, quoted

if TYPE_CHECKING:
    import polars as pl

_LOG = logging.getLogger("consilience.recorded")

_Key: TypeAlias = str | tuple[str, frozenset[str]]
_COLUMNS = {
    "question": ("question", "String"),
    "answer": ("answer", "String"),
    "outcome": ("outcome", "String"),
    "confidence": ("confidence", "Float64"),
    "confidence_source": ("confidence_source", "String"),
    "input_tokens": ("prompt_tokens", "Int64"),
    "output_tokens": ("completion_tokens", "Int64"),
    "cost_usd": ("cost_usd", "Float64"),
    "calls": ("calls", "Int64"),
    "latency_s": ("latency_s", "Float64"),
    "recorded_at": ("recorded_at", "String"),
}


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a recording comes from, as its rows say; ``unknown`` where they do not."""

    path: Path
    model: str
    made_with: str


class Recorded(FrameDisplayed):
    """One expert's recorded answers; a question that was not recorded raises `RecordingMiss`, it is never guessed.

    Parameters
    ----------
    path
        A file that `Circle.record` wrote, or any of JSON lines with ``question``, ``answer``, ``expert`` and, where
        they were asked for, ``labels``; ``confidence``, ``confidence_source``, ``probs``, ``prompt_tokens``,
        ``completion_tokens``, ``model``, ``made_with`` are used when present.
    expert
        Whose rows are replayed; may be left out when the file holds one expert only.
    name
        The name in the circle; the recorded expert's by default.

    Raises
    ------
    InvalidInput
        The file is not there, a line is not such a row, or ``expert`` is missing or unknown.

    Notes
    -----
    Cost and latency were those of another day: the cost of a replay is 0, its latency is what the look-up takes; what
    they were stands in `to_polars`. A row that says of itself what else was shown (``digest``) answers only a question
    with the same context, examples and answer kind; one without it, any with the same text and choices. A question
    that was recorded several times gets its answers in turn, from the first again after the last.
    """

    source = Source.RECORDED

    def __init__(self, path: str | Path, expert: str | None = None, *, name: str | None = None) -> None:
        file = Path(path)
        rows = _rows(file)
        chosen = _chosen(expert, sorted({str(row["expert"]) for row in rows}), file)
        mine = [row for row in rows if row["expert"] == chosen]
        self.name = name or chosen
        self.provenance = Provenance(
            file, str(mine[0].get("model", "unknown")), str(mine[0].get("made_with", "unknown"))
        )
        self._rows = mine
        said: dict[_Key, list[Reply | ExpertError]] = {}
        for row in mine:
            said.setdefault(_key_of(row), []).append(_said(row))
        self._turns = {key: itertools.cycle(replies) for key, replies in said.items()}

    @classmethod
    def everyone(cls, path: str | Path) -> list[Recorded]:
        """Return all experts of a recording, sorted by name; errors are those of `Recorded`."""
        return [cls(path, name) for name in sorted({str(row["expert"]) for row in _rows(Path(path))})]

    def __repr__(self) -> str:
        return f"Recorded({self.name!r}, {len(self._rows)} answers from {self.provenance.path.name})"

    async def answer(self, question: Question) -> Reply:
        """Return the recorded reply, or raise the recorded `Abstained` or `Refused`.

        Raises
        ------
        RecordingMiss
            This was not asked when it was recorded.
        """
        choices = question.answer.choices if isinstance(question.answer, Label) else ()
        turns = self._turns.get(question.digest) or self._turns.get(_key(question.text, choices))
        if turns is None:
            among = f" among {', '.join(choices)}" if choices else ""
            raise RecordingMiss(
                f"{self.provenance.path.name} holds no answer of {self.name} to {quoted(question.text)}{among}: "
                "record it, or ask a live expert."
            )
        said = next(turns)
        if isinstance(said, ExpertError):
            raise type(said)(str(said))
        return said

    def to_polars(self) -> pl.DataFrame:
        """Return one row a recorded answer, with what it took when it was given.

        Returns
        -------
        polars.DataFrame
            ``question``, ``answer``, ``outcome``, ``confidence``, ``confidence_source``, ``input_tokens``,
            ``output_tokens``, ``cost_usd``, ``calls``, ``latency_s``, ``recorded_at``; null is unknown.
        """
        import polars as pl

        schema = {name: getattr(pl, kind) for name, (_, kind) in _COLUMNS.items()}
        rows = [[_cell(row.get(field), kind) for field, kind in _COLUMNS.values()] for row in self._rows]
        return pl.DataFrame(rows, schema=schema, orient="row")

    async def aclose(self) -> None:
        """Nothing is held."""


def _key(text: str, choices: tuple[str, ...] | list[str]) -> _Key:
    return text.strip(), frozenset(choices)


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"A recording in JSON lines is required, {file} cannot be read: {error}"
        ) from error
    lines = text.split("\n")
    if len(lines) > 1 and not _whole(lines[-1]):
        _LOG.warning("%s ends in half a line, which is left out: its recorder did not end it.", file)
        lines.pop()
    rows = [_row(file, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise InvalidInput(f"The recording {file} holds no answers: record some, or name another file.")
    return rows


def _whole(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return not line.strip()
    return True


def _row(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InvalidInput(
            f"{file}, line {number}: a JSON object is required, {quoted(line)} came."
        ) from error
    missing = (
        [name for name in ("question", "answer", "expert") if name not in row]
        if isinstance(row, dict)
        else []
    )
    if missing or not isinstance(row, dict):
        raise InvalidInput(
            f"{file}, line {number}: an object with question, answer and expert is required"
            + (f"; {', '.join(missing)} is missing." if missing else f", {quoted(line)} came.")
        )
    return row


def _chosen(expert: str | None, names: list[str], file: Path) -> str:
    if expert is None and len(names) == 1:
        return names[0]
    if expert not in names:
        came = "none was named" if expert is None else f"{expert!r} came"
        raise InvalidInput(
            f"{file.name} holds the experts {', '.join(names)}; {came}: name one with expert='...'."
        )
    return str(expert)


def _key_of(row: dict[str, Any]) -> _Key:
    digest = row.get("digest")
    return digest if isinstance(digest, str) else _key(row["question"], row.get("labels") or ())


def _cell(value: object, kind: str) -> object:
    if value is None or kind != "String":
        return value
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _said(row: dict[str, Any]) -> Reply | ExpertError:
    outcome, why = row.get("outcome"), str(row.get("reason") or "no reason was recorded")
    if outcome == Outcome.ABSTAINED:
        return Abstained(why)
    return Refused(why) if outcome == Outcome.REFUSED else _reply(row)


def _reply(row: dict[str, Any]) -> Reply:
    confidence = row.get("confidence")
    source = ConfidenceSource(row.get("confidence_source", ConfidenceSource.TOKENS))
    probabilities = row.get("probs") or {}
    answer = row["answer"]
    return Reply(
        raw=tuple(answer) if isinstance(answer, list) else answer,
        confidence=confidence,
        confidence_source=None if confidence is None else source,
        probabilities=tuple((str(label), float(p)) for label, p in probabilities.items()),
        usage=Usage(row.get("prompt_tokens"), row.get("completion_tokens"), 0.0),
    )
