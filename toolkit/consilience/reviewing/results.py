"""The result of a run with a person's answers in it, as if they had been a member of the circle for these rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from consilience.models import Response
from consilience.reviewing.places import answers_of
from consilience.runs import RunResult
from consilience.runs.collected import ROW_NUMBER, Collected
from consilience.runs.result import COLUMNS
from consilience.verdict import decide
from consilience.verdict.methods import usual

if TYPE_CHECKING:
    import polars as pl


def reviewed(result: RunResult, said: Mapping[object, Response]) -> RunResult:
    """Return the result with responses of a person, by the key of their row; those rows are decided again.

    Parameters
    ----------
    result
        What a run gave; it stays as it is.
    said
        Responses to rows of it.
    """
    if not said:
        return result
    import polars as pl

    names = [str(name) for name in result.answers["expert"].cast(pl.String).unique(maintain_order=True)]
    own = [name for name in dict.fromkeys(r.expert for r in said.values()) if name not in names]
    again = _decided(result, said, [*names, *own])
    numbers = again.frame()
    kept = result.certainty.filter(~pl.col(ROW_NUMBER).is_in(numbers[ROW_NUMBER].implode()))
    certainty = pl.concat([kept, numbers.select(kept.columns)], how="vertical_relaxed").sort(ROW_NUMBER)
    added = again.answers().filter(pl.col("expert").cast(pl.String).is_in(own))
    members = pl.Enum([*names, *own])
    return replace(
        result,
        certainty=certainty,
        frame=certainty.select(result.key, *COLUMNS),
        answered=partial(_together, result, added, members),
    )


def _decided(result: RunResult, said: Mapping[object, Response], names: list[str]) -> Collected:
    import polars as pl

    keys = list(said)
    collected = Collected(result.key, result.certainty.schema[result.key], names)
    rows = result.certainty.filter(
        pl.col(result.key).is_in(pl.Series(keys, dtype=_key_type(result)).implode())
    )
    found = {row[result.key]: row for row in rows.iter_rows(named=True)}
    method = usual(result.job.answer, result.job.method)
    for key, question in zip(keys, result.questions(keys), strict=True):
        responses = [*answers_of(result, key, question), said[key]]
        verdict = decide(question, responses, method=method)
        collected.add(found[key][ROW_NUMBER], key, verdict, found[key]["reused"])
    return collected


def _key_type(result: RunResult) -> pl.DataType:
    return result.certainty.schema[result.key]


def _together(result: RunResult, added: pl.DataFrame, members: pl.Enum) -> pl.DataFrame:
    import polars as pl

    own = pl.col("expert").cast(pl.String).cast(members)
    return pl.concat([part.with_columns(own) for part in (result.answers, added)])
