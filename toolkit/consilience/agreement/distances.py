"""From distances between answers to alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from consilience.agreement.labellings import Labellings

    Array = np.ndarray[Any, np.dtype[np.float64]]


def beyond_chance(found: Labellings, weights: Array, within: Array, between: Array) -> Array:
    """Return alpha for each draw, nan where it has no variation.

    Parameters
    ----------
    found, weights
        The ways in which tasks were labelled, and how often each came, shape ``(n_draws, n_ways)``.
    within
        Distances between the answers to a task, summed over ordered pairs, for each way, or for each draw and way.
    between
        Distances between all answers, summed over ordered pairs, for each draw.
    """
    import numpy as np

    n = weights @ found.answers
    observed = (weights * (within / (found.answers - 1))).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        value: Array = np.where(between > 1e-12 * n * n, 1 - (n - 1) * observed / between, np.nan)
    return value
