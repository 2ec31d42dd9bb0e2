"""Dawid and Skene's models: experts differ in skill, and the answers themselves say by how much."""

from __future__ import annotations

from consilience.aggregate.ballots import read_ballots
from consilience.aggregate.fitted import aggregation
from consilience.aggregate.result import Aggregation
from consilience.frames import Frame


def dawid_skene(
    frame: Frame,
    *,
    max_iterations: int = 500,
    tolerance: float = 1e-8,
    smoothing: float = 0.0,
    gold: Frame | None = None,
    replicates: bool = False,
) -> Aggregation:
    """Estimate the answers together with a confusion matrix for each expert.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``label``. A null label is an expert who was asked and gave no answer; it
        says nothing about the answer.
    max_iterations
        Rounds of EM after the start from soft votes. EM can creep; a run that needs more says so in `converged`.
    tolerance
        A round that changes the log likelihood by no more than this many nats *an answer* is the last, so that one
        value serves ten answers and a million. The default fixes the published figures to four digits.
    smoothing
        Pseudo-answers in each cell of a confusion matrix and pseudo-tasks for each label (a symmetric Dirichlet
        prior). 0 is plain EM, as published: an expert who never gave a label is taken never to give it. 0.01 leaves
        such an answer unlikely instead of impossible; where nothing holds two labels apart, as with a single expert,
        it also lets the rarer run into the other, so it is not the default.
    gold
        Frame with ``task`` and ``label``: answers that are known. They are kept, and teach what the experts confuse.
    replicates
        Whether rows of one expert on one task are independent readings; otherwise they are refused, since a row
        that was read twice by mistake looks the same.

    Returns
    -------
    Aggregation
        With `probabilities`, `skills`, `confusion`, `log_likelihood`, `iterations` and `converged`. Labels within
        1e-9 of the highest probability are a tie. Independent of the order of rows; of the names of experts and
        labels up to rounding.

    Raises
    ------
    InvalidFrame
        A column is missing, an expert answered a task twice, or gold cannot be used.
    InvalidInput
        An option is out of range, or there are too many labels for a matrix of labels times labels an expert.

    Notes
    -----
    A. P. Dawid and A. M. Skene, *Applied Statistics* 28 (1979), 20-28. EM finds a local maximum, here the one above
    the votes. Compare with `majority`: with few answers a task or an expert it can be worse.

    Examples
    --------
    >>> frame = {
    ...     "task": [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4],
    ...     "expert": ["ana", "bo", "cy"] * 4,
    ...     "label": ["x", "x", "x", "y", "y", "x", "x", "x", "x", "y", "y", "x"],
    ... }
    >>> found = dawid_skene(frame)
    >>> found.answers["answer"].to_list()
    ['x', 'y', 'x', 'y']
    >>> found.confusion().filter(expert="cy", truth="y", label="x")["probability"].round(2).item()
    1.0
    """
    from consilience import kernels

    ballots = read_ballots(frame, replicates=replicates, gold=gold)
    fit = kernels.dawid_skene(
        ballots.answers,
        max_iterations=max_iterations,
        tolerance=tolerance,
        smoothing=smoothing,
        gold=ballots.gold,
    )
    return aggregation(ballots, fit, "Dawid-Skene")


def one_coin_dawid_skene(
    frame: Frame,
    *,
    max_iterations: int = 500,
    tolerance: float = 1e-8,
    smoothing: float = 0.0,
    replicates: bool = False,
) -> Aggregation:
    """Estimate the answers together with one accuracy for each expert, the same for every label.

    Parameters
    ----------
    frame, max_iterations, tolerance, replicates
        As in `dawid_skene`.
    smoothing
        Pseudo-answers that were right, and as many that were wrong, for each expert, and pseudo-tasks for each label.
        Without them, 0, an expert can come to count as infallible.

    Returns
    -------
    Aggregation
        ``skills`` has the column ``accuracy``, the model's parameter.

    Raises
    ------
    InvalidFrame, InvalidInput
        As `dawid_skene`.

    Notes
    -----
    Y. Zhang, X. Chen, D. Zhou and M. I. Jordan, *JMLR* 17 (2016), 1-44; a wrong label is any other with equal
    probability. It has far fewer parameters than `dawid_skene`, and suits few answers an expert and many labels; on
    one public set it fell below majority (58 against 76 percent), so look at both.

    Examples
    --------
    >>> frame = {"task": [1, 1, 1, 2, 2, 2], "expert": ["ana", "bo", "cy"] * 2, "label": list("xxyyyx")}
    >>> one_coin_dawid_skene(frame).skills.select("expert", "skill").rows()
    [('ana', 1.0), ('bo', 1.0), ('cy', 0.0)]
    """
    from consilience import kernels

    ballots = read_ballots(frame, replicates=replicates)
    fit = kernels.one_coin_dawid_skene(
        ballots.answers, max_iterations=max_iterations, tolerance=tolerance, smoothing=smoothing
    )
    return aggregation(ballots, fit, "one-coin Dawid-Skene", "accuracy")
