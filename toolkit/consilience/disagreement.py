"""How far the answers to a task differ, and how far all answers do: what Krippendorff's alpha compares.

Tasks are counted by the way in which they were labelled, so that nothing here grows with tasks times labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from consilience.errors import InvalidFrame
from consilience.frames import Frame, answer_columns, answered_twice, coded

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.int64]]

Level = Literal["nominal", "ordinal", "interval", "ratio"]

_VALUES_AT_ONCE = 256


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """The ways in which tasks were labelled; entries of one pattern stand together.

    Parameters
    ----------
    pattern, value, times
        For each entry: its pattern, one of its labels, and how often that label was given.
    starts
        The first entry of each pattern.
    answers, repeats
        For each pattern: answers to a task of it, and tasks of it.
    values
        The labels as numbers, ascending.
    n_experts
        Experts who answered any of the tasks.
    """

    pattern: Places
    value: Places
    times: Array
    starts: Places
    answers: Array
    repeats: Array
    values: Array
    n_experts: int

    @property
    def n_tasks(self) -> int:
        """Tasks with two or more answers."""
        return int(self.repeats.sum())

    def per_pattern(self, entries: Array) -> Array:
        """Sum the last axis, which runs over entries, within each pattern."""
        import numpy as np

        sums: Array = np.add.reduceat(entries, self.starts, axis=-1)
        return sums


def patterns(frame: Frame, level: Level) -> Patterns:
    """Return how the tasks with two or more answers were labelled.

    Raises
    ------
    InvalidFrame
        A column is missing, an expert answered a task twice, or labels are not numbers at a level that needs them.

    Examples
    --------
    >>> frame = {"task": [1, 1, 2, 2, 3], "expert": list("ababa"), "label": [5, 7, 7, 5, 5]}
    >>> found = patterns(frame, "interval")
    >>> found.repeats.tolist(), found.values.tolist(), found.n_experts
    ([2.0], [5.0, 7.0], 2)
    """
    import numpy as np

    from consilience import kernels

    table = answer_columns(frame)
    if level != "nominal":
        table = _numeric(table, level)
    tasks, labels, experts = coded(table["task"]), coded(table["label"]).ascending(), coded(table["expert"])
    sizes = len(tasks.distinct), len(experts.distinct), len(labels.distinct)
    answers = kernels.layout(tasks.codes, experts.codes, labels.codes, *sizes)
    task, expert = answers.repeated
    if task >= 0:
        raise answered_twice(tasks.distinct[task], experts.distinct[expert])
    here = labels.codes >= 0
    found = kernels.multisets(tasks.codes[here], labels.codes[here], sizes[0], sizes[2])
    paired = np.repeat(answers.answered > 1, answers.answered)
    seen = np.zeros(sizes[1], dtype=np.bool_)
    seen[answers.expert[paired]] = True
    used, value = np.unique(found.value, return_inverse=True)
    widths, starts = np.diff(found.start), found.start[:-1]
    times = found.times.astype(np.float64)
    values = used if level == "nominal" else labels.distinct.to_numpy()[used]
    return Patterns(
        pattern=np.repeat(np.arange(widths.size), widths),
        value=value,
        times=times,
        starts=starts,
        answers=np.add.reduceat(times, starts) if starts.size else np.zeros(0),
        repeats=found.repeats.astype(np.float64),
        values=values.astype(np.float64),
        n_experts=int(seen.sum()),
    )


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


def alpha(found: Patterns, level: Level, weights: Array) -> Array:
    """Return alpha for each row of tasks per pattern (n_draws, n_patterns), nan where a draw has no variation."""
    import numpy as np

    totals = _totals(found, weights)
    n = totals.sum(axis=1)
    values = found.values
    if level == "ordinal":
        # rank of a value: how many answers lie below it, and half of its own
        values = np.cumsum(totals, axis=1) - totals / 2
    within = _within(found, level, values) / (found.answers - 1)
    observed = (weights * within).sum(axis=1)
    expected = _between(totals, values, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        value: Array = np.where(expected > 0, 1 - (n - 1) * observed / expected, np.nan)
    return value


def _totals(found: Patterns, weights: Array) -> Array:
    """Return how often each value comes in each draw (n_draws, n_values)."""
    import numpy as np

    width = found.values.size
    rows = [np.bincount(found.value, draw[found.pattern] * found.times, minlength=width) for draw in weights]
    return np.stack(rows)


def _within(found: Patterns, level: Level, values: Array) -> Array:
    """Return the squared differences between the answers to a task, summed over ordered pairs, for each pattern."""
    import numpy as np

    times, answers = found.times, found.answers
    if level == "nominal":
        return answers**2 - found.per_pattern(times**2)
    if level == "ratio":
        return _ratio_within(found)
    each = values[..., found.value]
    means = found.per_pattern(times * each) / answers
    within: Array = 2 * answers * found.per_pattern(times * np.square(each - means[..., found.pattern]))
    return within


def _between(totals: Array, values: Array, level: Level) -> Array:
    """Return the squared differences between all answers, summed over ordered pairs, for each draw."""
    import numpy as np

    n = totals.sum(axis=1)
    if level == "nominal":
        between: Array = n**2 - np.square(totals).sum(axis=1)
    elif level == "ratio":
        between = np.zeros(n.size)
        for low in range(0, values.size, _VALUES_AT_ONCE):
            part = slice(low, low + _VALUES_AT_ONCE)
            between += (totals[:, part] * (totals @ _ratio(values[:, None], values[None, part]))).sum(axis=1)
    else:
        means = (totals * values).sum(axis=1) / n
        between = 2 * n * (totals * np.square(values - means[:, None])).sum(axis=1)
    return between


def _ratio(first: Array, second: Array) -> Array:
    import numpy as np

    total = first + second
    squared: Array = np.square(np.divide(first - second, total, out=np.zeros_like(total), where=total != 0))
    return squared


def _ratio_within(found: Patterns) -> Array:
    """Return the sums of `_within` for ratios, whose mean is of no help: entry by entry against the later ones."""
    import numpy as np

    numbers = found.values[found.value]
    within = np.zeros(found.repeats.size)
    for ahead in range(1, int(np.bincount(found.pattern).max())):
        together = np.flatnonzero(found.pattern[ahead:] == found.pattern[:-ahead])
        both = found.times[together] * found.times[together + ahead]
        squared = _ratio(numbers[together], numbers[together + ahead])
        within += np.bincount(found.pattern[together], 2 * both * squared, minlength=within.size)
    return within
