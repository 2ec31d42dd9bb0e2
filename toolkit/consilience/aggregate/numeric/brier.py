"""How good stated probabilities were once the events are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.aggregate.numeric.quantiles import student_quantiles
from consilience.aggregate.numeric.scores import Scores, read_scores, read_truth, require_share
from consilience.errors import InvalidInput
from consilience.frames import Frame
from consilience.markup.displayed import FrameDisplayed

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BrierScores(FrameDisplayed):
    """Mean squared error of each expert's probabilities: 0 is perfect, always saying 1/2 gives 0.25.

    Parameters
    ----------
    experts
        A row an expert, ascending: ``expert``, ``brier`` with ``low`` and ``high``, its parts ``reliability`` (how far
        the stated probabilities lie from how often the events came about; 0 is best), ``resolution`` (how far these
        shares lie apart; more is better), ``uncertainty`` (what the share of events, said of each of the same tasks,
        would have scored) and ``within`` (what is left because a bin holds different probabilities), so that brier =
        reliability - resolution + uncertainty + within; ``skill`` (1 - brier / uncertainty; below 0 is worse than that
        share), ``scored``, ``answered`` and ``asked`` tasks. Null where nothing supports the figure.
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

    def _note(self) -> str:
        return "Experts who answered different tasks are compared by skill, not by the score itself."


def brier_score(frame: Frame, gold: Frame, *, bins: int = 10, confidence: float = 0.95) -> BrierScores:
    """Score each expert's probabilities against what came about.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``score``, each score the probability that the event comes about. A null
        score is an expert who gave no answer: it is not scored, and shows in ``asked`` minus ``answered``. To score a
        pool, give its estimates as one more expert.
    gold
        Frame with ``task`` and ``score``, 1 (or true) where the event came about, else 0; other tasks are not scored.
    bins
        Equal parts of 0 to 1 in which probabilities are put together for the parts of the score.
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
    InvalidInput
        ``bins`` is below 1, or ``confidence`` out of its range.

    Notes
    -----
    G. W. Brier, *Monthly Weather Review* 78 (1950), 1-3, for two outcomes and counting one of them, so that the score
    lies from 0 to 1 (Brier's own is twice that). Its parts: A. H. Murphy, *Journal of Applied Meteorology* 12 (1973),
    595-600; within bins D. B. Stephenson, C. A. S. Coelho and I. T. Jolliffe, *Weather and Forecasting* 23 (2008),
    752-757.

    Examples
    --------
    >>> frame = {"task": [1, 2], "expert": ["a", "a"], "score": [0.9, 0.4]}
    >>> brier_score(frame, {"task": [1, 2], "score": [1, 0]}).experts["brier"].round(3).to_list()
    [0.085]
    """
    import numpy as np

    require_share("confidence", confidence)
    if bins < 1:
        raise InvalidInput(f"bins is 1 or more, {bins} came: 10 is usual.")
    scores = read_scores(frame, probabilities=True)
    truth = read_truth(gold, scores, events=True)[scores.task]
    on = np.isfinite(truth)
    n = scores.per_expert(on.astype(np.float64))
    squared = np.where(on, np.square(scores.value - np.where(on, truth, 0.0)), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        brier = scores.per_expert(squared) / n
        around = np.where(on, np.square(squared - brier[scores.expert]), 0.0)
        error = np.sqrt(scores.per_expert(around) / (n * (n - 1)))
        half = error * student_quantiles((n - 1).astype(np.int64), confidence)
        reliability, resolution, uncertainty = _parts(scores, np.where(on, truth, 0.0), on, bins)
        skill = np.where(uncertainty > 0, 1 - brier / uncertainty, np.nan)
    numbers = {
        "brier": brier,
        "low": np.clip(brier - half, 0, 1),
        "high": np.clip(brier + half, 0, 1),
        "reliability": reliability,
        "resolution": resolution,
        "uncertainty": uncertainty,
        "within": brier - (reliability - resolution + uncertainty),
        "skill": skill,
    }
    return BrierScores(experts=_experts(frame, scores, numbers, n), confidence=confidence)


def _parts(
    scores: Scores, came: Array, on: np.ndarray[Any, np.dtype[np.bool_]], bins: int
) -> tuple[Array, Array, Array]:
    """Return reliability, resolution and uncertainty of each expert; the scores that count are ``on``."""
    import numpy as np

    shape = len(scores.experts), bins
    place = np.minimum((scores.value * bins).astype(np.int64), bins - 1)
    cell = (scores.expert.astype(np.int64) * bins + place)[on]
    size = shape[0] * bins
    counts = np.bincount(cell, minlength=size).reshape(shape)
    said, events = (
        np.bincount(cell, each[on], minlength=size).reshape(shape) for each in (scores.value, came)
    )
    n = counts.sum(axis=1)
    share = events.sum(axis=1) / n
    off = np.square(said - events) / np.maximum(counts, 1)
    apart = np.square(events - counts * share[:, None]) / np.maximum(counts, 1)
    return off.sum(axis=1) / n, apart.sum(axis=1) / n, share * (1 - share)


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
