"""Votes counted per task, readable."""

from __future__ import annotations

import numpy as np

from consilience.kernels._arrays import Codes, Flags

__all__ = ["majority"]


def majority(task: Codes, label: Codes, n_tasks: int, n_labels: int) -> tuple[Codes, Codes, Flags, Codes]:
    """Return winner, count, tied and answers per task; arguments as in ``consilience.kernels``."""
    answered = label >= 0
    task, label = task[answered], label[answered]
    pairs, votes = np.unique(task.astype(np.int64) * n_labels + label, return_counts=True)
    pair_task, pair_label = np.divmod(pairs, max(n_labels, 1))

    count = np.zeros(n_tasks, dtype=np.int32)
    np.maximum.at(count, pair_task, votes.astype(np.int32))
    leads = votes == count[pair_task]

    # Pairs are sorted by task and code: np.unique finds the first leader, which has the smallest code.
    leading, first, leaders = np.unique(pair_task[leads], return_index=True, return_counts=True)
    winner = np.full(n_tasks, -1, dtype=np.int32)
    winner[leading] = pair_label[leads][first]
    tied = np.zeros(n_tasks, dtype=np.bool_)
    tied[leading] = leaders > 1
    return winner, count, tied, np.bincount(task, minlength=n_tasks).astype(np.int32)
