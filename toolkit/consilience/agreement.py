"""How far experts agree beyond chance, with an interval.

Frames are long: one row an answer, with the columns ``task``, ``expert`` and ``label``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, get_args

from consilience.disagreement import Level, Patterns, alpha, patterns
from consilience.errors import InvalidInput
from consilience.frames import Frame

if TYPE_CHECKING:
    import polars as pl

_DRAWS_AT_ONCE = 256
_CELLS_AT_ONCE = 1 << 22
_POSTERIOR_DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient of agreement: 1 is full agreement, 0 is chance, below 0 is opposition.

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
    """

    value: float
    low: float
    high: float
    n_tasks: int
    n_experts: int
    method: str
    level: float = 0.95
    note: str = ""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return f"undefined ({self.note})" if self.note else "undefined"
        if math.isnan(self.low):
            return _two_places(self.value)
        return f"{_two_places(self.value)} [{_two_places(self.low)}, {_two_places(self.high)}]"

    def explain(self) -> str:
        """Say in a sentence what the figure shows, and no more.

        Examples
        --------
        >>> Coefficient(0.12, -0.2, 0.41, 20, 3, "Krippendorff alpha").explain()
        'Krippendorff alpha 0.12 [-0.20, 0.41] over 20 tasks and 3 experts: not told apart from chance.'
        """
        over = (
            f"{self.method} {self} over {_count(self.n_tasks, 'task')} and {_count(self.n_experts, 'expert')}"
        )
        if math.isnan(self.value):
            return f"{over}."
        return f"{over}: {self.note or self._reading()}."

    def _reading(self) -> str:
        if math.isnan(self.low):
            return "without an interval it supports no statement about other tasks"
        if self.low > 0:
            return "more agreement than chance gives"
        if self.high < 0:
            return "the experts contradict each other more often than chance would"
        return "not told apart from chance"

    def to_polars(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        import polars as pl

        return pl.DataFrame({name: [getattr(self, name)] for name in self.__slots__})

    def _repr_html_(self) -> str:
        from consilience.markup import interval_bar, page

        return page(interval_bar(self.value, self.low, self.high), note=self.explain())


def _two_places(value: float) -> str:
    # adding 0.0 turns a rounded minus zero into zero
    return f"{round(value, 2) + 0.0:.2f}"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def krippendorff_alpha(
    frame: Frame, level: Level = "nominal", *, confidence: float = 0.95, draws: int = 1000, seed: int = 0
) -> Coefficient:
    """Krippendorff's alpha, any number of experts, missing answers allowed.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``label``; a null label is a missing answer. Tasks with fewer than two
        answers say nothing about agreement and are left out.
    level
        How labels differ: ``nominal`` (same or not), ``ordinal`` (by rank), ``interval`` (squared difference),
        ``ratio`` (squared relative difference). All but nominal need numbers.
    confidence
        Probability that the bootstrap interval covers.
    draws
        Bootstrap draws over tasks; 1,000 keep the ends steady to about 0.01. 0 gives no interval.
    seed
        Of the bootstrap, so that a report can be printed twice.

    Returns
    -------
    Coefficient
        ``value`` is nan, with a note, when no task has two answers or when every answer is the same: without
        variation there is no chance agreement to correct for.

    Raises
    ------
    InvalidFrame
        A column is missing, an expert answered a task twice, or labels are not numbers at a level that needs them.

    Notes
    -----
    K. Krippendorff, *Content Analysis*, 4th ed., 2018, chapter 12. The interval is the percentile bootstrap over
    tasks.

    Examples
    --------
    >>> frame = {
    ...     "task": [1, 1, 2, 2, 3, 3],
    ...     "expert": ["a", "b"] * 3,
    ...     "label": ["x", "x", "y", "y", "x", "y"],
    ... }
    >>> round(krippendorff_alpha(frame, draws=0).value, 4)
    0.4444
    """
    _check_options(level, confidence, draws)
    found = patterns(frame, level)
    name = f"Krippendorff alpha, {level}"
    if not found.n_tasks:
        return _undefined(name, 0, 0, confidence, "no task has two answers")
    if found.values.size == 1:
        note = "every answer is the same: no variation"
        return _undefined(name, found.n_tasks, found.n_experts, confidence, note)
    value = float(alpha(found, level, found.repeats[None, :])[0])
    low, high = _bootstrap(found, level, confidence, draws, seed)
    return Coefficient(value, low, high, found.n_tasks, found.n_experts, name, confidence)


def _check_options(level: str, confidence: float, draws: int) -> None:
    if level not in get_args(Level):
        raise InvalidInput(f"level is one of {', '.join(get_args(Level))}, {level!r} came.")
    if not 0 < confidence < 1:
        raise InvalidInput(f"confidence lies between 0 and 1, {confidence} came: write 0.95 for 95 %.")
    if draws < 0:
        raise InvalidInput(f"draws is 0 or more, {draws} came.")


def _undefined(method: str, n_tasks: int, n_experts: int, confidence: float, note: str) -> Coefficient:
    return Coefficient(math.nan, math.nan, math.nan, n_tasks, n_experts, method, confidence, note)


def _bootstrap(
    found: Patterns, level: Level, confidence: float, draws: int, seed: int
) -> tuple[float, float]:
    import numpy as np

    if draws == 0 or found.n_tasks < 2:
        return math.nan, math.nan
    # tasks of one pattern are interchangeable: drawing how often each pattern comes is the same bootstrap
    generator = np.random.default_rng(seed)
    share = found.repeats / found.n_tasks
    at_once = max(1, min(_DRAWS_AT_ONCE, _CELLS_AT_ONCE // max(found.value.size, found.values.size)))
    parts = []
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start)
        weights = generator.multinomial(found.n_tasks, share, size=size).astype(np.float64)
        parts.append(alpha(found, level, weights))
    sample = np.concatenate(parts)
    if np.isnan(sample).all():
        return math.nan, math.nan
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(sample, [tail, 1 - tail])
    return float(low), float(high)


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
        return _undefined(name, 1, n, confidence, "fewer than two answered")
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
        float(kappa[0]), float(low), float(high), 1, n, name, confidence, _by_chance(by_guessing)
    )


def _by_chance(probability: float) -> str:
    likely = f"probability {probability:.2f}" if probability >= 0.005 else "probability below 0.01"
    return f"guessing alone agrees this much with {likely}"
