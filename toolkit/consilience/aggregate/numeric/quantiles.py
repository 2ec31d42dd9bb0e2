"""Quantiles that intervals of a few numbers need."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.int64]]

_NORMAL_FROM = 2_000


@lru_cache(maxsize=4096)
def student_quantile(df: int, confidence: float) -> float:
    """Return t such that Student's distribution has the given probability between -t and t.

    Parameters
    ----------
    df
        Degrees of freedom, 1 or more; from 2,000 on the normal quantile with two corrections is used (26.7.5).
    confidence
        Probability between -t and t.

    Notes
    -----
    The probability is the finite series of Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.7.3 and
    26.7.4, inverted by bisection.

    Examples
    --------
    >>> round(student_quantile(4, 0.95), 4)
    2.7764
    """
    if df >= _NORMAL_FROM:
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        return z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df * df)
    low, high = 0.0, math.pi / 2
    for _ in range(200):
        middle = (low + high) / 2
        if _between(middle, df) < confidence:
            low = middle
        else:
            high = middle
    return math.sqrt(df) * math.tan((low + high) / 2)


def _between(angle: float, df: int) -> float:
    """Return the probability between -t and t, where ``angle`` is arctan(t / sqrt(df))."""
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = df % 2
    term = total = (cosine if df > 1 else 0.0) if odd else 1.0
    for k in range(3 if odd else 2, df - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def student_quantiles(df: Places, confidence: float) -> Array:
    """Return `student_quantile` for each number of degrees of freedom, nan where it is below 1."""
    import numpy as np

    distinct, where = np.unique(df, return_inverse=True)
    found = np.array([student_quantile(int(n), confidence) if n > 0 else math.nan for n in distinct])
    return found[where] if distinct.size else np.empty(0)


@lru_cache(maxsize=4096)
def median_rank(n: int, confidence: float) -> int:
    """Return k such that the k-th lowest and k-th highest of n values enclose the median; 0 where none do.

    Notes
    -----
    Distribution-free: the values below the median are binomial with probability 1/2 (W. J. Conover, *Practical
    Nonparametric Statistics*, 3rd ed., 1999, section 3.2). At 95 % it takes 6 values.

    Examples
    --------
    >>> [median_rank(n, 0.95) for n in (5, 6, 20)]
    [0, 1, 6]
    """
    budget = (1 - confidence) / 2
    below, k = 0.0, 0
    log_term = -n * math.log(2)
    while True:
        below += math.exp(log_term)
        if below > budget or 2 * k >= n:
            return k
        log_term += math.log((n - k) / (k + 1))
        k += 1


def median_ranks(n: Places, confidence: float) -> Places:
    """Return `median_rank` for each number of values."""
    import numpy as np

    distinct, where = np.unique(n, return_inverse=True)
    found = np.array([median_rank(int(size), confidence) for size in distinct], dtype=np.int64)
    return found[where] if distinct.size else np.empty(0, dtype=np.int64)
