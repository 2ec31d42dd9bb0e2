"""One round of GLAD, readable."""

from __future__ import annotations

import numpy as np

from consilience.kernels._arrays import Codes, Flags, Offsets, Reals
from consilience.kernels._reference.posterior import from_logs, task_of_rows, two_rates_logs

__all__ = ["glad"]


def glad(
    votes: tuple[Offsets, Codes, Codes],
    prior: Reals,
    ability: Reals,
    ease: Reals,
    step: bool,
    posterior: Reals,
    hit: Reals,
    sums: Reals,
) -> float:
    """Move ease, fill posterior and hit, add slope, bend and hits to sums; arguments as in ``consilience.kernels``."""
    start, expert, label = votes
    answered = np.diff(start) > 0
    task = task_of_rows(start)
    if step:
        _move(ease, task, answered, ability[expert], hit)
    scale = np.exp(ease)[task]
    x = ability[expert] * scale
    right, wrong = _logistic(x), _logistic(-x) / max(prior.size - 1, 1)
    logs = two_rates_logs(start, label, prior, right, wrong)
    posterior[answered], per_task = from_logs(logs[answered], prior)
    hit[:] = posterior[task, label]
    np.add.at(sums[0], expert, (hit - right) * scale)
    np.add.at(sums[1], expert, right * (1 - right) * scale**2)
    np.add.at(sums[2], expert, hit)
    return float(per_task.sum())


def _move(ease: Reals, task: Offsets, answered: Flags, ability: Reals, hit: Reals) -> None:
    """One scoring step of each task's log ease under its prior, at most 1 long."""
    x = ability * np.exp(ease)[task]
    sigma = _logistic(x)
    slope, bend = 1.0 - ease, np.ones_like(ease)
    np.add.at(slope, task, (hit - sigma) * x)
    np.add.at(bend, task, sigma * (1 - sigma) * x**2)
    ease[answered] += np.clip(slope / bend, -1.0, 1.0)[answered]


def _logistic(x: Reals) -> Reals:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)
