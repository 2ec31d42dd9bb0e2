"""How good stated probabilities were once the events are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.aggregate.numeric.quantiles import student_quantiles
from consilience.aggregate.numeric.scores import Scores, read_scores, read_truth, require_share
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BrierScores:
    """Mean squared error of each expert's probabilities: 0 is perfect, always saying 1/2 gives 0.25.

    Parameters
    ----------
    experts
        A row an expert, ascending: ``expert``, ``brier`` with ``low`` and ``high``, ``climate`` (what the share of
        events, said of each of the same tasks, would have scored), ``skill`` (1 - brier / climate; below 0 is worse
        than that share), ``scored``, ``answered`` and ``asked`` tasks. Null where nothing supports the figure.
    confidence
        Probability that the interval covers, tasks being independent.
    """

    experts: pl.DataFrame
    confidence: float

    def __repr__(self) -> str:
        known = self.experts.drop_nulls("brier").sort("brier", "expert")
        if known.is_empty():
            return f"<BrierScores: none of {len(self.experts):,} experts could be scored>"
        best = known.row(0, named=True)
        return f"<BrierScores of {len(known):,} experts: lowest {best['brier']:.3f}, {best['expert']!r}>"

    def to_polars(self) -> pl.DataFrame:
        """Return `experts`."""
        return self.experts

    def _repr_html_(self) -> str:
        from consilience.markup import page, table

        shown = self.experts.head(50)
        note = "Experts who answered different tasks are compared by skill, not by the score itself."
        return page(table(shown.columns, shown.rows(), numeric=shown.columns[1:]), note=note)


def brier_score(frame: Frame, gold: Frame, *, confidence: float = 0.95) -> BrierScores:
    """Score each expert's probabilities against what came about.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``score``, each score the probability that the event comes about. A null
        score is an expert who gave no answer: it is not scored, and shows in ``asked`` minus ``answered``. To score a
        pool, give its estimates as one more expert.
    gold
        Frame with ``task`` and ``score``, 1 (or true) where the event came about, else 0; other tasks are not scored.
    confidence
        Probability that the interval covers: Student's, of the mean over tasks, kept within 0 and 1. It takes two
        tasks, and is too narrow where an expert's squared errors have hardly differed so far.

    Returns
    -------
    BrierScores
        Independent of the order of rows.

    Raises
    ------
    InvalidFrame
        A column is missing, a score lies outside 0 to 1, an expert answered a task twice, or gold cannot be used.

    Notes
    -----
    G. W. Brier, *Monthly Weather Review* 78 (1950), 1-3, for two outcomes and counting one of them, so that the score
    lies from 0 to 1 (Brier's own is twice that).

    Examples
    --------
    >>> frame = {"task": [1, 2], "expert": ["a", "a"], "score": [0.9, 0.4]}
    >>> brier_score(frame, {"task": [1, 2], "score": [1, 0]}).experts["brier"].round(3).to_list()
    [0.085]
    """
    import numpy as np

    require_share("confidence", confidence)
    scores = read_scores(frame, probabilities=True)
    truth = read_truth(gold, scores, events=True)[scores.task]
    on = np.isfinite(truth)
    n = scores.per_expert(on.astype(np.float64))
    squared = np.where(on, np.square(scores.value - np.where(on, truth, 0.0)), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        brier = scores.per_expert(squared) / n
        share = scores.per_expert(np.where(on, truth, 0.0)) / n
        around = np.where(on, np.square(squared - brier[scores.expert]), 0.0)
        error = np.sqrt(scores.per_expert(around) / (n * (n - 1)))
        half = error * student_quantiles((n - 1).astype(np.int64), confidence)
        climate = share * (1 - share)
        skill = np.where(climate > 0, 1 - brier / climate, np.nan)
    numbers = {
        "brier": brier,
        "low": np.clip(brier - half, 0, 1),
        "high": np.clip(brier + half, 0, 1),
        "climate": climate,
        "skill": skill,
    }
    return BrierScores(experts=_experts(frame, scores, numbers, n), confidence=confidence)


def _experts(frame: Frame, scores: Scores, numbers: dict[str, Array], n: Array) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    from consilience.frames import answer_columns

    asked = answer_columns(frame, value="score").group_by("expert").len("asked")
    columns = {name: pl.Series(each, nan_to_null=True, dtype=pl.Float64) for name, each in numbers.items()}
    counts = {
        "scored": pl.Series(n.astype(np.int64)),
        "answered": pl.Series(np.bincount(scores.expert, minlength=n.size)),
    }
    table = pl.DataFrame({"expert": scores.experts, **columns, **counts})
    return table.join(asked.cast({"asked": pl.Int64}), on="expert", how="left", maintain_order="left")
