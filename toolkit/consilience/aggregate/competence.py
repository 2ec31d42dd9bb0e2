"""Models of why an answer is wrong: the task was hard (GLAD), or the expert guessed (MACE)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.aggregate.ballots import read_ballots
from consilience.aggregate.fitted import aggregation
from consilience.aggregate.result import Aggregation
from consilience.frames import Frame

if TYPE_CHECKING:
    from consilience.kernels.coins import MaceMethod


def glad(
    frame: Frame, *, max_iterations: int = 500, tolerance: float = 1e-8, replicates: bool = False
) -> Aggregation:
    """Estimate the answers together with the ability of each expert and the difficulty of each task.

    Parameters
    ----------
    frame, max_iterations, replicates
        As in `dawid_skene`.
    tolerance
        A round that changes the objective (log likelihood and the priors of abilities and difficulties) by no more
        than this many nats an answer is the last.

    Returns
    -------
    Aggregation
        ``skills`` has the column ``ability`` (0 guesses, below 0 contradicts), ``answers`` the column ``difficulty``
        (near 0 is easy).

    Raises
    ------
    InvalidFrame, InvalidInput
        As `dawid_skene`.

    Notes
    -----
    J. Whitehill et al., *NIPS* 22 (2009). An answer is right with probability 1 / (1 + exp(-ability / difficulty)),
    wrong labels are equally likely, and so are all labels beforehand. Abilities and logarithms of 1 / difficulty have
    normal priors with mean 1 and variance 1, as in the authors' program: they are what keeps the scale, so there is no
    smoothing.

    Examples
    --------
    >>> frame = {"task": [1, 1, 1, 2, 2, 2], "expert": ["ana", "bo", "cy"] * 2, "label": list("xxyyyy")}
    >>> found = glad(frame)
    >>> (
    ...     found.answers["answer"].to_list(),
    ...     bool(found.answers["difficulty"][0] > found.answers["difficulty"][1]),
    ... )
    (['x', 'y'], True)
    """
    from consilience import kernels

    ballots = read_ballots(frame, replicates=replicates)
    fit = kernels.glad(ballots.answers, max_iterations=max_iterations, tolerance=tolerance)
    return aggregation(ballots, fit, "GLAD", "ability")


def mace(
    frame: Frame,
    *,
    method: MaceMethod = "vb",
    max_iterations: int = 500,
    tolerance: float = 1e-8,
    smoothing: float = 0.01,
    replicates: bool = False,
) -> Aggregation:
    """Estimate the answers together with how often each expert knows, and what each says when guessing.

    Parameters
    ----------
    frame, max_iterations, tolerance, replicates
        As in `dawid_skene`.
    method
        ``vb``: variational Bayes with the priors of the authors' program (competence Beta(0.5, 0.5): experts know
        mostly or hardly; guesses Dirichlet(10): spread over the labels). ``em``: maximum likelihood with `smoothing`.
    smoothing
        Pseudo-answers in each count under ``em``; without them an expert can come to count as infallible.

    Returns
    -------
    Aggregation
        ``skills`` has the column ``competence``, the probability that the expert knows instead of guessing.

    Raises
    ------
    InvalidFrame, InvalidInput
        As `dawid_skene`.

    Notes
    -----
    D. Hovy, T. Berg-Kirkpatrick, A. Vaswani and E. Hovy, *NAACL-HLT* (2013), 1120-1130. Instead of restarts from
    random numbers it starts once, from experts who know half of the time, so that two runs give one result.

    Examples
    --------
    >>> frame = {"task": [1, 1, 1, 2, 2, 2], "expert": ["ana", "bo", "cy"] * 2, "label": list("xxyyyy")}
    >>> mace(frame).answers["answer"].to_list()
    ['x', 'y']
    """
    from consilience import kernels

    ballots = read_ballots(frame, replicates=replicates)
    fit = kernels.mace(
        ballots.answers,
        method=method,
        max_iterations=max_iterations,
        tolerance=tolerance,
        smoothing=smoothing,
    )
    return aggregation(ballots, fit, "MACE", "competence")
