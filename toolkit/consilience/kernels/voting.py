"""Majority: the votes of each task, counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy.typing as npt

from consilience.kernels import _selector
from consilience.kernels._arrays import Codes, Flags, codes, same_length, size

__all__ = ["Majority", "majority"]


@dataclass(frozen=True, slots=True, eq=False)
class Majority:
    """The count of each task, in the order of the task codes; every array has the shape ``(n_tasks,)``.

    Attributes
    ----------
    winner
        int32: the label with most votes; of several the smallest code, so that no order of rows matters; -1
        where nobody answered.
    count
        int32: votes of the winner.
    tied
        bool: another label has as many votes as the winner.
    answers
        int32: votes counted. A strict majority is ``2 * count > answers``, or ``> asked`` where silence counts.
    """

    winner: Codes
    count: Codes
    tied: Flags
    answers: Codes


def majority(task: npt.ArrayLike, label: npt.ArrayLike, n_tasks: int, n_labels: int) -> Majority:
    """Count the votes of every task.

    Parameters
    ----------
    task
        The task of each vote, shape ``(n_rows,)``, integers in ``0 <= code < n_tasks``, in any order.
        Contiguous int32 is taken without a copy.
    label
        The label of each vote, shape ``(n_rows,)``, in ``-1 <= code < n_labels``; -1 is no answer and is not
        counted.
    n_tasks, n_labels
        How many tasks and labels there are; one without a vote is allowed.

    Returns
    -------
    Majority
        Winner, count, tied and answers per task.

    Raises
    ------
    InvalidInput
        If the arrays differ in length, are not integers, or hold a code out of range.

    Notes
    -----
    O(rows + tasks + labels) time in the compiled form, and memory in both: no table of tasks times labels. The
    compiled form releases the GIL.

    Examples
    --------
    >>> votes = majority(task=[0, 0, 0, 1, 1], label=[2, 2, 0, 1, 0], n_tasks=3, n_labels=3)
    >>> votes.winner
    array([ 2,  0, -1], dtype=int32)
    >>> votes.tied
    array([False,  True, False])
    """
    n_tasks, n_labels = size(n_tasks, "n_tasks"), size(n_labels, "n_labels")
    tasks = codes(task, "task", below=n_tasks)
    labels = codes(label, "label", below=n_labels, lowest=-1)
    same_length(tasks, labels, "task and label")
    return Majority(*_selector.majority(tasks, labels, n_tasks, n_labels))
