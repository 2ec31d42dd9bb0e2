"""Agreement of scores on one question, where there are no other tasks to compare with."""

from __future__ import annotations

import math
from functools import lru_cache

from consilience.agreement.coefficient import Coefficient
from consilience.agreement.single import by_chance

_DRAWS = 20_000


@lru_cache(maxsize=1024)
def one_score(
    scores: tuple[float, ...],
    low: float,
    high: float,
    *,
    resolution: float | None = None,
    confidence: float = 0.95,
) -> Coefficient:
    """Agreement of one question's scores beyond chance: their spread against that of guesses over the whole scale.

    Parameters
    ----------
    scores
        One for each expert who answered, in any order.
    low, high
        Bounds of the scale.
    resolution
        What scores are told apart by, in the scale's units; a twentieth of the scale by default. The interval is that
        of scores which differ at least by so much once more, so that equal ones do not promise that all others are.
    confidence
        Probability of the interval.

    Returns
    -------
    Coefficient
        1 minus the variance of the scores over that of a uniform guess, ``(high - low) ** 2 / 12``: 1 when all are
        equal, 0 where guessing would be, below it for camps at the ends; nan when fewer than two answered. It is
        Krippendorff's form, observed over expected disagreement, at interval level with uniform guessing in place of
        the pooled scores, which one question does not give. The interval holds the values that another circle of the
        same size would show, from a normal model whose prior is one difference of the resolution; the note says how
        often guessing alone agrees as much.

    Notes
    -----
    20,000 draws from a fixed seed. Scores crowd at the ends of a scale, where the normal model is rough.

    Examples
    --------
    >>> one_score((0.0, 10.0), 0.0, 10.0).value < 0 < one_score((7.0, 7.5, 8.0), 0.0, 10.0).value
    True
    """
    import numpy as np

    n = len(scores)
    name = "spread against guessing, one question"
    if n < 2:
        return Coefficient(math.nan, math.nan, math.nan, 1, n, name, confidence, "fewer than two answered")
    guessed = (high - low) ** 2 / 12
    least = (high - low) / 20 if resolution is None else resolution
    spread = float(np.var(sorted(scores), ddof=1))
    generator = np.random.default_rng(0)
    variance = ((n - 1) * spread + least**2) / generator.chisquare(n, size=_DRAWS)
    other = variance * generator.chisquare(n - 1, size=_DRAWS) / (n - 1)
    # no scores on the scale are further apart than half of them at either end
    widest = (high - low) ** 2 * (n // 2) * ((n + 1) // 2) / (n * (n - 1))
    tail = (1 - confidence) / 2
    bottom, top = np.quantile(1 - np.minimum(other, widest) / guessed, [tail, 1 - tail])
    guesses = generator.uniform(low, high, size=(_DRAWS, n)).var(axis=1, ddof=1)
    value = 1 - spread / guessed
    note = by_chance(float((guesses <= spread).mean()))
    return Coefficient(value, min(float(bottom), value), max(float(top), value), 1, n, name, confidence, note)
