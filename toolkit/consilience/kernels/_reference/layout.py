"""Answers sorted by task, and by expert within a task, readable."""

from __future__ import annotations

import numpy as np

from consilience.kernels._arrays import Codes, Offsets

__all__ = ["layout"]


def layout(
    task: Codes, expert: Codes, label: Codes, n_tasks: int, n_experts: int
) -> tuple[Offsets, Codes, Codes, Codes, tuple[int, int]]:
    """Return start, expert, label, asked and the first repeated pair; arguments as in ``consilience.kernels``."""
    order = np.argsort(task.astype(np.int64) * n_experts + expert, kind="stable")
    task, expert, label = task[order], expert[order], label[order]

    again = np.flatnonzero((task[1:] == task[:-1]) & (expert[1:] == expert[:-1]))
    repeated = (int(task[again[0]]), int(expert[again[0]])) if again.size else (-1, -1)

    answered = label >= 0
    start = np.zeros(n_tasks + 1, dtype=np.int64)
    np.cumsum(np.bincount(task[answered], minlength=n_tasks), out=start[1:])
    asked = np.bincount(task, minlength=n_tasks).astype(np.int32)
    return start, expert[answered], label[answered], asked, repeated
