"""Scores of one question pooled into one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from consilience.models import Response
from consilience.verdict.methods import Method
from consilience.verdict.weights import same


def pool(scored: Sequence[tuple[Response, float]], method: Method, weight: Mapping[str, float]) -> float:
    """Return the median, the mean, or the weighted median of scores, independent of their order.

    The median of an even number is the mean of the two in the middle; so is the weighted one where half of the weight
    lies on either side. `aggregate.median` and its kin do the same over a frame of questions.
    """
    if method == "mean":
        return math.fsum(score for _, score in scored) / len(scored)
    weighed = sorted((score, weight.get(response.expert, 1.0)) for response, score in scored)
    half = math.fsum(each for _, each in weighed) / 2
    below = 0.0
    for at, (score, each) in enumerate(weighed):
        below += each
        if same(below, half) and at + 1 < len(weighed):
            above = next((s for s, w in weighed[at + 1 :] if w > 0), score)
            return (score + above) / 2
        if below > half:
            return score
    return weighed[-1][0]
