"""Agreement of rankings on one question, where there are no other tasks to compare with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from consilience.agreement.coefficient import Coefficient
from consilience.agreement.single import by_chance

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_SPREADS = 41
_CELLS = 4_000_000  # comparisons of items drawn at most: about a tenth of a second
_MOST_CIRCLES = 500


def one_ranking(orders: Sequence[Sequence[str]], *, confidence: float = 0.95) -> Coefficient:
    """Agreement of one question's rankings beyond chance: Kendall's tau, averaged over the pairs of experts.

    Parameters
    ----------
    orders
        For each expert who answered all items, the best first; the same items in each.
    confidence
        Probability of the interval.

    Returns
    -------
    Coefficient
        1 when all orders are the same, 0 in the mean of guessing, below it for opposed camps; nan when fewer than two
        ranked. The interval holds the values that another circle of the same size would show, from Mallows' model with
        a uniform prior on its spread; the note says how often guessing alone agrees as much.

    Notes
    -----
    M. G. Kendall, *Biometrika* 30 (1938), 81-93; C. L. Mallows, *Biometrika* 44 (1957), 114-130, whose model depends
    on the distance to one true order. The spread's likelihood is that of the mean tau, from draws with a fixed seed.

    Examples
    --------
    >>> one_ranking(["abc", "abc", "cba", "cba"]).value < 0 < one_ranking(["abcd", "abcd", "abdc"]).value
    True
    """
    n = len(orders)
    name = "Kendall tau over pairs of experts, one question"
    if n < 2:
        return Coefficient(math.nan, math.nan, math.nan, 1, n, name, confidence, "fewer than two ranked")
    number = {item: at for at, item in enumerate(sorted(orders[0]))}
    import numpy as np

    places = np.empty((1, n, len(number)))
    for expert, order in enumerate(orders):
        places[0, expert, [number[item] for item in order]] = np.arange(len(order))
    value = float(_mean_tau(places)[0])
    low, high, guessing = _predicted(n, len(number), round(value, 9), confidence)
    return Coefficient(value, low, high, 1, n, name, confidence, by_chance(guessing))


@lru_cache(maxsize=1024)
def _predicted(n: int, m: int, value: float, confidence: float) -> tuple[float, float, float]:
    """Return the ends of the interval, and how often guessing agrees as much."""
    import numpy as np

    generator = np.random.default_rng(0)
    circles = max(20, min(_MOST_CIRCLES, _CELLS // (_SPREADS * n * m * m)))
    drawn = np.stack([_mean_tau(_mallows(generator, q, circles, n, m)) for q in np.linspace(0, 1, _SPREADS)])
    # the mean tau takes few values: its likelihood is how often it, or the nearest drawn, came
    nearest = drawn.ravel()[np.abs(drawn.ravel() - value).argmin()]
    weight = np.isclose(drawn, nearest, atol=1e-9).mean(axis=1)
    order = drawn.ravel().argsort()
    share = np.repeat(weight / (weight.sum() * circles), circles)[order].cumsum()
    tail = (1 - confidence) / 2
    ends = drawn.ravel()[order[np.minimum(np.searchsorted(share, [tail, 1 - tail]), share.size - 1)]]
    guessing = float((drawn[-1] >= value - 1e-9).mean())
    return min(float(ends[0]), value), max(float(ends[1]), value), guessing


def _mallows(generator: np.random.Generator, q: float, circles: int, n: int, m: int) -> Array:
    """Draw places by repeated insertion: with probability q to the power j an item comes j places before the last.

    ``q`` is 0 for one order for all, and 1 for guessing. Shape ``(circles, n, m)``.
    """
    import numpy as np

    places = np.zeros((circles, n, m))
    for item in range(1, m):
        cumulative = np.cumsum(q ** np.arange(item + 1))
        jumped = np.searchsorted(cumulative / cumulative[-1], generator.random((circles, n)))
        at = item - np.minimum(jumped, item)[:, :, None]
        places[:, :, :item] += places[:, :, :item] >= at
        places[:, :, item] = at[:, :, 0]
    return places


def _mean_tau(places: Array) -> Array:
    """Return the mean of Kendall's tau over pairs of experts, for each circle."""
    import numpy as np

    n, m = places.shape[1:]
    left, right = np.triu_indices(m, 1)
    ahead = (places[:, :, left] < places[:, :, right]).sum(axis=1)
    agreeing = ahead * (ahead - 1) + (n - ahead) * (n - ahead - 1)
    means: Array = (2 * agreeing / (n * (n - 1)) - 1).mean(axis=1)
    return means
