"""What the readable kernels of expectation share."""

from __future__ import annotations

import numpy as np

from consilience.kernels._arrays import Codes, Offsets, Reals

__all__ = ["from_logs", "task_of_rows", "two_rates_logs"]


def task_of_rows(start: Offsets) -> Offsets:
    """Return the task of each answer.

    Examples
    --------
    >>> task_of_rows(np.array([0, 2, 2, 3])).tolist()
    [0, 0, 2]
    """
    return np.repeat(np.arange(start.size - 1), np.diff(start))


def from_logs(logs: Reals, prior: Reals) -> tuple[Reals, Reals]:
    """Return posteriors, with zero for what is below 1e-100, and the log likelihood of each task.

    A task whose answers no class can have given keeps the prior.
    """
    best = logs.max(axis=1, initial=-np.inf)
    possible = best > -np.inf
    posterior = np.exp(logs - np.where(possible, best, 0.0)[:, None])
    total = posterior.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        posterior /= total[:, None]
        log_likelihood = best + np.log(total)
    posterior[posterior < 1e-100] = 0.0
    posterior[~possible] = prior
    return posterior, np.where(possible, log_likelihood, -np.inf)


def two_rates_logs(start: Offsets, label: Codes, prior: Reals, right: Reals, wrong: Reals) -> Reals:
    """Return the logarithm of prior times answers (n_tasks, n_labels), given each answer's two probabilities."""
    task = task_of_rows(start)
    with np.errstate(divide="ignore"):
        each = np.repeat(np.log(wrong)[:, None], prior.size, axis=1)
        each[np.arange(label.size), label] = np.log(right)
        logs = np.repeat(np.log(prior)[None, :], start.size - 1, axis=0)
    np.add.at(logs, task, each)
    return logs
