"""Answers arranged for the kernels that go through them task by task, many times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy.typing as npt

from consilience.kernels import _selector
from consilience.kernels._arrays import Codes, Offsets, codes, same_length, size

__all__ = ["Layout", "layout"]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Answers sorted by task, and by expert within a task.

    Attributes
    ----------
    start
        int64, shape ``(n_tasks + 1,)``: the answers to task t are ``start[t]`` to ``start[t + 1]``.
    expert, label
        int32, shape ``(n_answers,)``: who gave each answer, and which.
    asked
        int32, shape ``(n_tasks,)``: rows of each task, with and without an answer.
    repeated
        The first task and expert that stand together in more than one row; ``(-1, -1)`` when none do.
    n_experts, n_labels
        How many there are, also those without an answer.
    """

    start: Offsets
    expert: Codes
    label: Codes
    asked: Codes
    repeated: tuple[int, int]
    n_experts: int
    n_labels: int

    @property
    def n_tasks(self) -> int:
        """Tasks, also those without an answer."""
        return self.asked.size

    @property
    def votes(self) -> tuple[Offsets, Codes, Codes]:
        """The arrays that a kernel takes: start, expert and label."""
        return self.start, self.expert, self.label

    @property
    def answered(self) -> Offsets:
        """Answers of each task."""
        answered: Offsets = self.start[1:] - self.start[:-1]
        return answered


def layout(
    task: npt.ArrayLike,
    expert: npt.ArrayLike,
    label: npt.ArrayLike,
    n_tasks: int,
    n_experts: int,
    n_labels: int,
) -> Layout:
    """Sort answers by task and by expert, so that what is summed does not depend on the order of the rows.

    Parameters
    ----------
    task, expert, label
        One row an answer, shape ``(n_rows,)``, codes from 0; label -1 is a task that was asked and not answered.
    n_tasks, n_experts, n_labels
        How many there are; one without a row is allowed.

    Returns
    -------
    Layout
        An expert may stand on a task more than once; ``repeated`` says so. Such rows keep their order.

    Raises
    ------
    InvalidInput
        If the arrays differ in length, are not integers, or hold a code out of range.

    Notes
    -----
    Two counting sorts: O(rows + tasks + experts) time, 12 bytes a row of memory beside the result.

    Examples
    --------
    >>> arranged = layout([1, 0, 1], [0, 0, 1], [2, 1, -1], n_tasks=2, n_experts=2, n_labels=3)
    >>> arranged.start, arranged.label, arranged.asked
    (array([0, 1, 2]), array([1, 2], dtype=int32), array([1, 2], dtype=int32))
    """
    n_tasks, n_experts, n_labels = (
        size(n_tasks, "n_tasks"),
        size(n_experts, "n_experts"),
        size(n_labels, "n_labels"),
    )
    tasks = codes(task, "task", below=n_tasks)
    experts = codes(expert, "expert", below=n_experts)
    labels = codes(label, "label", below=n_labels, lowest=-1)
    same_length(tasks, experts, "task and expert")
    same_length(tasks, labels, "task and label")
    return Layout(*_selector.layout(tasks, experts, labels, n_tasks, n_experts), n_experts, n_labels)
