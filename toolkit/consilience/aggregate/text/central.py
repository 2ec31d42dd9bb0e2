"""The answer that is most like all others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.aggregate.text.answers import TaskAnswers, read_answers
from consilience.aggregate.text.baseline import likeness, unrelated_texts
from consilience.aggregate.text.clusters import clustered, clusters_frame
from consilience.aggregate.text.result import TextAggregation
from consilience.contradiction import Claims
from consilience.equivalence import Comparison, Equivalence, Lexical
from consilience.frames import Frame

if TYPE_CHECKING:
    import polars as pl

__all__ = ["medoid"]

_EQUAL = 1e-9  # sums of floats differ by their order


def medoid(
    frame: Frame, *, equivalence: Equivalence | None = None, unrelated: Sequence[str] | None = None
) -> TextAggregation:
    """Answer of each task with the highest mean similarity to the other answers.

    Parameters
    ----------
    frame, equivalence
        As in `consilience.aggregate.text_clusters`. A text that the guard keeps apart from another has a similarity
        of 0 to it, however alike their words or embeddings are.
    unrelated
        As in `consilience.aggregate.self_consistency`.

    Returns
    -------
    TextAggregation
        `answers` holds ``answer`` (null where several different texts are equally central, as any two are),
        ``similarity`` (its mean to the answers of the other experts; null for a single answer) and ``unrelated``, the
        mean similarity of two unrelated texts: embeddings often give these .3 and more.

    Raises
    ------
    InvalidFrame
        As in `consilience.aggregate.text_clusters`.
    InvalidInput
        As in `consilience.aggregate.self_consistency`.

    Examples
    --------
    >>> said = ["Shard by tenant", "Shard the orders by tenant", "Shard orders by tenant and day", "Wait"]
    >>> found = medoid({"task": [1] * 4, "expert": list("abcd"), "text": said}).answers
    >>> found["answer"].item(), round(found["similarity"].item(), 3)
    ('Shard the orders by tenant', 0.472)
    """
    chosen = equivalence or Lexical()
    answers = read_answers(frame)
    claims, comparison = answers.compared(chosen)
    found = clustered(answers, claims, comparison)
    beside, note = unrelated_texts(answers, chosen, unrelated, similarities=True)
    central = [_central(claims, comparison, task) for task in answers.tasks]
    baseline = None if math.isnan(beside.similarity) else beside.similarity
    return TextAggregation(
        answers=_frame(
            answers.task_column,
            [None if row is None else answers.texts[row] for row, _ in central],
            [similarity for _, similarity in central],
            baseline,
            [
                (len(clusters), task.answered, task.asked)
                for clusters, task in zip(found, answers.tasks, strict=True)
            ],
        ),
        clusters=clusters_frame(answers, found),
        method="medoid",
        equivalence=chosen.method,
        note=note,
    )


def _central(claims: Claims, comparison: Comparison, task: TaskAnswers) -> tuple[int | None, float | None]:
    import numpy as np

    if not task.rows:
        return None, None
    if task.answered == 1:
        return task.rows[0], None
    if len(task.rows) == 1:
        return task.rows[0], 1.0
    votes = np.array([len(who) for who in task.experts], dtype=np.float64)
    # each expert's answer is compared with those of the others, so that its likeness to itself counts once less
    mean = (likeness(claims, comparison, task.rows) @ votes - 1) / (task.answered - 1)
    best = np.flatnonzero(mean >= mean.max() - _EQUAL)
    return (task.rows[best[0]] if best.size == 1 else None), float(mean.max())


def _frame(
    tasks: pl.Series,
    said: Sequence[str | None],
    similarity: Sequence[float | None],
    baseline: float | None,
    counts: Sequence[tuple[int, int, int]],
) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        [
            tasks,
            pl.Series("answer", said, pl.String),
            pl.Series("similarity", similarity, pl.Float64),
            pl.Series("unrelated", [baseline] * len(tasks), pl.Float64),
            *(
                pl.Series(name, [count[at] for count in counts], pl.Int64)
                for at, name in enumerate(("clusters", "answered", "asked"))
            ),
        ]
    )
