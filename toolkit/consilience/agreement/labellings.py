"""The ways in which tasks were labelled: what agreement is computed from.

Tasks are counted by the way in which they were labelled, so that nothing here grows with tasks times labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Codes = np.ndarray[Any, np.dtype[np.int32]]
    Places = np.ndarray[Any, np.dtype[np.int64]]

_CELLS_AT_ONCE = 1 << 22
_DENSE_CELLS = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class Labellings:
    """The ways in which tasks were labelled; entries of one way stand together.

    Parameters
    ----------
    way, value, times
        For each entry: its way, one of its values, and how often that value was given.
    starts
        The first entry of each way.
    answers, repeats
        For each way: answers to a task of it, and tasks of it.
    n_values
        Values that there are.
    """

    way: Places
    value: Codes
    times: Array
    starts: Places
    answers: Array
    repeats: Places
    n_values: int

    @property
    def n_tasks(self) -> int:
        """Tasks that were labelled in any of the ways."""
        return int(self.repeats.sum())

    def per_way(self, entries: Array) -> Array:
        """Sum the last axis, which runs over entries, within each way."""
        import numpy as np

        sums: Array = np.add.reduceat(entries, self.starts, axis=-1)
        return sums

    def totals(self, weights: Array, entries: Array | None = None) -> Array:
        """Return sums of one number an entry (how often, by default) by value, for each row of tasks a way.

        Shape ``(n_draws, n_values)`` from weights of shape ``(n_draws, n_ways)``.
        """
        import numpy as np

        amount = self.times if entries is None else entries
        if self.repeats.size * self.n_values <= _DENSE_CELLS:
            cell = self.way * self.n_values + self.value
            table = np.bincount(cell, amount, minlength=self.repeats.size * self.n_values)
            dense: Array = weights @ table.reshape(self.repeats.size, self.n_values)
            return dense
        rows = [np.bincount(self.value, row[self.way] * amount, minlength=self.n_values) for row in weights]
        return np.stack(rows)

    def between_pairs(self, matrix: Array | None, value: Codes | None = None) -> Array:
        """Return the sum of ``matrix[k, l]`` over all ordered pairs of answers of each way, each with itself too.

        Parameters
        ----------
        matrix
            Shape ``(n, n)``; None counts equal pairs.
        value
            The row of each entry where it is not its value.
        """
        import numpy as np

        value = self.value if value is None else value
        if matrix is None:
            return self._equal_pairs(value)
        n, n_ways = len(matrix), self.repeats.size
        sums = np.empty(n_ways)
        step = max(1, _CELLS_AT_ONCE // n)
        ends = np.append(self.starts, self.way.size)
        for low in range(0, n_ways, step):
            high = min(low + step, n_ways)
            part = slice(ends[low], ends[high])
            cell = (self.way[part] - low) * n + value[part]
            counts = np.bincount(cell, self.times[part], minlength=(high - low) * n).reshape(-1, n)
            sums[low:high] = ((counts @ matrix) * counts).sum(axis=1)
        return sums

    def _equal_pairs(self, value: Codes) -> Array:
        import numpy as np

        if value is self.value:
            return self.per_way(np.square(self.times))
        order = np.lexsort((value, self.way))
        way, same = self.way[order], value[order]
        new = np.ones(way.size, dtype=np.bool_)
        new[1:] = (way[1:] != way[:-1]) | (same[1:] != same[:-1])
        begin = np.flatnonzero(new)
        counts = np.add.reduceat(self.times[order], begin)
        sums = np.bincount(way[begin], np.square(counts), minlength=self.repeats.size)
        return sums.astype(np.float64, copy=False)


def labellings(task: Places, value: Codes, n_tasks: int, n_values: int, *, alone: bool = False) -> Labellings:
    """Return the ways in which tasks were labelled.

    Parameters
    ----------
    task, value
        Codes, one row an answer.
    n_tasks, n_values
        How many there are.
    alone
        Whether tasks with one answer count too.

    Examples
    --------
    >>> import numpy as np
    >>> task, value = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 0, 0], dtype=np.int32)
    >>> (
    ...     labellings(task, value, 3, 2).repeats.tolist(),
    ...     labellings(task, value, 3, 2, alone=True).repeats.tolist(),
    ... )
    ([2], [2, 1])
    """
    import numpy as np

    from consilience import kernels

    found = kernels.multisets(task.astype(np.int32), value, n_tasks, n_values)
    widths, values, repeats = np.diff(found.start), found.value, found.repeats
    times = found.times.astype(np.float64)
    if alone:
        single = np.bincount(value[(np.bincount(task, minlength=n_tasks) == 1)[task]], minlength=n_values)
        said = np.flatnonzero(single)
        widths = np.concatenate([widths, np.ones(said.size, dtype=widths.dtype)])
        values = np.concatenate([values, said.astype(values.dtype)])
        times = np.concatenate([times, np.ones(said.size)])
        repeats = np.concatenate([repeats, single[said]])
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]]).astype(np.int64)[: widths.size]
    return Labellings(
        way=np.repeat(np.arange(widths.size), widths),
        value=values,
        times=times,
        starts=starts,
        answers=np.add.reduceat(times, starts) if starts.size else np.zeros(0),
        repeats=repeats,
        n_values=n_values,
    )
