"""Which labels came how often together: what agreement is computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy.typing as npt

from consilience.kernels import _selector
from consilience.kernels._arrays import Codes, Offsets, codes, same_length, size

__all__ = ["Multisets", "multisets"]


@dataclass(frozen=True, slots=True, eq=False)
class Multisets:
    """The different ways in which tasks were labelled, without who gave which label.

    Attributes
    ----------
    start
        int64, shape ``(n_patterns + 1,)``: pattern p has the entries ``start[p]`` to ``start[p + 1]``.
    value, times
        int32, shape ``(n_entries,)``: each label of a pattern, ascending, and how often a task of it got that label.
    repeats
        int64, shape ``(n_patterns,)``: tasks labelled in this way.
    """

    start: Offsets
    value: Codes
    times: Codes
    repeats: Offsets


def multisets(task: npt.ArrayLike, label: npt.ArrayLike, n_tasks: int, n_labels: int) -> Multisets:
    """Find the multisets of labels that tasks with two or more answers got, and how many tasks got each.

    Parameters
    ----------
    task, label
        One row an answer, shape ``(n_rows,)``, codes from 0, in any order.
    n_tasks, n_labels
        How many there are; one without a row is allowed.

    Returns
    -------
    Multisets
        Ascending by the count of label 0, then of label 1, and so on, whatever the order of the rows.

    Raises
    ------
    InvalidInput
        If the arrays differ in length, are not integers, or hold a code out of range.

    Notes
    -----
    O(rows + tasks + labels) time and memory: there is no table of tasks times labels.

    Examples
    --------
    >>> found = multisets(task=[0, 0, 1, 1, 2, 2], label=[0, 1, 1, 0, 1, 1], n_tasks=3, n_labels=2)
    >>> found.value, found.times, found.repeats
    (array([1, 0, 1], dtype=int32), array([2, 1, 1], dtype=int32), array([1, 2]))
    """
    n_tasks, n_labels = size(n_tasks, "n_tasks"), size(n_labels, "n_labels")
    tasks, labels = codes(task, "task", below=n_tasks), codes(label, "label", below=n_labels)
    same_length(tasks, labels, "task and label")
    return Multisets(*_selector.multisets(tasks, labels, n_tasks, n_labels))
