"""What is planted, and what grew from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput
from consilience.markup.displayed import FrameDisplayed

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Planted:
    """An expert whose behaviour is known because it is planted.

    Parameters
    ----------
    name
        Unique within the simulation.
    accuracy
        Probability of the right label, the same for each; wrong labels are equally likely. Ignored with `confusion`.
    confusion
        Instead of `accuracy`, for each true label the probabilities of the labels that are given:
        ``{"cat": {"cat": 0.9, "dog": 0.1}, ...}``; labels that are not named have probability 0.
    abstains
        Probability of no answer (a null label), whatever the task.
    family
        Experts of one family share errors as far as the simulation's `correlation` says; by default all are of one.
    overconfidence
        What the stated log odds are multiplied by: 1 states a probability that comes true, 2 overstates, 0.5
        understates.
    cost_usd
        Price of an answer, an abstention included; None is unknown and gives nulls.

    Raises
    ------
    InvalidInput
        A number is out of range.
    """

    name: str
    accuracy: float = 0.8
    confusion: Mapping[str, Mapping[str, float]] | None = None
    abstains: float = 0.0
    family: str = ""
    overconfidence: float = 1.0
    cost_usd: float | None = None

    def __post_init__(self) -> None:
        for what, value in (("accuracy", self.accuracy), ("abstains", self.abstains)):
            require_share(f"{what} of {self.name!r}", value)
        if not self.overconfidence >= 0 or math.isinf(self.overconfidence):
            raise InvalidInput(
                f"overconfidence of {self.name!r} is a number of 0 or more, {self.overconfidence} came."
            )
        if self.cost_usd is not None and not 0 <= self.cost_usd < math.inf:
            raise InvalidInput(
                f"cost_usd of {self.name!r} is 0 or more, or None where unknown; {self.cost_usd} came."
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simulation(FrameDisplayed):
    """Simulated answers, what is right, and what was planted.

    Parameters
    ----------
    answers
        ``task``, ``expert``, ``label`` (null for an abstention), ``confidence`` (null for an abstention), ``cost_usd``:
        what `evaluate` and the aggregation methods take.
    gold
        ``task``, ``label``.
    difficulty
        ``task``, ``difficulty``: the shared part of the latent number, in standard deviations; above 0 more err.
    experts
        ``expert``, ``family``, ``accuracy`` when answering (planted), ``abstains``, ``overconfidence``, ``cost_usd``.
    confusion
        ``expert``, ``truth``, ``label``, ``probability`` (planted), as `Aggregation.confusion` returns it.
    correlations
        ``first``, ``second``, ``correlation``: Pearson's, of the errors of each pair, as the planted copula implies it
        when both answer; null where one never or always errs. It lies below the latent correlation.
    """

    answers: pl.DataFrame
    gold: pl.DataFrame
    difficulty: pl.DataFrame
    experts: pl.DataFrame
    confusion: pl.DataFrame
    correlations: pl.DataFrame

    @property
    def effective_votes(self) -> float:
        """Independent votes that the planted correlations leave: ``n / (1 + (n - 1) * mean)``; nan for one expert."""
        n = len(self.experts)
        mean: Any = self.correlations["correlation"].mean()
        return math.nan if mean is None else n / (1 + (n - 1) * float(mean))

    def __repr__(self) -> str:
        return (
            f"<Simulation of {len(self.gold):,} tasks and {len(self.experts)} experts, "
            f"{self.effective_votes:.1f} effective votes planted>"
        )

    def to_polars(self) -> pl.DataFrame:
        """Return `answers`."""
        return self.answers


def require_share(what: str, value: float) -> None:
    """Raise `InvalidInput` when a value lies outside 0 to 1."""
    if not 0 <= value <= 1:
        raise InvalidInput(f"{what} lies from 0 to 1, {value} came.")
