"""How far experts agree beyond chance, with an interval.

Frames are long: one row an answer, with the columns ``task``, ``expert`` and ``label``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from consilience.errors import InvalidFrame, InvalidInput
from consilience.frames import Frame, long_frame

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]

Level = Literal["nominal", "ordinal", "interval", "ratio"]

_DRAWS_AT_ONCE = 256
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
    table = long_frame(frame).drop_nulls("label")
    counts, values, n_experts = _counts(table, level)
    name = f"Krippendorff alpha, {level}"
    if not len(counts):
        return _undefined(name, 0, 0, confidence, "no task has two answers")
    if counts.shape[1] == 1:
        return _undefined(name, len(counts), n_experts, confidence, "every answer is the same: no variation")
    value = float(_alpha(counts, values, level, None)[0])
    low, high = _bootstrap(counts, values, level, confidence, draws, seed)
    return Coefficient(value, low, high, len(counts), n_experts, name, confidence)


def _check_options(level: str, confidence: float, draws: int) -> None:
    if level not in get_args(Level):
        raise InvalidInput(f"level is one of {', '.join(get_args(Level))}, {level!r} came.")
    if not 0 < confidence < 1:
        raise InvalidInput(f"confidence lies between 0 and 1, {confidence} came: write 0.95 for 95 %.")
    if draws < 0:
        raise InvalidInput(f"draws is 0 or more, {draws} came.")


def _undefined(method: str, n_tasks: int, n_experts: int, confidence: float, note: str) -> Coefficient:
    return Coefficient(math.nan, math.nan, math.nan, n_tasks, n_experts, method, confidence, note)


def _counts(table: pl.DataFrame, level: Level) -> tuple[Array, Array, int]:
    """Return how often each task got each value (n_tasks, n_values), the values, and the number of experts."""
    import numpy as np
    import polars as pl

    if level != "nominal":
        table = _numeric(table, level)
    paired = table.filter(pl.len().over("task") > 1)
    coded = paired.select(
        pl.col("task").rank("dense").cast(pl.Int64) - 1, pl.col("label").rank("dense").cast(pl.Int64) - 1
    )
    shape = (paired["task"].n_unique(), paired["label"].n_unique())
    flat = coded["task"].to_numpy() * max(shape[1], 1) + coded["label"].to_numpy()
    counts = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    values = paired["label"].unique().sort()
    numbers = (
        np.arange(shape[1], dtype=np.float64) if level == "nominal" else values.to_numpy().astype(np.float64)
    )
    return counts, numbers, paired["expert"].n_unique()


def _numeric(table: pl.DataFrame, level: Level) -> pl.DataFrame:
    import polars as pl

    if not table["label"].dtype.is_numeric():
        raise InvalidFrame(
            f"Level {level!r} needs numbers in column 'label', it holds {table['label'].dtype}: cast it, or use "
            "level='nominal'."
        )
    table = table.with_columns(pl.col("label").cast(pl.Float64))
    odd = ~table["label"].is_finite()
    if odd.any():
        task, expert, value = table.filter(odd).row(0)
        raise InvalidFrame(f"Labels must be finite, {expert!r} gave {value} for task {task!r}: make it null.")
    if level == "ratio" and (table["label"].min() or 0.0) < 0:  # type: ignore[operator]
        raise InvalidFrame(
            "Level 'ratio' needs labels of 0 or more, a negative one came: use level='interval'."
        )
    return table


def _distances(values: Array, totals: Array, level: Level) -> Array:
    """Return the squared differences between values, for each row of totals: (..., n_values, n_values)."""
    import numpy as np

    first, second = values[:, None], values[None, :]
    if level == "nominal":
        return np.not_equal(first, second).astype(np.float64)
    if level == "interval":
        squared: Array = np.square(first - second)
        return squared
    if level == "ratio":
        total = first + second
        return np.square(np.divide(first - second, total, out=np.zeros_like(total), where=total != 0))
    # rank of a value: how many answers lie below it, and half of its own
    middle = np.cumsum(totals, axis=-1) - totals / 2
    return np.square(middle[..., :, None] - middle[..., None, :])


def _alpha(counts: Array, values: Array, level: Level, weights: Array | None) -> Array:
    """Return alpha for each row of task weights (n_draws, n_tasks), nan where a draw has no variation."""
    import numpy as np

    weights = np.ones((1, len(counts))) if weights is None else weights
    answers = counts.sum(axis=1)
    totals = weights @ counts
    distances = _distances(values, totals, level)
    if distances.ndim == 2:
        per_task = np.einsum("tv,tv->t", counts @ distances, counts) / (answers - 1)
        observed = weights @ per_task
        expected = np.einsum("dv,dv->d", totals @ distances, totals)
    else:
        scaled = counts / (answers - 1)[:, None]
        coincidences = np.stack([counts.T @ (scaled * draw[:, None]) for draw in weights])
        observed = np.einsum("dvw,dvw->d", coincidences, distances)
        expected = np.einsum("dv,dvw,dw->d", totals, distances, totals)
    n = totals.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha: Array = np.where(expected > 0, 1 - (n - 1) * observed / expected, np.nan)
    return alpha


def _bootstrap(
    counts: Array, values: Array, level: Level, confidence: float, draws: int, seed: int
) -> tuple[float, float]:
    import numpy as np

    if draws == 0 or len(counts) < 2:
        return math.nan, math.nan
    # tasks with the same counts are interchangeable: drawing how often each pattern comes is the same bootstrap
    patterns, repeats = np.unique(counts, axis=0, return_counts=True)
    generator = np.random.default_rng(seed)
    share = repeats / len(counts)
    parts = []
    for start in range(0, draws, _DRAWS_AT_ONCE):
        size = min(_DRAWS_AT_ONCE, draws - start)
        weights = generator.multinomial(len(counts), share, size=size).astype(np.float64)
        parts.append(_alpha(patterns, values, level, weights))
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
