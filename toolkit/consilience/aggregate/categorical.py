"""Voting on labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.aggregate.ballots import refuse_repeats
from consilience.aggregate.result import Aggregation
from consilience.frames import Coded, Frame, answer_columns, coded

if TYPE_CHECKING:
    import polars as pl

    from consilience.kernels import Majority


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
    import numpy as np
    import polars as pl

    from consilience import kernels

    table = answer_columns(frame)
    tasks, experts, labels = coded(table["task"]), coded(table["expert"]), coded(table["label"]).ascending()
    sizes = len(tasks.distinct), len(experts.distinct), len(labels.distinct)
    answers = kernels.layout(tasks.codes, experts.codes, labels.codes, *sizes)
    refuse_repeats(answers, tasks.distinct, experts.distinct, table)
    votes = kernels.majority(tasks.codes, labels.codes, sizes[0], sizes[2])

    wins = votes.count > answers.asked // 2 if strict else votes.count > 0
    decision = np.select([votes.answers == 0, votes.tied, wins], [0, 1, 2], 3)
    names = pl.Series(["no answer", "tie", "majority" if strict else "plurality", "no majority"])
    padded = labels.distinct.extend_constant(None, 1)  # the last place is for tasks without an answer
    columns = {
        "task": tasks.distinct,
        "answer": padded.gather(np.where(decision == 2, votes.winner, sizes[2])),
        "votes": votes.count,
        "answered": votes.answers,
        "asked": answers.asked,
        "decision": names.gather(decision),
    }
    return Aggregation(
        answers=pl.DataFrame(columns),
        ties=_ties(tasks, labels, votes),
        method="strict majority" if strict else "plurality",
    )


def _ties(tasks: Coded, labels: Coded, votes: Majority) -> pl.DataFrame:
    """Return the labels that lead together; only the rows of tied tasks are counted again."""
    import numpy as np
    import polars as pl

    rows = np.flatnonzero(votes.tied[tasks.codes])
    rows = rows[labels.codes[rows] >= 0]
    pairs = tasks.codes[rows].astype(np.int64) * len(labels.distinct) + labels.codes[rows]
    pair, count = np.unique(pairs, return_counts=True)
    task, label = np.divmod(pair, max(len(labels.distinct), 1))
    leads = np.flatnonzero(count == votes.count[task])
    ties = pl.DataFrame(
        {
            "task": tasks.distinct.gather(task[leads]),
            "label": labels.distinct.gather(label[leads]),
            "votes": votes.count[task[leads]],
        }
    )
    return ties.sort("task", "label") if len(ties) else ties
