"""Experts with one skill: they are right or wrong (one coin), or they know or guess in a way of their own (MACE)."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from consilience.errors import InvalidInput
from consilience.kernels import _selector
from consilience.kernels._arrays import Reals
from consilience.kernels.arrangement import Layout
from consilience.kernels.climbing import Fit, check_options, climb, room

__all__ = ["MaceMethod", "mace", "one_coin_dawid_skene"]

MaceMethod = Literal["vb", "em"]

# The priors of the authors' program: competence is mostly high or low, guesses are spread over the labels.
_COMPETENCE = 0.5
_STRATEGY = 10.0


class _Sweep:
    """The tables of an expectation with two rates, filled once a round."""

    def __init__(self, answers: Layout) -> None:
        n_tasks, n_experts, n_labels = answers.n_tasks, answers.n_experts, answers.n_labels
        room(n_tasks * n_labels + 5 * n_experts * n_labels, "split the tasks into parts")
        self.answers = answers
        self.posterior: Reals = np.zeros((n_tasks, n_labels))
        self.hits: Reals = np.zeros((n_experts, n_labels))
        self.mass: Reals = np.zeros(n_labels)
        self.given: Reals = _given(answers)

    def __call__(self, prior: Reals, right: Reals | None, wrong: Reals | None) -> float:
        """Return the log likelihood; without rates the posterior is each task's share of votes."""
        self.hits.fill(0.0)
        self.mass.fill(0.0)
        votes = self.answers.votes
        return _selector.two_rates(votes, prior, right, wrong, self.posterior, self.hits, self.mass)

    @property
    def skill(self) -> Reals:
        given = self.given.sum(axis=1)
        hits = self.hits.sum(axis=1)
        skill: Reals = np.divide(hits, given, out=np.full(given.size, np.nan), where=given > 0)
        return skill


def one_coin_dawid_skene(
    answers: Layout, *, max_iterations: int = 500, tolerance: float = 1e-8, smoothing: float = 0.0
) -> Fit:
    """Estimate answers and one accuracy an expert together; an expert may answer a task more than once.

    Parameters
    ----------
    answers
        From `layout`.
    max_iterations, tolerance, smoothing
        As in `consilience.aggregate.one_coin_dawid_skene`.

    Returns
    -------
    Fit
        With `ability`, the probability of a right answer under smoothing.

    Notes
    -----
    O(answers + tasks * labels) time a round; no table of labels times labels.

    Examples
    --------
    >>> from consilience.kernels import layout
    >>> answers = layout(
    ...     [0, 0, 0, 1, 1, 1], [0, 1, 2] * 2, [0, 0, 1, 1, 1, 0], n_tasks=2, n_experts=3, n_labels=2
    ... )
    >>> one_coin_dawid_skene(answers, smoothing=0).skill.round(6) + 0.0
    array([1., 1., 0.])
    """
    check_options(max_iterations, tolerance, smoothing)
    sweep = _Sweep(answers)
    n_labels, given = answers.n_labels, sweep.given.sum(axis=1)
    prior, ability = np.full(n_labels, np.nan), np.full(given.size, np.nan)

    def round_of() -> float:
        nonlocal prior, ability
        total = sweep.mass.sum() + smoothing * n_labels
        prior = (sweep.mass + smoothing) / total if total else sweep.mass
        right = sweep.hits.sum(axis=1) + smoothing
        trials = given + 2 * smoothing
        ability = np.divide(right, trials, out=np.full(given.size, 0.5), where=trials > 0)
        return sweep(prior, *_rates(ability, n_labels))

    sweep(prior, None, None)
    log_likelihood, iterations, converged = climb(round_of, answers.label.size, max_iterations, tolerance)
    return Fit(sweep.posterior, prior, sweep.skill, log_likelihood, iterations, converged, ability=ability)


def mace(
    answers: Layout,
    *,
    method: MaceMethod = "vb",
    max_iterations: int = 500,
    tolerance: float = 1e-8,
    smoothing: float = 0.01,
) -> Fit:
    """Estimate answers, and for each expert how often they know and what they say when they do not.

    Parameters
    ----------
    answers
        From `layout`.
    method, max_iterations, tolerance, smoothing
        As in `consilience.aggregate.mace`.

    Returns
    -------
    Fit
        With `ability`, the probability of knowing. The log likelihood is of the answers at the parameters of the
        last round; under ``vb`` these are geometric means of their posterior and the figure is no bound.

    Notes
    -----
    O(answers + tasks * labels) time a round; memory n_tasks * n_labels and some n_experts * n_labels.

    Examples
    --------
    >>> from consilience.kernels import layout
    >>> answers = layout([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1], n_tasks=2, n_experts=2, n_labels=2)
    >>> mace(answers).posterior.argmax(axis=1)
    array([0, 1])
    """
    check_options(max_iterations, tolerance, smoothing)
    if method not in get_args(MaceMethod):
        raise InvalidInput(f"method is one of {', '.join(get_args(MaceMethod))}, {method!r} came.")
    sweep = _Sweep(answers)
    n_experts, n_labels = answers.n_experts, answers.n_labels
    prior = np.full(n_labels, 1 / max(n_labels, 1))
    knows: Reals = np.full((n_experts, 2), 0.5)
    guess: Reals = np.full((n_experts, n_labels), 1 / max(n_labels, 1))

    def expect() -> float:
        wrong = knows[:, 1:] * guess
        return sweep(prior, knows[:, :1] + wrong, wrong)

    def round_of() -> float:
        nonlocal knows, guess
        # the share of the right answers that was known and not guessed
        right = knows[:, :1] + knows[:, 1:] * guess
        known = sweep.hits * np.divide(knows[:, :1], right, out=np.zeros_like(right), where=right > 0)
        guessed = sweep.given - known
        both = np.stack([known.sum(axis=1), guessed.sum(axis=1)], axis=1)
        if method == "vb":
            knows, guess = _variational(both + _COMPETENCE), _variational(guessed + _STRATEGY)
        else:
            knows, guess = _shares(both + smoothing), _shares(guessed + smoothing)
        return expect()

    expect()
    log_likelihood, iterations, converged = climb(round_of, answers.label.size, max_iterations, tolerance)
    ability = knows[:, 0] / knows.sum(axis=1)
    return Fit(sweep.posterior, prior, sweep.skill, log_likelihood, iterations, converged, ability=ability)


def _given(answers: Layout) -> Reals:
    """Return how often each expert gave each label."""
    cells = answers.n_experts * answers.n_labels
    given: Reals = np.zeros(cells)
    # in parts, since bincount keeps the GIL
    for low in range(0, answers.label.size, 1 << 22):
        part = slice(low, low + (1 << 22))
        given += np.bincount(
            answers.expert[part].astype(np.int64) * answers.n_labels + answers.label[part], minlength=cells
        )
    return given.reshape(answers.n_experts, answers.n_labels)


def _rates(ability: Reals, n_labels: int) -> tuple[Reals, Reals]:
    """Return the probability of each label when it is right and when another is (n_experts, n_labels)."""
    right = np.repeat(ability[:, None], n_labels, axis=1)
    return right, (1 - right) / max(n_labels - 1, 1)


def _shares(counts: Reals) -> Reals:
    totals = counts.sum(axis=1, keepdims=True)
    totals[totals == 0.0] = 1.0
    shares: Reals = counts / totals
    return shares


def _variational(counts: Reals) -> Reals:
    """Return the geometric means of Dirichlet posteriors."""
    if not counts.size:
        return counts
    means: Reals = np.exp(_digamma(counts) - _digamma(counts.sum(axis=1, keepdims=True)))
    return means


def _digamma(x: Reals) -> Reals:
    """Return the digamma function of positive numbers, to 1e-13 (recurrence to x > 10, then its expansion)."""
    low = np.zeros_like(x)
    for _ in range(10):
        low -= 1 / x
        x = x + 1
    square = 1 / (x * x)
    tail = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))))
    digamma: Reals = low + np.log(x) - 0.5 / x - tail
    return digamma
