"""One number from many: median, trimmed mean, Huber's mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.aggregate.numeric.quantiles import median_ranks, student_quantiles
from consilience.aggregate.numeric.result import Pooled, estimates, quantile
from consilience.aggregate.numeric.scores import Scores, read_scores, require_share
from consilience.errors import InvalidInput
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.int64]]

_NORMAL_MAD = (
    1.482602218505602  # turns a median absolute deviation into a standard deviation of normal errors
)
_ROUNDS = 200


def median(frame: Frame, *, confidence: float = 0.95) -> Pooled:
    """Median of each task.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``score``. A null score is an expert who was asked and gave no answer.
    confidence
        Probability that the interval covers, at least. It is made of two of the answers, without any assumption on
        their distribution, and at 95 % takes six of them; with fewer it is null.

    Returns
    -------
    Pooled
        Independent of the order of rows and experts.

    Raises
    ------
    InvalidFrame
        A column is missing, a score is no finite number, or an expert answered a task twice.

    Notes
    -----
    The interval: W. J. Conover, *Practical Nonparametric Statistics*, 3rd ed., 1999, section 3.2.

    Examples
    --------
    >>> frame = {"task": [1, 1, 1, 2], "expert": list("abca"), "score": [3, 4, 90, None]}
    >>> median(frame).estimates.select("task", "estimate", "spread", "asked").rows()
    [(1, 4.0, 43.5, 3), (2, None, None, 1)]
    """
    import numpy as np

    require_share("confidence", confidence)
    scores = read_scores(frame).by_value()
    rank = median_ranks(scores.answered, confidence)
    low, high = np.full((2, rank.size), np.nan)
    some = rank > 0
    low[some] = scores.value[scores.start[:-1][some] + rank[some] - 1]
    high[some] = scores.value[scores.start[1:][some] - rank[some]]
    return Pooled(
        estimates=estimates(scores, quantile(scores, 0.5), low, high), method="median", confidence=confidence
    )


def trimmed_mean(frame: Frame, *, trim: float = 0.2, confidence: float = 0.95) -> Pooled:
    """Mean of each task without its lowest and highest answers.

    Parameters
    ----------
    frame, confidence
        As in `median`; the interval takes two answers that were kept.
    trim
        Share of the answers that is left out at *each* end, rounded down: 0.2 leaves out one at each end of five to
        nine answers, and none of four. 0 is the plain mean.

    Returns
    -------
    Pooled
        Independent of the order of rows and experts.

    Raises
    ------
    InvalidFrame
        As in `median`.
    InvalidInput
        ``trim`` is not from 0 up to 0.5.

    Notes
    -----
    The interval uses the winsorised variance: J. W. Tukey and D. H. McLaughlin, *Sankhyā A* 25 (1963), 331-352, with
    20 % as R. R. Wilcox advises (*Introduction to Robust Estimation and Hypothesis Testing*, 2012, section 3.3).

    Examples
    --------
    >>> frame = {"task": [1] * 5, "expert": list("abcde"), "score": [3, 4, 5, 5, 90]}
    >>> round(trimmed_mean(frame).estimates["estimate"].item(), 4)
    4.6667
    """
    import numpy as np

    require_share("confidence", confidence)
    if not 0 <= trim < 0.5:
        raise InvalidInput(f"trim is the share left out at each end, from 0 up to 0.5; {trim} came.")
    scores = read_scores(frame).by_value()
    n = scores.answered
    # the sum cures 0.1 * 30, which floats put below 3
    cut = np.floor(trim * n + 1e-9).astype(np.int64)
    kept = n - 2 * cut
    place = np.arange(scores.value.size) - scores.start[scores.task]
    inside = (place >= cut[scores.task]) & (place < (n - cut)[scores.task])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = scores.per_task(np.where(inside, scores.value, 0.0)) / kept
        error = _winsorised_deviation(scores, cut) * np.sqrt(n) / kept
    half = error * student_quantiles(kept - 1, confidence)
    name = f"trimmed mean ({trim:g} at each end)" if trim else "mean"
    found = estimates(scores, mean, mean - half, mean + half)
    return Pooled(estimates=found, method=name, confidence=confidence)


def _winsorised_deviation(scores: Scores, cut: Places) -> Array:
    """Return the standard deviation of each task after the ends are set to the outermost kept values."""
    import numpy as np

    n = scores.answered
    some = n > 0
    low, high = np.zeros((2, n.size))
    low[some] = scores.value[scores.start[:-1][some] + cut[some]]
    high[some] = scores.value[scores.start[1:][some] - cut[some] - 1]
    tame = np.clip(scores.value, low[scores.task], high[scores.task])
    mean = scores.per_task(tame) / n
    deviation: Array = np.sqrt(scores.per_task(np.square(tame - mean[scores.task])) / (n - 1))
    return deviation


def huber_mean(frame: Frame, *, k: float = 1.345, confidence: float = 0.95) -> Pooled:
    """Mean of each task in which answers far from the others count less.

    Parameters
    ----------
    frame, confidence
        As in `median`; the interval takes three answers.
    k
        From how many standard deviations on an answer counts less. 1.345 keeps 95 % of the mean's efficiency when the
        errors are normal.

    Returns
    -------
    Pooled
        Independent of the order of rows and experts. Where more than half of the answers are the same number, that
        number is the estimate, without an interval: there is no scale to measure distance by.

    Raises
    ------
    InvalidFrame
        As in `median`.
    InvalidInput
        ``k`` is not positive.

    Notes
    -----
    P. J. Huber, *Annals of Mathematical Statistics* 35 (1964), 73-101. The scale is the median absolute deviation
    from the median, times 1.4826, and stays fixed. The interval is asymptotic, with Student's quantile: of five
    answers it covers somewhat less than it says.

    Examples
    --------
    >>> frame = {"task": [1] * 5, "expert": list("abcde"), "score": [3, 4, 5, 5, 90]}
    >>> round(huber_mean(frame).estimates["estimate"].item(), 2)
    4.75
    """
    import numpy as np

    require_share("confidence", confidence)
    if not 0 < k < float("inf"):
        raise InvalidInput(f"k is a positive number of standard deviations, {k} came: 1.345 is usual.")
    scores = read_scores(frame).by_value()
    middle = quantile(scores, 0.5)
    away = scores.with_values(np.abs(scores.value - middle[scores.task])).by_value()
    scale = _NORMAL_MAD * quantile(away, 0.5)
    estimate = _settle(scores, middle, k * scale)
    half = _huber_half_width(scores, estimate, k * scale, confidence)
    found = estimates(scores, estimate, estimate - half, estimate + half)
    return Pooled(estimates=found, method=f"Huber mean (k={k:g})", confidence=confidence)


def _settle(scores: Scores, start: Array, reach: Array) -> Array:
    """Return Huber's means by weighted means, round after round; tasks that have settled drop out."""
    import numpy as np

    estimate = start.copy()
    task = scores.task[reach[scores.task] > 0]
    value = scores.value[reach[scores.task] > 0]
    for _ in range(_ROUNDS):
        if not task.size:
            break
        away = np.abs(value - estimate[task])
        weight = reach[task] / np.maximum(away, reach[task])
        total = np.bincount(task, weight, minlength=estimate.size)
        step = np.bincount(task, weight * (value - estimate[task]), minlength=estimate.size)
        moved = np.divide(step, total, out=np.zeros_like(total), where=total > 0)
        estimate += moved
        on = (np.abs(moved) > 1e-12 * reach)[task]
        task, value = task[on], value[on]
    return estimate


def _huber_half_width(scores: Scores, estimate: Array, reach: Array, confidence: float) -> Array:
    import numpy as np

    n = scores.answered
    away = scores.value - estimate[scores.task]
    pull = np.clip(away, -reach[scores.task], reach[scores.task])
    inside = scores.per_task((np.abs(away) <= reach[scores.task]).astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(scores.per_task(np.square(pull)) * n / (n - 1)) / inside
        half: Array = np.where((n > 2) & (reach > 0), error * student_quantiles(n - 1, confidence), np.nan)
    return half
