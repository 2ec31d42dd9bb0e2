"""How many different recommendations there are, those that nobody has made yet included."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from consilience.errors import InvalidInput
from consilience.markup.sentence import SentenceDisplayed

__all__ = ["Unseen", "chao1"]


@dataclass(frozen=True, slots=True)
class Unseen(SentenceDisplayed):
    """What nobody has said yet, estimated from how often things were said once and twice.

    Parameters
    ----------
    estimate
        Different recommendations still to come, if ever more experts of the same kind were asked: a lower bound. nan
        below two experts.
    low, high
        Its interval, log-normal.
    observed, once, twice
        Recommendations so far, those of one expert only, and those of just two.
    n_experts
        Experts asked, those without a recommendation too.
    confidence
        Probability that the interval covers.
    """

    estimate: float
    low: float
    high: float
    observed: int
    once: int
    twice: int
    n_experts: int
    confidence: float = 0.95

    def explain(self) -> str:
        """Say it in a sentence.

        Examples
        --------
        >>> chao1([1, 1, 1, 2], n=3).explain()
        'Of 4 recommendations 3 come from one expert alone; at least 3.0 [0.3, 28.0] more are to be expected.'
        """
        if math.isnan(self.estimate):
            return "What nobody has said yet cannot be estimated from fewer than two experts."
        return (
            f"Of {self.observed:,} recommendations {self.once:,} come from one expert alone; at least "
            f"{self.estimate:,.1f} [{self.low:,.1f}, {self.high:,.1f}] more are to be expected."
        )


def chao1(counts: Sequence[int], n: int, *, confidence: float = 0.95) -> Unseen:
    """Estimate how many kinds were not seen, from how many were seen once and twice.

    Parameters
    ----------
    counts
        For each kind that was seen: how often, 1 or more. For recommendations: how many experts made it.
    n
        Size of the sample. Since an expert makes a recommendation or does not, it is the number of experts, and the
        estimate is the form for incidences, also called Chao2; for counts of individuals it is their sum.
    confidence
        Probability that the interval covers.

    Raises
    ------
    InvalidInput
        A count is below 1, or n is smaller than the largest.

    Notes
    -----
    A. Chao, *Scandinavian Journal of Statistics* 11 (1984), 265-270; for incidences, and the interval, *Biometrics* 43
    (1987), 783-791. Without kinds that were seen twice the bias-corrected form is taken. The estimate takes experts to
    be drawn alike and independently; experts who learned from the same texts leave more unsaid than it says.

    Examples
    --------
    >>> chao1([1, 1, 1, 1, 2, 2, 3], n=5).estimate
    3.2
    """
    if any(count < 1 for count in counts) or max(counts, default=0) > n:
        raise InvalidInput(
            f"counts must lie between 1 and n={n}, {list(counts)[:10]!r} came: leave out what is 0."
        )
    if not 0 < confidence < 1:
        raise InvalidInput(f"confidence must be between 0 and 1, {confidence} came; 0.95 is usual.")
    once, twice = (sum(count == times for count in counts) for times in (1, 2))
    if n < 2:
        return Unseen(math.nan, math.nan, math.nan, len(counts), once, twice, n, confidence)
    share = (n - 1) / n
    if twice:
        estimate = share * once**2 / (2 * twice)
        ratio = once / twice
        variance = twice * (share * ratio**2 / 2 + share**2 * ratio**3 + share**2 * ratio**4 / 4)
    else:
        estimate = share * once * (once - 1) / 2
        variance = estimate + share**2 * once * (2 * once - 1) ** 2 / 4
        variance -= share**2 * once**4 / (4 * (len(counts) + estimate)) if counts else 0.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    low, high = _interval(estimate, variance, z) if estimate > 0 else (0.0, _complete(counts, z))
    return Unseen(estimate, low, high, len(counts), once, twice, n, confidence)


def _interval(unseen: float, variance: float, z: float) -> tuple[float, float]:
    factor = math.exp(z * math.sqrt(math.log1p(variance / unseen**2)))
    return unseen / factor, unseen * factor


def _complete(counts: Sequence[int], z: float) -> float:
    """Return the upper end where nothing seems to be missing: kinds as frequent as the average may be."""
    if not counts:
        return 0.0
    missed = math.exp(-sum(counts) / len(counts))
    error = math.sqrt(len(counts) * missed * (1 - missed))
    return (len(counts) + z * error) / (1 - missed) - len(counts)
