"""One bootstrap for every coefficient: tasks are drawn anew, by how often each comes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from consilience.agreement.coefficient import Coefficient
from consilience.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.int64]]

    #: Turns how often each kind of task came, shape ``(n_draws, n_kinds)``, into one value a draw, nan if undefined.
    Statistic: TypeAlias = Callable[[Array], Array]

_DRAWS_AT_ONCE = 256
_CELLS_AT_ONCE = 1 << 22
_MOST_KINDS = 10_000  # to draw from one by one; more tasks are drawn by groups


@dataclass(frozen=True, slots=True)
class Resampling:
    """How the interval is made.

    Parameters
    ----------
    confidence
        Probability that it covers.
    draws
        Bootstrap draws over tasks; 0 gives no interval.
    seed
        Of the draws.
    """

    confidence: float
    draws: int
    seed: int

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise InvalidInput(
                f"confidence lies between 0 and 1, {self.confidence} came: write 0.95 for 95 %."
            )
        if self.draws < 0:
            raise InvalidInput(f"draws is 0 or more, {self.draws} came.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a coefficient is about; the fields are those of `Coefficient`."""

    method: str
    n_tasks: int
    n_experts: int
    left_out: int = 0
    chance: float = 0.0

    def undefined(self, how: Resampling, note: str) -> Coefficient:
        """Return the coefficient without a value."""
        return self._coefficient(how, math.nan, note)

    def estimate(
        self,
        statistic: Statistic,
        repeats: Places,
        how: Resampling,
        *,
        cells: int = 0,
        undefined: str = "every answer is the same: no variation",
    ) -> Coefficient:
        """Return the coefficient with its interval.

        Parameters
        ----------
        statistic
            The value for any number of tasks of each kind.
        repeats
            How many tasks of each kind there are.
        how
            The interval that is wanted.
        cells
            Numbers that the statistic holds at once for each draw, where they are more than the kinds.
        undefined
            What it means when the statistic is nan.
        """
        import numpy as np

        value = float(statistic(repeats[None, :].astype(np.float64))[0])
        if math.isnan(value):
            return self.undefined(how, undefined)
        if how.draws == 0:
            return self._coefficient(how, value)
        if repeats.sum() < 2:
            return self._coefficient(how, value, "one task gives no interval")
        sample = _sample(statistic, repeats, how, max(cells, repeats.size))
        sample = sample[~np.isnan(sample)]
        if sample.size < 2 or np.ptp(sample) < 1e-12:
            return self._coefficient(
                how, value, "every draw of tasks gives one value, so there is no interval"
            )
        tail = (1 - how.confidence) / 2
        low, high = np.quantile(sample, [tail, 1 - tail])
        return self._coefficient(how, value, "", float(low), float(high), float(sample.std(ddof=1)))

    def _coefficient(
        self,
        how: Resampling,
        value: float,
        note: str = "",
        low: float = math.nan,
        high: float = math.nan,
        standard_error: float = math.nan,
    ) -> Coefficient:
        return Coefficient(
            value,
            low,
            high,
            self.n_tasks,
            self.n_experts,
            self.method,
            how.confidence,
            note,
            standard_error,
            self.left_out,
            self.chance,
        )


def _sample(statistic: Statistic, repeats: Places, how: Resampling, cells: int) -> Array:
    import numpy as np

    generator = np.random.default_rng(how.seed)
    at_once = max(1, min(_DRAWS_AT_ONCE, _CELLS_AT_ONCE // cells))
    sizes = [min(at_once, how.draws - start) for start in range(0, how.draws, at_once)]
    return np.concatenate([statistic(_drawn(generator, repeats, size)) for size in sizes])


def _drawn(generator: np.random.Generator, repeats: Places, size: int) -> Array:
    """Return how often each kind of task comes when as many tasks are drawn with replacement, ``size`` times.

    Where the kinds are very many, the tasks are put at random into 10,000 groups and groups are drawn. Sums over
    tasks vary by it as much as if tasks were drawn (their standard error is known to 1 %, within what 1,000 draws
    leave open), at a tenth of the time.
    """
    import numpy as np

    n = int(repeats.sum())
    if repeats.size <= _MOST_KINDS:
        return generator.multinomial(n, repeats / n, size=size).astype(np.float64)
    group = np.random.default_rng(n).permutation(n) % _MOST_KINDS
    kind = None if repeats.max() == 1 else np.repeat(np.arange(repeats.size), repeats)
    weights = np.empty((size, repeats.size))
    for row in weights:
        drawn = np.bincount(generator.integers(0, _MOST_KINDS, _MOST_KINDS), minlength=_MOST_KINDS)[group]
        row[:] = drawn if kind is None else np.bincount(kind, drawn)
    return weights
