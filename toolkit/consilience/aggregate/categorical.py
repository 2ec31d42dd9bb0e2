"""Voting on labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.aggregate.result import Aggregation
from consilience.frames import Frame, long_frame

if TYPE_CHECKING:
    import polars as pl


def majority(frame: Frame, *, strict: bool = True) -> Aggregation:
    """Majority vote of each task.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``label``. A null label is an expert who was asked and gave no answer.
    strict
        Whether more than half of the *asked* experts must agree, so that an answer cannot win because others were
        silent. Otherwise the most frequent label wins (plurality). A tie is never broken.

    Returns
    -------
    Aggregation
        Independent of the order of rows and experts.

    Raises
    ------
    InvalidFrame
        A column is missing, or an expert answered a task twice.

    Examples
    --------
    >>> frame = {"task": [1, 1, 1, 2, 2], "expert": list("abcab"), "label": ["x", "x", None, "x", "y"]}
    >>> majority(frame).answers.select("task", "answer", "decision").rows()
    [(1, 'x', 'majority'), (2, None, 'tie')]
    """
    import polars as pl

    table = long_frame(frame)
    tasks = table["task"].unique(maintain_order=True)
    labels = table["label"].drop_nulls().unique().sort()
    counts = _counted(table, tasks, labels)
    wins = pl.col("votes") * 2 > pl.col("asked") if strict else pl.col("votes") > 0
    decision = (
        pl.when(pl.col("answered") == 0)
        .then(pl.lit("no answer"))
        .when(pl.col("tied"))
        .then(pl.lit("tie"))
        .when(wins)
        .then(pl.lit("majority" if strict else "plurality"))
        .otherwise(pl.lit("no majority"))
        .alias("decision")
    )
    whole = counts.with_columns(decision)
    decided = pl.col("decision").is_in(["majority", "plurality"])
    answers = whole.select(
        "task", pl.when(decided).then("leader").alias("answer"), "votes", "answered", "asked", "decision"
    )
    return Aggregation(answers, _ties(table, whole), "strict majority" if strict else "plurality")


def _counted(table: pl.DataFrame, tasks: pl.Series, labels: pl.Series) -> pl.DataFrame:
    import polars as pl

    from consilience import kernels

    task_codes = _codes(table["task"], tasks)
    votes = kernels.majority(
        task_codes.to_numpy(),
        _codes(table["label"], labels).fill_null(-1).to_numpy(),
        len(tasks),
        len(labels),
    )
    winner = pl.Series("leader", votes.winner)
    return pl.DataFrame(
        {
            "task": tasks,
            "leader": labels.gather(winner.replace(-1, None)).alias("leader"),
            "votes": votes.count,
            "answered": votes.answers,
            "asked": task_codes.to_frame("code").group_by("code").len().sort("code")["len"].cast(pl.Int32),
            "tied": votes.tied,
        }
    )


def _codes(values: pl.Series, distinct: pl.Series) -> pl.Series:
    import polars as pl

    codes = pl.DataFrame({"value": distinct, "code": pl.int_range(len(distinct), dtype=pl.Int32, eager=True)})
    return values.to_frame("value").join(codes, on="value", how="left", maintain_order="left")["code"]


def _ties(table: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    tied = counted.filter(counted["decision"] == "tie").select("task", "votes")
    per_label = table.drop_nulls("label").group_by("task", "label").len("votes")
    return tied.join(per_label, on=["task", "votes"]).select("task", "label", "votes").sort("task", "label")
