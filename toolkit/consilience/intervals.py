"""Intervals of proportions."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

from consilience.errors import InvalidInput


@lru_cache(maxsize=4096)
def wilson(n: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion.

    Parameters
    ----------
    n, of
        Successes and trials; no trials give (0, 1), which says that nothing is known.
    confidence
        Probability that the interval covers.

    Notes
    -----
    E. B. Wilson, JASA 22 (1927), 209-212.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(57, 60)]
    [0.863, 0.983]
    """
    if not 0 <= n <= of:
        raise InvalidInput(f"A proportion needs 0 <= n <= of, {n} of {of} came.")
    if of == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = n / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    # rounding must not put an end on the wrong side of the share
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
