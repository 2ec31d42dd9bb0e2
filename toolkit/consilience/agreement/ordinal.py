"""Krippendorff's alpha by ranks, which every drawn task moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.agreement.distances import beyond_chance
from consilience.agreement.labellings import Labellings

if TYPE_CHECKING:
    import numpy as np

    from consilience.agreement.resampling import Statistic

    Array = np.ndarray[Any, np.dtype[np.float64]]

_RANKED_ANEW = 4_096  # values up to which every draw ranks them anew


def ordinal_alpha(found: Labellings) -> Statistic:
    """Return alpha at the ordinal level."""
    return _expanded(found) if found.n_values > _RANKED_ANEW else _ranked_anew(found)


def _ranked_anew(found: Labellings) -> Statistic:
    import numpy as np

    def alpha(weights: Array) -> Array:
        totals = found.totals(weights)
        n = totals.sum(axis=1)
        ranks = _ranks(totals)
        within = _within(found, ranks)
        middle = (totals * ranks).sum(axis=1) / n
        between = 2 * n * (totals * np.square(ranks - middle[:, None])).sum(axis=1)
        return beyond_chance(found, weights, within, between)

    return alpha


def _ranks(totals: Array) -> Array:
    """Return how many answers lie below each value, and half of its own."""
    import numpy as np

    ranks: Array = np.cumsum(totals, axis=-1) - totals / 2
    return ranks


def _within(found: Labellings, ranks: Array) -> Array:
    import numpy as np

    each = ranks[..., found.value]
    means = found.per_way(found.times * each) / found.answers
    within: Array = 2 * found.answers * found.per_way(found.times * np.square(each - means[..., found.way]))
    return within


def _expanded(found: Labellings) -> Statistic:
    """Return alpha with the observed and the expected distances of a draw linear in how often each way came."""
    import numpy as np

    repeats = found.repeats.astype(np.float64)
    totals = found.totals(repeats[None, :])[0]
    n = totals.sum()
    ranks = _ranks(totals) - n / 2  # around their mean, so that squares keep their digits
    own = _within(found, ranks) / (found.answers - 1)
    squares = float(totals @ np.square(ranks))
    each = ranks[found.value]
    means = (found.per_way(found.times * each) / found.answers)[found.way]
    pull = 4 * found.times * (found.answers / (found.answers - 1) * repeats)[found.way] * (each - means)
    observed = own + _lifted(found, np.bincount(found.value, pull, minlength=totals.size).astype(np.float64))
    expected = 2 * (squares * found.answers + n * found.per_way(found.times * np.square(each)))
    expected += _lifted(found, 4 * n * totals * ranks)
    whole_observed, whole_expected = float(repeats @ own), 2 * n * squares

    def alpha(weights: Array) -> Array:
        more = weights * (repeats.sum() / weights.sum(axis=1, keepdims=True)) - repeats
        answers = n + more @ found.answers
        value: Array = 1 - (answers - 1) * (whole_observed + more @ observed) / (
            whole_expected + more @ expected
        )
        return value

    return alpha


def _lifted(found: Labellings, pull: Array) -> Array:
    """Return how much one more task of each way moves a sum: its answers lift the ranks of all values above them.

    ``pull`` is how much the sum moves by the rank of each value.
    """
    above = pull[::-1].cumsum()[::-1] - pull / 2
    return found.per_way(found.times * above[found.value])
