"""GLAD: experts have abilities, tasks have difficulties, and both decide whether an answer is right."""

from __future__ import annotations

import numpy as np

from consilience.kernels import _selector
from consilience.kernels._arrays import Reals
from consilience.kernels.arrangement import Layout
from consilience.kernels.climbing import Fit, check_options, climb, room

__all__ = ["glad"]


def glad(answers: Layout, *, max_iterations: int = 500, tolerance: float = 1e-8) -> Fit:
    """Estimate answers, abilities and difficulties together; an expert may answer a task more than once.

    Parameters
    ----------
    answers
        From `layout`.
    max_iterations, tolerance
        As in `consilience.aggregate.glad`; the objective is the log likelihood with the priors of abilities and
        log eases, all normal with mean 1 and variance 1.

    Returns
    -------
    Fit
        With `ability` and `ease`.

    Notes
    -----
    A round moves each ease by a step of Fisher scoring, recomputes the posteriors, and moves each ability by a
    Newton step: generalised EM, O(answers + tasks * labels) time.

    References
    ----------
    .. [1] J. Whitehill, P. Ruvolo, T. Wu, J. Bergsma, J. Movellan. Whose vote should count more: optimal integration
       of labels from labelers of unknown expertise. NIPS 22, 2009.

    Examples
    --------
    >>> from consilience.kernels import layout
    >>> answers = layout(
    ...     [0, 0, 0, 1, 1, 1], [0, 1, 2] * 2, [0, 0, 1, 1, 1, 1], n_tasks=2, n_experts=3, n_labels=2
    ... )
    >>> fit = glad(answers)
    >>> bool(fit.ability[2] < fit.ability[0]), bool(fit.ease[0] < fit.ease[1])
    (True, True)
    """
    check_options(max_iterations, tolerance)
    n_tasks, n_experts, n_labels = answers.n_tasks, answers.n_experts, answers.n_labels
    room(n_tasks * n_labels + answers.label.size, "split the tasks into parts")
    prior: Reals = np.full(n_labels, 1 / max(n_labels, 1))
    ability: Reals = np.ones(n_experts)
    log_ease: Reals = np.ones(n_tasks)
    posterior: Reals = np.zeros((n_tasks, n_labels))
    hit: Reals = np.zeros(answers.label.size)
    sums: Reals = np.zeros((3, n_experts))
    slope, bend, hits = sums
    log_likelihood = 0.0

    def expect(*, step: bool) -> float:
        nonlocal log_likelihood
        sums.fill(0.0)
        log_likelihood = _selector.glad(answers.votes, prior, ability, log_ease, step, posterior, hit, sums)
        return log_likelihood - float(np.square(ability - 1).sum() + np.square(log_ease - 1).sum()) / 2

    def round_of() -> float:
        nonlocal ability
        ability = ability + np.clip((slope + 1 - ability) / (bend + 1), -1, 1)
        return expect(step=True)

    expect(step=False)
    _, iterations, converged = climb(round_of, answers.label.size, max_iterations, tolerance)
    given = np.zeros(n_experts)
    for low in range(0, answers.label.size, 1 << 22):  # in parts, since bincount keeps the GIL
        given += np.bincount(answers.expert[low : low + (1 << 22)], minlength=n_experts)
    skill = np.divide(hits, given, out=np.full(n_experts, np.nan), where=given > 0)
    return Fit(
        posterior, prior, skill, log_likelihood, iterations, converged, ability=ability, ease=np.exp(log_ease)
    )
