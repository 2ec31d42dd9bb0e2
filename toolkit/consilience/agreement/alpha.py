"""Krippendorff's alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from consilience.agreement.coefficient import Coefficient
from consilience.agreement.distances import beyond_chance
from consilience.agreement.labellings import Labellings, labellings
from consilience.agreement.ordinal import ordinal_alpha
from consilience.agreement.ratings import read_ratings
from consilience.agreement.resampling import Resampling, Subject
from consilience.errors import InvalidFrame, InvalidInput
from consilience.frames import Frame, answer_columns

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from consilience.agreement.resampling import Statistic

    Array = np.ndarray[Any, np.dtype[np.float64]]

Level = Literal["nominal", "ordinal", "interval", "ratio"]

_VALUES_AT_ONCE = 256
_MOST_RATIOS = 1 << 37  # some five seconds


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
    InvalidInput
        An option is out of its range.

    Notes
    -----
    K. Krippendorff, *Content Analysis*, 4th ed., 2018, chapter 12. The interval is the percentile bootstrap over
    tasks. Where more than 4,096 different values came, the ordinal one does not rank each draw anew, but adds up how
    much each task moves both sides of the fraction (the first-order expansion).

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
    import numpy as np

    if level not in get_args(Level):
        raise InvalidInput(f"level is one of {', '.join(get_args(Level))}, {level!r} came.")
    how = Resampling(confidence, draws, seed)
    table = answer_columns(frame)
    given = read_ratings(table if level == "nominal" else _numeric(table, level))
    subject = Subject(
        method=f"Krippendorff alpha, {level}",
        n_tasks=given.compared,
        n_experts=given.n_comparing,
        left_out=given.alone,
    )
    if not given.compared:
        return subject.undefined(how, "no task has two answers")
    paired = given.only(given.answered > 1)
    used, value = np.unique(paired.label, return_inverse=True)
    found = labellings(paired.task, value.astype(np.int32), given.answered.size, used.size)
    numbers = used if level == "nominal" else given.labels.to_numpy()[used]
    if level == "ratio" and used.size**2 * max(draws, 1) > _MOST_RATIOS:
        raise InvalidInput(
            f"Level 'ratio' compares each two values in each draw, {used.size:,} different values and {draws:,} draws "
            "came: round the values, take fewer draws, or use level='interval'."
        )
    statistic = _alpha(found, level, numbers.astype(np.float64))
    return subject.estimate(statistic, found.repeats, how, cells=1 if level == "interval" else used.size)


def _numeric(table: pl.DataFrame, level: Level) -> pl.DataFrame:
    import polars as pl

    if not table["label"].dtype.is_numeric():
        raise InvalidFrame(
            f"Level {level!r} needs numbers in column 'label', it holds {table['label'].dtype}: cast it, or use "
            "level='nominal'."
        )
    table = table.with_columns(pl.col("label").cast(pl.Float64))
    odd = (~table["label"].is_finite()).fill_null(value=False)
    if odd.any():
        row = odd.arg_max() or 0
        raise InvalidFrame(
            f"Labels must be finite, row {row} of column 'label' holds {table['label'][row]}: make it null."
        )
    low = (table["label"] < 0).fill_null(value=False)
    if level == "ratio" and low.any():
        row = low.arg_max() or 0
        raise InvalidFrame(
            f"Level 'ratio' needs labels of 0 or more, row {row} of column 'label' holds the negative "
            f"{table['label'][row]}: use level='interval'."
        )
    return table


def _alpha(found: Labellings, level: Level, numbers: Array) -> Statistic:
    if level == "interval":
        return _interval_alpha(found, numbers)
    if level == "ordinal":
        return ordinal_alpha(found)
    within = _ratio_within(found, numbers) if level == "ratio" else _unequal_pairs(found)

    def alpha(weights: Array) -> Array:
        totals = found.totals(weights)
        between = _ratio_between(totals, numbers) if level == "ratio" else _nominal_between(totals)
        return beyond_chance(found, weights, within, between)

    return alpha


def _unequal_pairs(found: Labellings) -> Array:
    return found.answers**2 - found.between_pairs(None)


def _nominal_between(totals: Array) -> Array:
    import numpy as np

    between: Array = totals.sum(axis=1) ** 2 - np.square(totals).sum(axis=1)
    return between


def _interval_alpha(found: Labellings, numbers: Array) -> Statistic:
    """Return alpha from sums of numbers and of squares, so that a draw costs no more where all numbers differ."""
    import numpy as np

    each = numbers[found.value]
    each = each - each.mean()
    scale = np.abs(each).max() or 1.0
    each = each / scale
    first, second = found.per_way(found.times * each), found.per_way(found.times * np.square(each))
    middle = first / found.answers
    within = 2 * found.answers * found.per_way(found.times * np.square(each - middle[found.way]))

    def alpha(weights: Array) -> Array:
        n = weights @ found.answers
        between = 2 * (n * (weights @ second) - np.square(weights @ first))
        return beyond_chance(found, weights, within, between)

    return alpha


def _ratio_between(totals: Array, numbers: Array) -> Array:
    import numpy as np

    between = np.zeros(len(totals))
    for low in range(0, numbers.size, _VALUES_AT_ONCE):
        part = slice(low, low + _VALUES_AT_ONCE)
        between += (totals[:, part] * (totals @ _ratio(numbers[:, None], numbers[None, part]))).sum(axis=1)
    return between


def _ratio(first: Array, second: Array) -> Array:
    import numpy as np

    total = first + second
    squared: Array = np.square(np.divide(first - second, total, out=np.zeros_like(total), where=total != 0))
    return squared


def _ratio_within(found: Labellings, numbers: Array) -> Array:
    """Return the distances within each way, whose mean is of no help: entry by entry against the later ones."""
    import numpy as np

    each = numbers[found.value]
    within = np.zeros(found.repeats.size)
    for ahead in range(1, int(np.bincount(found.way).max())):
        together = np.flatnonzero(found.way[ahead:] == found.way[:-ahead])
        both = found.times[together] * found.times[together + ahead]
        squared = _ratio(each[together], each[together + ahead])
        within += np.bincount(found.way[together], 2 * both * squared, minlength=within.size)
    return within
