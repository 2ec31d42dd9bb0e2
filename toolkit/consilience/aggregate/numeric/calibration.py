"""Where each expert stands beside the truth or the other experts: bias and scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.aggregate.numeric.quantiles import student_quantiles
from consilience.aggregate.numeric.scores import Scores, numeric, read_scores, read_truth, require_share
from consilience.errors import InvalidFrame
from consilience.frames import Frame, require_columns, to_polars
from consilience.markup.displayed import FrameDisplayed

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Interval = tuple[Array, Array]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasAndScale(FrameDisplayed):
    """How each expert's scores lie beside a reference.

    Parameters
    ----------
    experts
        A row an expert: ``expert``; ``compared`` tasks; ``mean`` of the expert's scores on them; ``bias`` (mean of
        score minus reference) with ``bias_low`` and ``bias_high``; ``scale`` (what the expert's scores rise by when
        the true value rises by 1) with ``scale_low`` and ``scale_high``; ``deviation`` (standard deviation of score
        minus reference). Null where the answers do not support the figure.
    reference
        ``gold`` or ``the other experts``.
    confidence
        Probability that each interval covers, tasks being independent.
    """

    experts: pl.DataFrame
    reference: str
    confidence: float

    def corrected(self, frame: Frame) -> pl.DataFrame:
        """Return the frame with bias and scale taken out of the scores; where one is null, it is left in.

        Examples
        --------
        >>> frame = {"task": [1, 2, 3], "expert": ["a"] * 3, "score": [3.0, 5.0, 7.0]}
        >>> found = bias_and_scale(frame, gold={"task": [1, 2, 3], "score": [1.0, 2.0, 3.0]})
        >>> found.corrected(frame)["score"].to_list()
        [1.0, 2.0, 3.0]
        """
        import polars as pl

        table = to_polars(frame)
        require_columns(table, ("task", "expert", "score"))
        table = table.with_columns(numeric(table["score"], "score"))
        if table["expert"].dtype != self.experts["expert"].dtype:
            raise InvalidFrame(
                f"Experts must be named as they were measured, {table['expert'].dtype} came for "
                f"{self.experts['expert'].dtype}: cast column 'expert'."
            )
        measured = self.experts.select("expert", "mean", "bias", "scale")
        joined = table.select("expert", "score").join(
            measured, on="expert", how="left", maintain_order="left"
        )
        level = pl.col("mean") - pl.col("bias")
        moved = level + (pl.col("score") - pl.col("mean")) / pl.col("scale").fill_null(1.0)
        score = joined.select(pl.when(pl.col("bias").is_null()).then("score").otherwise(moved).alias("score"))
        return table.with_columns(score["score"])

    def __repr__(self) -> str:
        known = len(self.experts) - self.experts["bias"].null_count()
        return f"<BiasAndScale beside {self.reference}: {known:,} of {len(self.experts):,} experts compared>"

    def to_polars(self) -> pl.DataFrame:
        """Return `experts`."""
        return self.experts


def bias_and_scale(frame: Frame, *, gold: Frame | None = None, confidence: float = 0.95) -> BiasAndScale:
    """Say how far each expert's scores lie from a reference, and how they stretch it.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``score``; a null score is an expert who gave no answer.
    gold
        Frame with ``task`` and ``score``, the true values; tasks that it leaves out are not compared. None compares
        each expert with the mean of the *other* experts on the task: then a bias that all share does not show, and
        one expert's bias shows in the others with the opposite sign, divided by their number.
    confidence
        Probability that each interval covers.

    Returns
    -------
    BiasAndScale
        Independent of the order of rows and experts. Beside gold the scale is the slope of the regression on the
        true values, and takes three tasks. Beside the others it is a ratio of covariances, which the experts' own
        noise does not bend if their errors are independent; it takes tasks with three answers. Its interval is
        Fieller's, null where it would have no end.

    Raises
    ------
    InvalidFrame
        A column is missing, a score is no finite number, an expert answered a task twice, or gold cannot be used.

    Notes
    -----
    Mean difference: J. M. Bland and D. G. Altman, *Lancet* 327 (1986), 307-310. Scale without gold: the instrumental
    variables of G. Dunn, *Statistical Evaluation of Measurement Errors*, 2nd ed., 2004, pooled over pairs of other
    experts; E. C. Fieller, *JRSS B* 16 (1954), 175-185.

    Examples
    --------
    >>> frame = {"task": [1, 1, 2, 2], "expert": list("abab"), "score": [1.0, 3.0, 2.0, 5.0]}
    >>> bias_and_scale(frame).experts["bias"].to_list()
    [-2.5, 2.5]
    """
    require_share("confidence", confidence)
    scores = read_scores(frame)
    if gold is None:
        experts = _beside_others(scores, confidence)
        return BiasAndScale(experts=experts, reference="the other experts", confidence=confidence)
    truth = read_truth(gold, scores)[scores.task]
    return BiasAndScale(
        experts=_beside_gold(scores, truth, confidence), reference="gold", confidence=confidence
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Counts and means over the compared tasks of each expert."""

    scores: Scores
    on: np.ndarray[Any, np.dtype[np.bool_]]
    n: Array

    def mean(self, values: Array) -> Array:
        import numpy as np

        total = self.scores.per_expert(np.where(self.on, values, 0.0))
        means: Array = np.divide(total, self.n, out=np.full(total.size, np.nan), where=self.n > 0)
        return means

    def centred(self, values: Array) -> Array:
        """Return the values minus the expert's mean."""
        return values - self.mean(values)[self.scores.expert]

    def variance(self, centred: Array, other: Array, lost: int = 1) -> Array:
        """Return (co)variances of centred values, nan where there are too few."""
        import numpy as np

        total = self.mean(centred * other) * self.n
        found: Array = np.divide(total, self.n - lost, out=np.full(total.size, np.nan), where=self.n > lost)
        return found


def _moments(scores: Scores, on: np.ndarray[Any, np.dtype[np.bool_]]) -> _Moments:
    import numpy as np

    return _Moments(scores, on, scores.per_expert(on.astype(np.float64)))


def _beside_gold(scores: Scores, truth: Array, confidence: float) -> pl.DataFrame:
    import numpy as np

    moments = _moments(scores, np.isfinite(truth))
    x, y = moments.centred(truth), moments.centred(scores.value)
    squares = moments.variance(x, x) * (moments.n - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(squares > 0, moments.variance(x, y) * (moments.n - 1) / squares, np.nan)
        rest = y - slope[scores.expert] * x
        error = np.sqrt(moments.variance(rest, rest, lost=2) / squares)
        half = error * student_quantiles((moments.n - 2).astype(np.int64), confidence)
    slope = np.where(moments.n > 2, slope, np.nan)
    return _experts(moments, truth, (slope, slope - half, slope + half), confidence)


def _beside_others(scores: Scores, confidence: float) -> pl.DataFrame:
    import numpy as np

    n = scores.answered[scores.task]
    total = scores.per_task(scores.value)[scores.task]
    with np.errstate(invalid="ignore", divide="ignore"):
        reference = np.where(n > 1, (total - scores.value) / (n - 1), np.nan)
    scale, low, high = _scale_beside_others(scores, confidence)
    return _experts(_moments(scores, n > 1), reference, (scale, low, high), confidence)


def _scale_beside_others(scores: Scores, confidence: float) -> tuple[Array, Array, Array]:
    """Return covariance with the others over the covariance among the others, task by task summed."""
    import numpy as np

    on = (scores.answered > 2)[scores.task]
    moments = _moments(scores, on)
    own = np.where(on, moments.centred(scores.value), 0.0)
    others = scores.per_task(own)[scores.task] - own
    squares = scores.per_task(np.square(own))[scores.task] - np.square(own)
    n = np.maximum(scores.answered[scores.task], 3)
    with_them = own * others / (n - 1)
    among_them = (np.square(others) - squares) / ((n - 1) * (n - 2))
    return _fieller(moments, with_them, among_them, confidence)


def _fieller(moments: _Moments, above: Array, below: Array, confidence: float) -> tuple[Array, Array, Array]:
    """Return the ratio of two means for each expert with Fieller's interval; nan where the lower one may be 0."""
    import numpy as np

    a, b = moments.mean(above), moments.mean(below)
    u, v = moments.centred(above), moments.centred(below)
    t = student_quantiles((moments.n - 1).astype(np.int64), confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = t * t / moments.n
        aa, ab, bb = (weight * moments.variance(*pair) for pair in ((u, u), (u, v), (v, v)))
        square, mixed, rest = b * b - bb, a * b - ab, a * a - aa
        bounded = (square > 0) & (b > 0)
        root = np.sqrt(np.maximum(mixed * mixed - square * rest, 0))
        ratio = np.where((b > 0) & (moments.n > 2), a / b, np.nan)
        low, high = (np.where(bounded, (mixed + sign * root) / square, np.nan) for sign in (-1, 1))
    return ratio, low, high


def _experts(
    moments: _Moments, reference: Array, scale: tuple[Array, Array, Array], confidence: float
) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    away = moments.scores.value - np.where(moments.on, reference, 0.0)
    bias, rest = moments.mean(away), moments.centred(away)
    deviation = np.sqrt(moments.variance(rest, rest))
    with np.errstate(invalid="ignore", divide="ignore"):
        error = deviation / np.sqrt(moments.n)
        half = error * student_quantiles((moments.n - 1).astype(np.int64), confidence)
    numbers = {
        "mean": moments.mean(moments.scores.value),
        "bias": bias,
        "bias_low": bias - half,
        "bias_high": bias + half,
        "scale": scale[0],
        "scale_low": scale[1],
        "scale_high": scale[2],
        "deviation": deviation,
    }
    columns = {name: pl.Series(each, nan_to_null=True, dtype=pl.Float64) for name, each in numbers.items()}
    compared = pl.Series(moments.n.astype(np.int64))
    return pl.DataFrame({"expert": moments.scores.experts, "compared": compared, **columns})
