"""Verdicts of a run as columns, which take a tenth of the memory of the objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.models import Outcome
from consilience.verdict import Decision, Verdict
from consilience.verdict.result import shown

if TYPE_CHECKING:
    import polars as pl

_CHUNK = 4096
_NUMBER = "__row__"
CONFIDENCE = "confidence"


class Collected:
    """Rows and answers, kept in chunks of columns.

    Parameters
    ----------
    key, dtype
        Name and type of the key column.
    experts
        Names of all experts, replicates included.
    """

    def __init__(self, key: str, dtype: pl.DataType, experts: list[str]) -> None:
        import polars as pl

        self._key = key
        self._experts = pl.Enum(experts)
        self._schema: dict[str, pl.DataType | type[pl.DataType]] = {
            _NUMBER: pl.UInt32,
            key: dtype,
            "answer": pl.String,
            "decision": pl.Enum([str(decision) for decision in Decision]),
            "support": pl.Float32,
            "support_n": pl.UInt16,
            "support_of": pl.UInt16,
            "agreement": pl.Float32,
            "outcomes": pl.Categorical,
            "degraded": pl.Boolean,
            "reused": pl.UInt16,
            "cost_usd": pl.Float64,
            CONFIDENCE: pl.Float32,
        }
        self._answers_schema: dict[str, pl.DataType | type[pl.DataType]] = {
            _NUMBER: pl.UInt32,
            "expert": self._experts,
            "outcome": pl.Enum([str(outcome) for outcome in Outcome]),
            "label": pl.String,
            "confidence": pl.Float32,
            "cost_usd": pl.Float64,
        }
        self._rows: list[tuple[object, ...]] = []
        self._answers: list[tuple[object, ...]] = []
        self._row_chunks: list[pl.DataFrame] = []
        self._answer_chunks: list[pl.DataFrame] = []

    def add(self, number: int, key: object, verdict: Verdict, n_reused: int) -> None:
        """Take one row's verdict."""
        support, agreement = verdict.support, verdict.agreement
        outcomes = ", ".join(f"{n} {outcome}" for outcome, n in verdict.outcomes.items())
        known = [r.confidence for r in verdict.responses if r.confidence is not None]
        self._rows.append(
            (
                number,
                key,
                None if verdict.answer is None else shown(verdict.answer),
                verdict.decision.value,
                support.share,
                support.n,
                support.of,
                None if agreement is None else agreement.value,
                outcomes,
                verdict.degraded,
                n_reused,
                verdict.usage.cost_usd,
                sum(known) / len(known) if known else None,
            )
        )
        for r in verdict.responses:
            label = None if r.answer is None else shown(r.answer)
            self._answers.append((number, r.expert, r.outcome.value, label, r.confidence, r.usage.cost_usd))
        if len(self._rows) >= _CHUNK:
            self._pack()

    def frame(self) -> pl.DataFrame:
        """Return one row a question, in the order of the frame."""
        import polars as pl

        self._pack()
        whole = pl.concat(self._row_chunks) if self._row_chunks else pl.DataFrame(schema=self._schema)
        self._row_chunks = []
        order = whole[_NUMBER].arg_sort()
        # Column by column, so that the frame is never there twice.
        whole = pl.DataFrame([whole.drop_in_place(name).gather(order) for name in self._schema])
        self._row_chunks = [whole]
        return whole.with_columns(pl.col("outcomes").cast(pl.String), pl.col("decision").cast(pl.String))

    def answers(self) -> pl.DataFrame:
        """Return one row an answer, with the key of its row as ``task``."""
        import polars as pl

        self._pack()
        answers = (
            pl.concat(self._answer_chunks)
            if self._answer_chunks
            else pl.DataFrame(schema=self._answers_schema)
        )
        # Both are counted by rows, so no table of a million keys is made to join them.
        rows = pl.concat(self._row_chunks) if self._row_chunks else pl.DataFrame(schema=self._schema)
        rows = rows.select(_NUMBER, self._key).sort(_NUMBER)
        place = rows[_NUMBER].search_sorted(answers[_NUMBER])
        return answers.select(rows[self._key].gather(place).alias("task"), pl.exclude(_NUMBER))

    def _pack(self) -> None:
        import polars as pl

        if self._rows:
            self._row_chunks.append(pl.DataFrame(self._rows, schema=self._schema, orient="row"))
            self._answer_chunks.append(pl.DataFrame(self._answers, schema=self._answers_schema, orient="row"))
            self._rows, self._answers = [], []


ROW_NUMBER = _NUMBER
