"""Votes of experts who count differently."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

from consilience.errors import InvalidInput

#: Sums of weights that differ by less, relatively, are the same: floats depend on the order in which they are added.
TIE = 1e-9


def checked_weights(
    weights: Mapping[str, Any] | None, experts: Iterable[str], method: str = "weighted majority"
) -> dict[str, float]:
    """Return the weights of the experts.

    Raises
    ------
    InvalidInput
        There are none, an expert has none, one is negative or not finite, or all are 0.
    """
    if not weights:
        raise InvalidInput(f"The method {method!r} needs weights={{expert: weight}}, none came.")
    found = {}
    for expert in experts:
        if expert not in weights:
            raise InvalidInput(
                f"weights= names every expert, {expert!r} is missing: give it a weight, 0 for no say."
            )
        weight = weights[expert]
        if not isinstance(weight, Real) or not 0 <= float(weight) < math.inf:
            raise InvalidInput(f"A weight is a number of 0 or more, {weight!r} came for {expert!r}.")
        found[expert] = float(weight)
    if not any(found.values()):
        raise InvalidInput("Not all weights may be 0: nobody would have a say.")
    return found


def same(left: float, right: float) -> bool:
    """Return whether two sums of weights count as equal."""
    return math.isclose(left, right, rel_tol=TIE)
