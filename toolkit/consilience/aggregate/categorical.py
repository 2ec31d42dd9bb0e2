"""Voting on labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.aggregate.ballots import refuse_repeats
from consilience.aggregate.result import Aggregation
from consilience.frames import Frame, answer_columns, coded

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
    table = answer_columns(frame)
    answers = _answers(table, strict=strict)
    return Aggregation(
        answers=answers,
        ties=_ties(table, answers),
        method="strict majority" if strict else "plurality",
    )


def _answers(table: pl.DataFrame, *, strict: bool) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    from consilience import kernels

    tasks, experts, labels = coded(table["task"]), coded(table["expert"]), coded(table["label"]).ascending()
    sizes = len(tasks.distinct), len(experts.distinct), len(labels.distinct)
    answers = kernels.layout(tasks.codes, experts.codes, labels.codes, *sizes)
    refuse_repeats(answers, tasks.distinct, experts.distinct, table)
    votes = kernels.majority(tasks.codes, labels.codes, sizes[0], sizes[2])

    wins = votes.count > answers.asked // 2 if strict else votes.count > 0
    decision = np.select([votes.answers == 0, votes.tied, wins], [0, 1, 2], 3)
    names = pl.Series(["no answer", "tie", "majority" if strict else "plurality", "no majority"])
    padded = labels.distinct.extend_constant(None, 1)  # the last place is for tasks without an answer
    return pl.DataFrame(
        {
            "task": tasks.distinct,
            "answer": padded.gather(np.where(decision == 2, votes.winner, sizes[2])),
            "votes": votes.count,
            "answered": votes.answers,
            "asked": answers.asked,
            "decision": names.gather(decision),
        }
    )


def _ties(table: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Return the labels that lead together; only the rows of tied tasks are counted again."""
    tied = answers.filter(answers["decision"] == "tie").select("task", "votes")
    rows = table.join(tied, on="task", how="semi").drop_nulls("label") if len(tied) else table.clear()
    per_label = rows.group_by("task", "label").len("votes")
    return tied.join(per_label, on=["task", "votes"]).select("task", "label", "votes").sort("task", "label")
