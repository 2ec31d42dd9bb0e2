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
    """Return the correlation of two errors whose latent numbers correlate at `common`."""
    wrong = 1 - float(prior @ first), 1 - float(prior @ second)
    spread = math.sqrt(wrong[0] * (1 - wrong[0]) * wrong[1] * (1 - wrong[1]))
    if spread < 1e-12:
        return None
    joint = sum(weight * _both_wrong(p, q, common) for weight, p, q in zip(prior, first, second, strict=True))
    return float(joint - wrong[0] * wrong[1]) / spread


@lru_cache(maxsize=4096)
def _both_wrong(first: float, second: float, common: float) -> float:
    """Return the probability that both err, as the mean over quantiles of what they share."""
    if common >= 1:
        return 1 - max(first, second)
    if common <= 0:
        return (1 - first) * (1 - second)
    product = _wrong_given(first, common) * _wrong_given(second, common)
    return float(product.mean())


@lru_cache(maxsize=64)
def _wrong_given(share: float, common: float) -> Array:
    """Return the probability of an error at each quantile of what is shared."""
    import numpy as np

    middles = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    factor = np.array([_NORMAL.inv_cdf(m) for m in middles]) * math.sqrt(common)
    return 1 - cdf((quantile(share) - factor) / math.sqrt(1 - common))
