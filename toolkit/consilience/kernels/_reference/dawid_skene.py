"""One round of Dawid and Skene's EM, readable."""

from __future__ import annotations

import numpy as np

from consilience.kernels._arrays import Codes, Offsets, Reals
from consilience.kernels._reference.posterior import from_logs, task_of_rows

__all__ = ["dawid_skene"]


def dawid_skene(
    votes: tuple[Offsets, Codes, Codes],
    gold: Codes,
    prior: Reals,
    confusion: Reals | None,
    posterior: Reals,
    counts: Reals,
    mass: Reals,
) -> float:
    """Fill posterior, add to counts and mass, return the log likelihood; arguments as in ``consilience.kernels``.

    Without a confusion the posterior is each task's share of votes.
    """
    start, expert, label = votes
    task = task_of_rows(start)
    answered = np.diff(start) > 0
    known = answered & (gold >= 0)
    log_likelihood = 0.0
    if confusion is None:
        np.add.at(posterior, (task, label), 1.0)
        posterior[answered] /= np.diff(start)[answered, None]
    else:
        with np.errstate(divide="ignore"):
            logs = np.repeat(np.log(prior)[None, :], len(posterior), axis=0)
            np.add.at(logs, task, np.log(confusion)[expert, label])
        posterior[answered], per_task = from_logs(logs[answered], prior)
        log_likelihood = float(per_task[~known[answered]].sum() + logs[known, gold[known]].sum())
    posterior[known] = 0.0
    posterior[known, gold[known]] = 1.0

    np.add.at(counts, (expert, label), posterior[task])
    mass += posterior[answered].sum(axis=0)
    return log_likelihood
