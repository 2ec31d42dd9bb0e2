"""Agreement on one question, where there are no other tasks to compare with."""

from __future__ import annotations

import math
from functools import lru_cache

from consilience.agreement.coefficient import Coefficient

_POSTERIOR_DRAWS = 20_000


@lru_cache(maxsize=1024)
def one_question(votes: tuple[int, ...], *, confidence: float = 0.95) -> Coefficient:
    """Agreement of one question's answers beyond chance: Brennan and Prediger's kappa with a posterior interval.

    Parameters
    ----------
    votes
        Answers for each of the choices, zero included; at least two choices.
    confidence
        Probability of the interval.

    Returns
    -------
    Coefficient
        ``value`` compares the share of agreeing pairs of experts with the 1 / n_choices that guessing gives; nan when
        fewer than two answered. The interval holds the values that another circle of the same size would show
        (posterior predictive, Jeffreys' prior); the note says how often guessing alone agrees as much, since four of
        four agreeing on yes or no is little evidence.

    Notes
    -----
    R. L. Brennan and D. J. Prediger, *Educational and Psychological Measurement* 41 (1981), 687-699. 20,000 draws
    from a fixed seed.

    Examples
    --------
    >>> one_question((2, 2)).value < 0 < one_question((4, 0)).value
    True
    """
    import numpy as np

    n, k = sum(votes), len(votes)
    name = "Brennan-Prediger kappa, one question"
    if n < 2:
        return Coefficient(math.nan, math.nan, math.nan, 1, n, name, confidence, "fewer than two answered")
    # the order of the choices must not move the interval, so the posterior is drawn for the sorted counts
    counts = np.sort(np.array(votes))[::-1]
    generator = np.random.default_rng(0)
    other = generator.multinomial(n, generator.dirichlet(counts + 0.5, size=_POSTERIOR_DRAWS))
    shown = np.vstack([counts, other])
    pairs = (shown * (shown - 1)).sum(axis=1) / (n * (n - 1))
    kappa = (pairs - 1 / k) / (1 - 1 / k)
    tail = (1 - confidence) / 2
    low, high = np.quantile(kappa[1:], [tail, 1 - tail], method="nearest")
    guessed = generator.multinomial(n, np.full(k, 1 / k), size=_POSTERIOR_DRAWS)
    by_guessing = float(((guessed * (guessed - 1)).sum(axis=1) >= (counts * (counts - 1)).sum()).mean())
    return Coefficient(
        float(kappa[0]), float(low), float(high), 1, n, name, confidence, by_chance(by_guessing)
    )


def by_chance(probability: float) -> str:
    """Say how likely guessing alone agrees as much."""
    likely = f"probability {probability:.2f}" if probability >= 0.005 else "probability below 0.01"
    return f"guessing alone agrees this much with {likely}"
