"""Tasks with the same labels equally often, found, readable."""

from __future__ import annotations

from collections import Counter

import numpy as np

from consilience.kernels._arrays import Codes, Offsets

__all__ = ["multisets"]


def multisets(
    task: Codes, label: Codes, n_tasks: int, n_labels: int
) -> tuple[Offsets, Codes, Codes, Offsets]:
    """Return start, value, times and repeats; arguments as in ``consilience.kernels``."""
    order = np.lexsort((label, task))
    ends = np.cumsum(np.bincount(task, minlength=n_tasks))[:-1]
    per_task = Counter(tuple(part.tolist()) for part in np.split(label[order], ends) if part.size > 1)

    # A list that ends counts as larger than any that goes on, so that counts ascend from the first label on.
    patterns = sorted(per_task, key=lambda labels: (*labels, n_labels), reverse=True)
    counted = [Counter(pattern) for pattern in patterns]
    start = np.cumsum([0, *map(len, counted)], dtype=np.int64)
    value = np.array([label for each in counted for label in each], dtype=np.int32)
    times = np.array([n for each in counted for n in each.values()], dtype=np.int32)
    return start, value, times, np.array([per_task[pattern] for pattern in patterns], dtype=np.int64)
