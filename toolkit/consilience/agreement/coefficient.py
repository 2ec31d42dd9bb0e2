"""The result that every coefficient of agreement returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.markup.displayed import Displayed

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Coefficient(Displayed):
    """A coefficient of agreement: 1 is full agreement, `chance` is what guessing gives, below it is opposition.

    Parameters
    ----------
    value
        The estimate; nan where it is not defined, with the reason in ``note``.
    low, high
        Ends of the interval; nan where there is none.
    n_tasks, n_experts
        Tasks that at least two experts answered, and experts who answered any of them.
    method
        The coefficient's name.
    level
        Probability that the interval covers.
    note
        One sentence on what limits the figure; empty when there is nothing to say.
    standard_error
        Standard deviation of the bootstrap draws; nan where there is no interval.
    left_out
        Tasks with an answer that had too few of them to be compared.
    chance
        The value that guessing gives: 0, but for Kendall's W, which is not corrected for chance.
    """

    value: float
    low: float
    high: float
    n_tasks: int
    n_experts: int
    method: str
    level: float = 0.95
    note: str = ""
    standard_error: float = math.nan
    left_out: int = 0
    chance: float = 0.0

    def __str__(self) -> str:
        if math.isnan(self.value):
            return f"undefined ({self.note})" if self.note else "undefined"
        if math.isnan(self.low):
            return two_places(self.value)
        return f"{two_places(self.value)} [{two_places(self.low)}, {two_places(self.high)}]"

    def explain(self) -> str:
        """Say in a sentence what the figure shows, and no more.

        Examples
        --------
        >>> Coefficient(0.12, -0.2, 0.41, 20, 3, "Krippendorff alpha").explain()
        'Krippendorff alpha 0.12 [-0.20, 0.41] over 20 tasks and 3 experts: not told apart from chance.'
        """
        said = (
            f"{self.method} {self} over {_count(self.n_tasks, 'task')} and {_count(self.n_experts, 'expert')}"
        )
        if not math.isnan(self.value):
            said += f": {self.note or self._reading()}"
        if self.left_out:
            said += f"; {_count(self.left_out, 'task')} left out for want of answers"
        return f"{said}."

    def _reading(self) -> str:
        if math.isnan(self.low):
            return "without an interval it supports no statement about other tasks"
        chance = f" ({two_places(self.chance)})" if self.chance else ""
        if self.low > self.chance:
            return f"more agreement than chance gives{chance}"
        if self.high < self.chance:
            return f"the experts contradict each other more often than chance would{chance}"
        return f"not told apart from chance{chance}"

    def to_polars(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        import polars as pl

        return pl.DataFrame({name: [getattr(self, name)] for name in self.__slots__})

    def _repr_html_(self) -> str:
        from consilience.markup import interval_bar, page

        return page(interval_bar(self.value, self.low, self.high), note=self.explain())


def two_places(value: float) -> str:
    """Return a figure with two places, never minus zero."""
    # adding 0.0 turns a rounded minus zero into zero
    return f"{round(value, 2) + 0.0:.2f}"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")
