"""A Gaussian copula of errors: thresholds, and the correlation that they leave."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_NORMAL = NormalDist()
_QUANTILES = 4000
_CONSTANT = 1e-12


def quantile(share: float) -> float:
    """Return the normal number that a share of all lies below; infinite for 0 and 1."""
    if share <= 0:
        return -math.inf
    return math.inf if share >= 1 else _NORMAL.inv_cdf(share)


def cdf(values: Array) -> Array:
    """Return the normal distribution function, element by element; NumPy has none."""
    import numpy as np

    each = np.asarray(np.frompyfunc(math.erf, 1, 1)(values / math.sqrt(2)), dtype=np.float64)
    distribution: Array = (1 + each) / 2
    return distribution


def error_correlation(first: Array, second: Array, prior: Array, common: float) -> float | None:
    """Return the correlation of two errors whose latent numbers correlate at `common`; None where one is constant.

    Parameters
    ----------
    first, second
        Probability of being right for each true label.
    prior
        Probability of each true label.
    common
        Share of the latent variance that the two have in common.
    """
    right = float(prior @ first), float(prior @ second)
    spread = [p * (1 - p) for p in right]
    if min(spread) < _CONSTANT:
        return None
    # within a true label by what is shared, and between labels by their difficulty for both
    within = sum(w * _covariance(p, q, common) for w, p, q in zip(prior, first, second, strict=True))
    between = float(prior @ ((first - right[0]) * (second - right[1])))
    return float(within + between) / math.sqrt(spread[0] * spread[1])


@lru_cache(maxsize=4096)
def _covariance(first: float, second: float, common: float) -> float:
    """Return the covariance of two errors from quantiles of what they share."""
    if common <= 0:
        return 0.0
    if common >= 1:
        low, high = sorted((first, second))
        return low * (1 - high)
    one, other = _wrong_given(first, common), _wrong_given(second, common)
    return float(((one - one.mean()) * (other - other.mean())).mean())


@lru_cache(maxsize=64)
def _wrong_given(share: float, common: float) -> Array:
    """Return the probability of an error at each quantile of what is shared."""
    import numpy as np

    middles = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    factor = np.array([_NORMAL.inv_cdf(m) for m in middles]) * math.sqrt(common)
    return 1 - cdf((quantile(share) - factor) / math.sqrt(1 - common))
