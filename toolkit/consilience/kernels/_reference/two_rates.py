"""Expectation where an expert gives a label rightly or not, readable."""

from __future__ import annotations

import numpy as np

from consilience.kernels._arrays import Codes, Offsets, Reals
from consilience.kernels._reference.posterior import from_logs, task_of_rows, two_rates_logs

__all__ = ["two_rates"]


def two_rates(
    votes: tuple[Offsets, Codes, Codes],
    prior: Reals,
    right: Reals | None,
    wrong: Reals | None,
    posterior: Reals,
    hits: Reals,
    mass: Reals,
) -> float:
    """Fill posterior, add to hits and mass, return the log likelihood; arguments as in ``consilience.kernels``.

    Without rates the posterior is each task's share of votes.
    """
    start, expert, label = votes
    answered = np.diff(start) > 0
    task = task_of_rows(start)
    log_likelihood = 0.0
    if right is None or wrong is None:
        np.add.at(posterior, (task, label), 1.0)
        posterior[answered] /= np.diff(start)[answered, None]
    else:
        logs = two_rates_logs(start, label, prior, right[expert, label], wrong[expert, label])
        posterior[answered], per_task = from_logs(logs[answered], prior)
        log_likelihood = float(per_task.sum())
    np.add.at(hits, (expert, label), posterior[task, label])
    mass += posterior[answered].sum(axis=0)
    return log_likelihood
