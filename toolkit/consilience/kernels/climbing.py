"""What the EM kernels share: rounds until the likelihood stands still, and what a fit returns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from consilience.errors import InvalidInput
from consilience.kernels._arrays import Reals

__all__ = ["Fit", "check_options", "climb", "room"]

# 16 GiB of float64: above it the tables are refused instead of filling the machine.
MOST_CELLS = 2**31


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What EM found.

    Attributes
    ----------
    posterior
        Shape ``(n_tasks, n_labels)``: probability that the label is right; zeros where nobody answered.
    prior
        Shape ``(n_labels,)``: share of each label among the tasks.
    skill
        Shape ``(n_experts,)``: mean posterior probability of the labels that an expert gave; nan without one.
    log_likelihood
        Of the answers, given `prior` and the experts' parameters, in nats.
    iterations
        Rounds that were run.
    converged
        Whether the last round changed the objective by no more than the tolerance.
    confusion
        Shape ``(n_experts, n_labels, n_labels)``, given label by true label; only from `dawid_skene`. Zeros where
        an expert never met a true label.
    ability
        Shape ``(n_experts,)``: GLAD's ability, MACE's probability of knowing.
    ease
        Shape ``(n_tasks,)``: GLAD's inverse difficulty.
    """

    posterior: Reals
    prior: Reals
    skill: Reals
    log_likelihood: float
    iterations: int
    converged: bool
    confusion: Reals | None = None
    ability: Reals | None = None
    ease: Reals | None = None


def climb(
    round_of: Callable[[], float], answers: int, max_iterations: int, tolerance: float
) -> tuple[float, int, bool]:
    """Run rounds until the objective changes by at most ``tolerance`` nats an answer.

    Parameters
    ----------
    round_of
        Runs a round and returns the objective before its changes.
    answers
        Answers, by which the change is divided, so that one tolerance fits any size.
    max_iterations, tolerance
        When to give up, and when to be content. A negative tolerance runs all rounds.

    Returns
    -------
    tuple
        The last objective, the rounds that were run, and whether they converged.

    Examples
    --------
    >>> heights = iter([-9.0, -5.0, -5.0])
    >>> climb(lambda: next(heights), answers=3, max_iterations=10, tolerance=1e-9)
    (-5.0, 3, True)
    """
    last = -math.inf
    for n in range(1, max_iterations + 1):
        objective = round_of()
        if abs(objective - last) <= tolerance * answers:
            return objective, n, True
        last = objective
    return last, max_iterations, False


def check_options(max_iterations: int, tolerance: float, smoothing: float = 0.0) -> None:
    """Raise `InvalidInput` when an option is out of range."""
    if max_iterations < 1:
        raise InvalidInput(f"max_iterations is 1 or more, {max_iterations} came.")
    if not math.isfinite(tolerance):
        raise InvalidInput(f"tolerance is a number of nats an answer, {tolerance} came: write 1e-8.")
    if not (smoothing >= 0 and math.isfinite(smoothing)):
        raise InvalidInput(f"smoothing is a number of answers, 0 or more, {smoothing} came: 0 is plain EM.")


def room(cells: int, remedy: str) -> None:
    """Raise `InvalidInput` before tables are made that no machine of ours holds.

    Examples
    --------
    >>> room(1000, "use fewer labels")
    """
    if cells > MOST_CELLS:
        raise InvalidInput(
            f"The tables must have at most {MOST_CELLS:,} cells (16 GiB), these would have {cells:,}: {remedy}."
        )
