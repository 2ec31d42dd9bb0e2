"""Dawid and Skene: every expert has a table of what they say when something else is true."""

from __future__ import annotations

import numpy as np

from consilience.errors import InvalidInput
from consilience.kernels import _selector
from consilience.kernels._arrays import Codes, Reals, codes
from consilience.kernels.arrangement import Layout
from consilience.kernels.climbing import Fit, check_options, climb, room

__all__ = ["dawid_skene"]


def dawid_skene(
    answers: Layout,
    *,
    max_iterations: int = 500,
    tolerance: float = 1e-8,
    smoothing: float = 0.0,
    gold: Codes | None = None,
) -> Fit:
    """Estimate answers and confusion matrices together; an expert may answer a task more than once.

    Parameters
    ----------
    answers
        From `layout`. Repeated answers of an expert on a task count as independent readings.
    max_iterations, tolerance, smoothing
        As in `consilience.aggregate.dawid_skene`.
    gold
        int32, shape ``(n_tasks,)``: the known label of a task, -1 where it is not known.

    Returns
    -------
    Fit
        With `confusion`.

    Raises
    ------
    InvalidInput
        If an option is out of range, or the tables would have more than 2**31 cells.

    Notes
    -----
    O(answers * labels) time a round. Memory: n_tasks * n_labels for the posterior and 3 * n_experts * n_labels**2.

    References
    ----------
    .. [1] A. P. Dawid, A. M. Skene. Maximum likelihood estimation of observer error-rates using the EM algorithm.
       Applied Statistics 28(1), 1979, 20-28.

    Examples
    --------
    >>> from consilience.kernels import layout
    >>> answers = layout([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1], n_tasks=2, n_experts=2, n_labels=2)
    >>> dawid_skene(answers, smoothing=0).posterior
    array([[1., 0.],
           [0., 1.]])
    """
    check_options(max_iterations, tolerance, smoothing)
    n_tasks, n_experts, n_labels = answers.n_tasks, answers.n_experts, answers.n_labels
    room(n_tasks * n_labels + 3 * n_experts * n_labels**2, "use one_coin_dawid_skene, or fewer labels")
    known = _known(gold, n_tasks, n_labels)
    posterior = np.zeros((n_tasks, n_labels))
    counts = np.zeros((n_experts, n_labels, n_labels))
    mass = np.zeros(n_labels)
    prior, confusion = np.full(n_labels, np.nan), np.zeros(0)

    def sweep(prior: Reals, confusion: Reals | None) -> float:
        counts.fill(0.0)
        mass.fill(0.0)
        return _selector.dawid_skene(answers.votes, known, prior, confusion, posterior, counts, mass)

    def round_of() -> float:
        nonlocal prior, confusion
        prior, confusion = _shares(mass + smoothing, axis=0), _shares(counts + smoothing, axis=1)
        return sweep(prior, confusion)

    sweep(prior, None)
    log_likelihood, iterations, converged = climb(round_of, answers.label.size, max_iterations, tolerance)
    given = counts.sum(axis=(1, 2))
    hits = np.trace(counts, axis1=1, axis2=2)
    skill = np.divide(hits, given, out=np.full(n_experts, np.nan), where=given > 0)
    return Fit(posterior, prior, skill, log_likelihood, iterations, converged, confusion)


def _known(gold: Codes | None, n_tasks: int, n_labels: int) -> Codes:
    if gold is None:
        return np.full(n_tasks, -1, dtype=np.int32)
    known = codes(gold, "gold", below=n_labels, lowest=-1)
    if known.size != n_tasks:
        raise InvalidInput(
            f"gold must have a label or -1 for each of the {n_tasks:,} tasks, got {known.size:,}"
        )
    return known


def _shares(counts: Reals, axis: int) -> Reals:
    """Divide by the sums along an axis; where nothing was counted all shares stay zero."""
    totals = counts.sum(axis=axis, keepdims=True)
    # a class without mass has no posterior anywhere, so that zeros change no likelihood
    totals[totals == 0.0] = 1.0
    shares: Reals = counts / totals
    return shares
