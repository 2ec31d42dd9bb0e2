"""Pools of probabilities that an event comes about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from consilience.aggregate.numeric.quantiles import student_quantiles
from consilience.aggregate.numeric.result import Pooled, estimates
from consilience.aggregate.numeric.scores import (
    Scores,
    per_expert_numbers,
    read_scores,
    read_truth,
    require_share,
)
from consilience.errors import InvalidInput
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_MOST = 50.0  # an exponent beyond this says that the pool never erred, not how sure it may be


def log_pool(
    frame: Frame, *, weights: Mapping[Any, float] | None = None, clip: float = 0.001, confidence: float = 0.95
) -> Pooled:
    """Probability of each task from the mean of the log odds.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``score``, each score the probability that the event comes about. A null
        score is an expert who was asked and gave no answer.
    weights
        A positive weight for each expert, None for equal ones. On each task they are divided by their sum.
    clip
        Probabilities below it count as it, and those above one minus it as that: a single stated 0 or 1 would decide
        whatever the others say. 0.001 caps an expert at odds of 999 to 1.
    confidence
        Probability that the interval covers the pool of a larger circle of such experts; there is none with weights.

    Returns
    -------
    Pooled
        Independent of the order of rows and experts. ``note`` counts the probabilities that were clipped.

    Raises
    ------
    InvalidFrame
        A column is missing, a score lies outside 0 to 1, or an expert answered a task twice.
    InvalidInput
        A weight is missing or not positive, or an option is out of its range.

    Notes
    -----
    C. Genest and J. V. Zidek, *Statistical Science* 1 (1986), 114-135. The pool is externally Bayesian: to update each
    expert and pool, or to pool and update, comes to the same.

    Examples
    --------
    >>> log_pool({"task": [1, 1], "expert": ["a", "b"], "score": [0.8, 0.5]}).estimates["estimate"].round(
    ...     4
    ... ).item()
    0.6667
    """
    _check(clip, confidence)
    scores = read_scores(frame, probabilities=True)
    middle, half = _log_odds(scores, weights, clip, confidence)
    return _pooled(scores, middle, half, "log pool", _clipped(scores, clip), confidence)


def extremised_pool(
    frame: Frame,
    *,
    exponent: float | None = None,
    gold: Frame | None = None,
    weights: Mapping[Any, float] | None = None,
    clip: float = 0.001,
    confidence: float = 0.95,
) -> Pooled:
    """Log pool moved away from 1/2, since experts who know different things are together surer than each alone.

    Parameters
    ----------
    frame, weights, clip
        As in `log_pool`.
    exponent
        What the mean log odds are multiplied by: 1 is the log pool, more is surer. None takes the one that ``gold``
        teaches; without gold, the one of E. Neyman and T. Roughgarden (*EC* 2022, "Are you smarter than a random
        expert?") for the number of answers n of each task: n (sqrt(3 n^2 - 3 n + 1) - 2) / (n^2 - n - 1), which is 1
        for one answer, 1.29 for two and grows to 1.73.
    gold
        Frame with ``task`` and ``score``, 1 (or true) where the event came about, else 0. The exponent is its
        maximum-likelihood value on these tasks. To judge the pool on the same tasks flatters it.
    confidence
        As in `log_pool`; the exponent is taken as known.

    Returns
    -------
    Pooled
        ``method`` names the exponent.

    Raises
    ------
    InvalidFrame
        As in `log_pool`, or gold cannot be used.
    InvalidInput
        As in `log_pool`; ``exponent`` is not positive, or came together with gold; or gold cannot teach one, since the
        pool is right on all of its tasks, or no better than chance.

    Notes
    -----
    V. A. Satopää et al., "Combining multiple probability predictions using a simple logit model", *International
    Journal of Forecasting* 30 (2014), 344-356. Experts who share their sources are not surer together: extremising
    them only adds confidence.

    Examples
    --------
    >>> frame = {"task": [1, 1], "expert": ["a", "b"], "score": [0.8, 0.8]}
    >>> extremised_pool(frame, exponent=2).estimates["estimate"].round(4).item()
    0.9412
    """
    _check(clip, confidence)
    if exponent is not None and gold is not None:
        raise InvalidInput("Either exponent or gold is given, both came: leave one out.")
    if exponent is not None and not 0 < exponent < float("inf"):
        raise InvalidInput(f"exponent is a positive number, {exponent} came: 1 is the plain log pool.")
    scores = read_scores(frame, probabilities=True)
    middle, half = _log_odds(scores, weights, clip, confidence)
    if gold is not None:
        exponent = _taught(middle, read_truth(gold, scores, events=True))
    factor = _neyman(scores.answered) if exponent is None else exponent
    how = "by the number of answers" if exponent is None else f"{exponent:.4g}"
    name = f"extremised pool (exponent {how}{', taught by gold' if gold is not None else ''})"
    return _pooled(scores, factor * middle, factor * half, name, _clipped(scores, clip), confidence)


def _check(clip: float, confidence: float) -> None:
    require_share("confidence", confidence)
    require_share("clip", clip, high=0.5)


def _clipped(scores: Scores, clip: float) -> str:
    import numpy as np

    n = int(np.count_nonzero((scores.value < clip) | (scores.value > 1 - clip)))
    return f"{n:,} of {scores.value.size:,} probabilities were beyond {clip:g} and clipped" if n else ""


def _log_odds(
    scores: Scores, weights: Mapping[Any, float] | None, clip: float, confidence: float
) -> tuple[Array, Array]:
    """Return the mean log odds of each task and half the width of its interval; nan where there is none."""
    import numpy as np

    kept = np.clip(scores.value, clip, 1 - clip)
    logit = np.log(kept) - np.log1p(-kept)
    each = (
        np.ones(logit.size)
        if weights is None
        else per_expert_numbers(weights, scores, "weights")[scores.expert]
    )
    n = scores.answered
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = scores.per_task(each * logit) / scores.per_task(each)
        if weights is not None:
            return middle, np.full(n.size, np.nan)
        squares = scores.per_task(np.square(logit - middle[scores.task]))
        half = student_quantiles(n - 1, confidence) * np.sqrt(squares / (n * (n - 1.0)))
    return middle, half


def _pooled(scores: Scores, middle: Array, half: Array, method: str, note: str, confidence: float) -> Pooled:
    import numpy as np

    with np.errstate(over="ignore"):
        estimate, low, high = (1 / (1 + np.exp(-each)) for each in (middle, middle - half, middle + half))
    found = estimates(scores.by_value(), estimate, low, high)
    return Pooled(estimates=found, method=method, confidence=confidence, note=note)


def _neyman(answered: np.ndarray[Any, np.dtype[np.int64]]) -> Array:
    import numpy as np

    n = np.maximum(answered, 1).astype(np.float64)
    factor: Array = n * (np.sqrt(3 * n * n - 3 * n + 1) - 2) / (n * n - n - 1)
    return factor


def _taught(middle: Array, truth: Array) -> float:
    """Return the exponent under which the events are likeliest: logistic regression without an intercept."""
    import numpy as np

    here = np.isfinite(truth) & np.isfinite(middle)
    x = np.where(truth[here] > 0, middle[here], -middle[here])

    def rising(exponent: float) -> bool:
        """Whether more than this exponent is likelier."""
        with np.errstate(over="ignore"):
            return bool((x / (1 + np.exp(exponent * x))).sum() > 0)

    if not rising(0.0):
        raise InvalidInput(
            f"Gold can teach an exponent if the pool is right more often than not, on {x.size:,} tasks it is not: "
            "give exponent."
        )
    if rising(_MOST):
        raise InvalidInput(
            f"Gold can teach an exponent if the pool errs on some task, of {x.size:,} it errs on none to speak of: "
            "give more gold, or exponent."
        )
    low, high = 0.0, _MOST
    for _ in range(100):
        between = (low + high) / 2
        low, high = (between, high) if rising(between) else (low, between)
    return (low + high) / 2
