"""Weights by how far each expert errs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from consilience.aggregate.numeric.result import Pooled, estimates
from consilience.aggregate.numeric.scores import Scores, per_expert_numbers, read_scores, require_share
from consilience.errors import InvalidInput
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]


def inverse_variance(
    frame: Frame,
    *,
    variances: Mapping[Any, float] | None = None,
    smoothing: float = 1.0,
    confidence: float = 0.95,
    max_iterations: int = 500,
    tolerance: float = 1e-6,
) -> Pooled:
    """Mean of each task in which an expert counts by the inverse of the expert's error variance.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``score``; a null score is an expert who gave no answer.
    variances
        Error variance of each expert, known from elsewhere. None estimates them from the frame: by restricted maximum
        likelihood, under independent normal errors and nothing assumed of the true values. A constant bias counts as
        error; take it away first with `bias_and_scale`.
    smoothing
        Pseudo-answers with the average variance that each expert gets on top, so that one who answered little cannot
        come to count as infallible. 0 is the plain estimate.
    confidence
        Probability that the interval covers, if the variances are right and the errors independent. That they were
        estimated is not in it.
    max_iterations, tolerance
        The estimation ends when no variance changes by more than this share of itself.

    Returns
    -------
    Pooled
        ``experts`` has the columns ``expert``, ``answered``, ``variance``, ``weight`` (weights have the mean 1).

    Raises
    ------
    InvalidFrame
        A column is missing, a score is no finite number, or an expert answered a task twice.
    InvalidInput
        An expert has no variance, or one that is not positive; an option is out of its range.

    Notes
    -----
    The model is that of F. E. Grubbs, *JASA* 43 (1948), 243-264. Each round divides squared errors by one minus their
    leverage (S. D. Horn, R. A. Horn and D. B. Duncan, *JASA* 70 (1975), 380-385), which keeps them positive and rests
    where the restricted likelihood does. From two experts only the sum of the variances can be known: they then count
    the same. Experts who err together get too much weight, whatever the method.

    Examples
    --------
    >>> frame = {"task": [1, 1], "expert": ["ana", "bo"], "score": [10.0, 13.0]}
    >>> inverse_variance(frame, variances={"ana": 1, "bo": 2}).estimates["estimate"].to_list()
    [11.0]
    """
    import numpy as np

    require_share("confidence", confidence)
    if not 0 <= smoothing < float("inf"):
        raise InvalidInput(f"smoothing is 0 or more pseudo-answers, {smoothing} came.")
    if max_iterations < 1:
        raise InvalidInput(f"max_iterations is 1 or more, {max_iterations} came.")
    scores = read_scores(frame)
    note, known = "", variances is not None
    if variances is not None:
        variance = per_expert_numbers(variances, scores, "variances")
    else:
        variance, note = _estimated(scores, smoothing, max_iterations, tolerance)
        known = bool(np.isfinite(variance).any() and (variance > 0).any())
    weight = _weights(variance)
    mean, precision = _weighted(scores, weight)
    half = np.full(mean.size, np.nan)
    if known:
        # weights are relative: their unit is the variance that a weight of 1 stands for
        unit = float(np.nanmax(weight * variance))
        with np.errstate(divide="ignore"):
            half = NormalDist().inv_cdf((1 + confidence) / 2) * np.sqrt(unit / precision)
    found = estimates(scores.by_value(), mean, mean - half, mean + half)
    experts = _experts(scores, variance, weight)
    return Pooled(
        estimates=found, method="inverse variance", confidence=confidence, experts=experts, note=note
    )


def _weights(variance: Array) -> Array:
    """Return inverse variances with the mean 1; experts of unknown variance count like the average one."""
    import numpy as np

    floor = np.nanmean(variance) * 1e-12 if np.isfinite(variance).any() else 0.0
    if not floor > 0:
        return np.ones_like(variance)
    inverse = 1 / np.maximum(variance, floor)
    inverse = np.where(np.isfinite(inverse), inverse, 1 / np.nanmean(variance))
    weights: Array = inverse / inverse.mean()
    return weights


def _weighted(scores: Scores, weight: Array) -> tuple[Array, Array]:
    """Return the weighted mean of each task and the sum of its weights."""
    import numpy as np

    each = weight[scores.expert]
    total = scores.per_task(each)
    # around the first answer of each task, so that large numbers close together keep their digits
    origin = np.zeros(total.size)
    origin[scores.task[::-1]] = scores.value[::-1]
    away = scores.per_task(each * (scores.value - origin[scores.task]))
    mean = np.divide(away, total, out=np.full(total.size, np.nan), where=total > 0)
    return origin + mean, total


def _estimated(scores: Scores, smoothing: float, max_iterations: int, tolerance: float) -> tuple[Array, str]:
    """Return the error variance of each expert, nan where nobody else answered their tasks, and what limits it."""
    import numpy as np

    shared = _shared(scores)
    n = shared.per_expert(np.ones(shared.value.size))
    variance = np.full(n.size, np.nan)
    if (n > 0).sum() < 2:
        return variance, "no two experts answered a task, so all count the same and there is no interval"
    mean = shared.per_task(shared.value) / np.maximum(shared.answered, 1)
    around = shared.with_values(shared.value - mean[shared.task])
    squares = np.square(around.value)
    free = float((shared.answered - 1).clip(0).sum())
    pooled = float(squares.sum()) / free
    variance[n > 0] = pooled
    if pooled == 0:
        return variance, "all experts say the same, so all count the same and there is no interval"
    if (n > 0).sum() == 2:
        return variance, "two experts show the sum of their variances alone, so both count the same"
    for _ in range(max_iterations):
        updated = _round(around, variance, n, pooled, smoothing)
        moved = np.nanmax(np.abs(updated - variance) / np.maximum(variance, 1e-9 * pooled))
        variance = updated
        if moved <= tolerance:
            return variance, ""
    return variance, f"the variances had NOT settled after {max_iterations} iterations: raise max_iterations"


def _round(around: Scores, variance: Array, n: Array, pooled: float, smoothing: float) -> Array:
    """Return the variances of the next round: squared errors over what the true values leave of each answer."""
    import numpy as np

    precision = 1 / np.maximum(variance, 1e-12 * pooled)
    each = precision[around.expert]
    total = around.per_task(each)
    total[total == 0] = 1
    mean = around.per_task(each * around.value) / total
    error = around.per_expert(np.square(around.value - mean[around.task]))
    leverage = around.per_expert(each / total[around.task])
    with np.errstate(invalid="ignore", divide="ignore"):
        updated: Array = (error + smoothing * pooled) / np.maximum(n - leverage + smoothing, 1e-12 * n)
    return np.where(n > 0, updated, np.nan)


def _shared(scores: Scores) -> Scores:
    """Return the scores of tasks that two or more experts answered."""
    import numpy as np

    on = (scores.answered > 1)[scores.task]
    task = scores.task[on]
    start = np.concatenate([[0], np.cumsum(np.bincount(task, minlength=len(scores.tasks)))])
    return replace(scores, task=task, expert=scores.expert[on], value=scores.value[on], start=start)


def _experts(scores: Scores, variance: Array, weight: Array) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    columns = {
        "expert": scores.experts,
        "answered": pl.Series(np.bincount(scores.expert, minlength=len(scores.experts))),
        "variance": pl.Series(variance, nan_to_null=True),
        "weight": pl.Series(weight),
    }
    return pl.DataFrame(columns)
