"""Answers that were recorded before, replayed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from consilience.errors import InvalidInput, RecordingMiss
from consilience.models import ConfidenceSource, Label, Question, Reply, Source, Usage, quoted

_Key: TypeAlias = tuple[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a recording comes from, as its rows say; ``unknown`` where they do not."""

    path: Path
    model: str
    made_with: str


class Recorded:
    """One expert's recorded answers; a question that was not recorded raises `RecordingMiss`, it is never guessed.

    Parameters
    ----------
    path
        A file of JSON lines with ``question``, ``answer``, ``expert`` and, where they were asked for, ``labels``;
        ``confidence``, ``probs``, ``prompt_tokens``, ``completion_tokens``, ``model``, ``made_with`` are used when
        present.
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
    Cost and latency were those of another day: the cost of a replay is 0, its latency is what the look-up takes.
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
        self._replies = {_key(row["question"], row.get("labels") or ()): _reply(row) for row in mine}

    def __repr__(self) -> str:
        return f"Recorded({self.name!r}, {len(self._replies)} answers from {self.provenance.path.name})"

    async def answer(self, question: Question) -> Reply:
        """Return the recorded reply to the same text with the same choices."""
        choices = question.answer.choices if isinstance(question.answer, Label) else ()
        try:
            return self._replies[_key(question.text, choices)]
        except KeyError:
            among = f" among {', '.join(choices)}" if choices else ""
            raise RecordingMiss(
                f"{self.provenance.path.name} holds no answer of {self.name} to {quoted(question.text)}{among}: "
                "record it, or ask a live expert."
            ) from None

    async def aclose(self) -> None:
        """Nothing is held."""


def _key(text: str, choices: tuple[str, ...] | list[str]) -> _Key:
    return text.strip(), frozenset(choices)


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"A recording in JSON lines is required, {file} cannot be read: {error}"
        ) from error
    rows = [_row(file, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise InvalidInput(f"The recording {file} holds no answers: record some, or name another file.")
    return rows


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


def _reply(row: dict[str, Any]) -> Reply:
    confidence = row.get("confidence")
    probabilities = row.get("probs") or {}
    answer = row["answer"]
    return Reply(
        raw=tuple(answer) if isinstance(answer, list) else answer,
        confidence=confidence,
        confidence_source=None if confidence is None else ConfidenceSource.TOKENS,
        probabilities=tuple((str(label), float(p)) for label, p in probabilities.items()),
        usage=Usage(row.get("prompt_tokens"), row.get("completion_tokens"), 0.0),
    )
