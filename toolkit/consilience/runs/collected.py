"""Verdicts of a run, as packed columns in place of objects."""

from __future__ import annotations

import io
from math import isnan
from operator import itemgetter
from typing import TYPE_CHECKING

from consilience.models import AnswerValue, Outcome
from consilience.verdict import Verdict
from consilience.verdict.result import shown

if TYPE_CHECKING:
    import polars as pl

    _Row = tuple[object, ...]
    _Schema = dict[str, pl.DataType | type[pl.DataType]]

_PART = 4096
_OPEN = 4 * _PART
_NUMBER = "__row__"
_NUMBER_OF = itemgetter(0)
CONFIDENCE = "confidence"


class Collected:
    """Rows and answers in the order of the frame, whatever order they come in.

    Rows of the frame that lie together are packed together once they are all there. So nothing has to be sorted at the
    end, when there is least room for a second copy.

    Parameters
    ----------
    key, dtype
        Name and type of the key column.
    experts
        Names of all experts, replicates included.
    """

    def __init__(self, key: str, dtype: pl.DataType, experts: list[str]) -> None:
        import polars as pl

        self._schema: _Schema = {
            _NUMBER: pl.UInt32,
            key: dtype,
            "answer": pl.String,
            "decision": pl.String,
            "support": pl.Float32,
            "support_n": pl.UInt16,
            "support_of": pl.UInt16,
            "agreement": pl.Float32,
            "outcomes": pl.String,
            "degraded": pl.Boolean,
            "reused": pl.UInt16,
            "cost_usd": pl.Float64,
            CONFIDENCE: pl.Float32,
        }
        self._answers_schema: _Schema = {
            _NUMBER: pl.UInt32,
            "task": dtype,
            "expert": pl.Enum(experts),
            "outcome": pl.Enum([str(outcome) for outcome in Outcome]),
            "label": pl.String,
            "confidence": pl.Float32,
            "cost_usd": pl.Float64,
        }
        self._open: dict[int, tuple[list[_Row], list[_Row]]] = {}
        self._n_open = 0
        self._rows: dict[int, list[bytes]] = {}
        self._answers: dict[int, list[bytes]] = {}

    def add(self, number: int, key: object, verdict: Verdict, n_reused: int) -> None:
        """Take one row's verdict."""
        support, agreement = verdict.support, verdict.agreement
        known = [r.confidence for r in verdict.responses if r.confidence is not None]
        row = (
            number,
            key,
            None if verdict.answer is None else _text(verdict.answer),
            verdict.decision.value,
            support.share,
            support.n,
            support.of,
            None if agreement is None or isnan(agreement.value) else agreement.value,
            ", ".join(f"{n} {outcome}" for outcome, n in verdict.outcomes.items()),
            verdict.degraded,
            n_reused,
            verdict.usage.cost_usd,
            sum(known) / len(known) if known else None,
        )
        part = number // _PART
        rows, answers = self._open.setdefault(part, ([], []))
        rows.append(row)
        answers.extend(
            (
                number,
                key,
                r.expert,
                r.outcome.value,
                None if r.answer is None else _text(r.answer),
                r.confidence,
                r.usage.cost_usd,
            )
            for r in verdict.responses
        )
        self._n_open += 1
        if len(rows) == _PART:
            self._pack(part)
        elif self._n_open >= _OPEN:  # rows that come late must not hold all others
            self._pack_all()

    def frame(self) -> pl.DataFrame:
        """Return one row a question, in the order of the frame."""
        self._pack_all()
        return _unpacked(self._rows, self._schema)

    def answers(self) -> pl.DataFrame:
        """Return one row an answer, in the order of the frame, with the key of its row as ``task``."""
        self._pack_all()
        return _unpacked(self._answers, self._answers_schema).drop(_NUMBER)

    def _pack_all(self) -> None:
        for part in tuple(self._open):
            self._pack(part)

    def _pack(self, part: int) -> None:
        rows, answers = self._open.pop(part)
        self._n_open -= len(rows)
        for decided, packed, schema in (
            (rows, self._rows, self._schema),
            (answers, self._answers, self._answers_schema),
        ):
            decided.sort(key=_NUMBER_OF)
            packed.setdefault(part, []).append(_packed(decided, schema))


def _text(answer: AnswerValue) -> str:
    """Return an answer on one line, a number so that it reads back as it was."""
    short = shown(answer)
    return repr(answer) if isinstance(answer, float) and float(short) != answer else short


def _packed(rows: list[_Row], schema: _Schema) -> bytes:
    import polars as pl

    sink = io.BytesIO()
    pl.DataFrame(rows, schema=schema, orient="row").write_ipc(sink, compression="zstd")
    return sink.getvalue()


def _unpacked(packed: dict[int, list[bytes]], schema: _Schema) -> pl.DataFrame:
    import polars as pl

    parts = [pl.DataFrame(schema=schema)]
    for number in sorted(packed):
        pieces = [pl.read_ipc(io.BytesIO(piece)) for piece in packed[number]]
        whole = pl.concat(pieces)
        parts.append(whole.sort(_NUMBER, maintain_order=True) if len(pieces) > 1 else whole)
    return pl.concat(parts)


ROW_NUMBER = _NUMBER
