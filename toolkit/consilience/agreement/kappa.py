"""Agreement corrected by how often the labels came, whoever gave them: Fleiss, Gwet, Brennan and Prediger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from consilience.agreement.coefficient import Coefficient
from consilience.agreement.labellings import labellings
from consilience.agreement.ratings import read_labels
from consilience.agreement.resampling import Resampling, Subject
from consilience.agreement.weights import Weights, weight_matrix
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np

    from consilience.agreement.labellings import Labellings
    from consilience.agreement.resampling import Statistic

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Codes = np.ndarray[Any, np.dtype[np.int32]]

    #: Agreement that chance gives, from the shares of the labels (n_draws, n_labels) and the weights of agreement.
    Chance = Callable[[Array, Array | None], Array]


def fleiss_kappa(
    frame: Frame,
    *,
    weights: Weights = "identity",
    labels: Sequence[Any] | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Coefficient:
    """Fleiss' kappa: chance gives each label as often as all experts together gave it.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``label``; a null label is a missing answer. Tasks may have different
        numbers of answers and experts: each task counts the same. A task with one answer says how frequent labels
        are, and nothing of agreement.
    weights
        ``identity``: labels agree or not. ``linear``, ``quadratic``: labels further apart agree less, by their
        distance or its square; numbers lie apart by their difference, other labels by their places in ``labels``.
    labels
        The scale from low to high, also the labels that nobody gave. None takes those that came.
    confidence
        Probability that the bootstrap interval covers.
    draws
        Bootstrap draws over tasks; 1,000 keep the ends steady to about 0.01. 0 gives no interval.
    seed
        Of the bootstrap, so that a report can be printed twice.

    Returns
    -------
    Coefficient
        ``value`` is nan, with a note, when no task has two answers or when every answer is the same. Two opposed
        camps of equal size on each task lie below 0.

    Raises
    ------
    InvalidFrame
        A column is missing, an expert answered a task twice, or a label is not on the scale.
    InvalidInput
        An option is out of its range, or weights are wanted for labels without an order.

    Notes
    -----
    J. L. Fleiss, *Psychological Bulletin* 76 (1971), 378-382; for missing answers and weights K. L. Gwet, *Handbook of
    Inter-Rater Reliability*, 4th ed., 2014, chapter 2. Where nearly all answers are one label it can be low though
    experts nearly always agree: compare `gwet_ac1`.

    Examples
    --------
    >>> frame = {
    ...     "task": [1, 1, 1, 2, 2, 2],
    ...     "expert": ["a", "b", "c"] * 2,
    ...     "label": ["x", "x", "y", "y", "y", "y"],
    ... }
    >>> round(fleiss_kappa(frame, draws=0).value, 2)
    0.25
    """
    how = Resampling(confidence, draws, seed)
    return _coefficient(frame, "Fleiss kappa", weights, labels, how, _by_shares)


def gwet_ac1(
    frame: Frame,
    *,
    labels: Sequence[Any] | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Coefficient:
    """Gwet's AC1: chance is what uncertain answers would give, so that one frequent label does not lower it.

    Parameters
    ----------
    frame, labels, confidence, draws, seed
        As in `fleiss_kappa`. Name the scale with ``labels`` when some of it may not have been used: with more labels
        chance gives less.

    Returns
    -------
    Coefficient
        Defined also when every answer is the same, if ``labels`` says that there was a choice.

    Raises
    ------
    InvalidFrame, InvalidInput
        As in `fleiss_kappa`.

    Notes
    -----
    K. L. Gwet, *British Journal of Mathematical and Statistical Psychology* 61 (2008), 29-48.

    Examples
    --------
    >>> frame = {"task": [1, 1, 2, 2], "expert": ["a", "b"] * 2, "label": ["x"] * 4}
    >>> gwet_ac1(frame, labels=["x", "y"]).value
    1.0
    """
    how = Resampling(confidence, draws, seed)
    return _coefficient(frame, "Gwet AC1", "identity", labels, how, _by_uncertainty)


def gwet_ac2(
    frame: Frame,
    *,
    weights: Weights = "quadratic",
    labels: Sequence[Any] | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Coefficient:
    """Gwet's AC2: AC1 for labels of which some lie nearer to each other.

    Parameters
    ----------
    frame, labels, confidence, draws, seed
        As in `gwet_ac1`.
    weights
        As in `fleiss_kappa`; quadratic by default, since identity is AC1.

    Returns
    -------
    Coefficient
        As in `gwet_ac1`.

    Raises
    ------
    InvalidFrame, InvalidInput
        As in `fleiss_kappa`.

    Notes
    -----
    K. L. Gwet, *Handbook of Inter-Rater Reliability*, 4th ed., 2014, chapter 4.

    Examples
    --------
    >>> frame = {"task": [1, 1, 2, 2], "expert": ["a", "b"] * 2, "label": [1, 2, 3, 3]}
    >>> gwet_ac2(frame, draws=0).value > gwet_ac1(frame, draws=0).value
    True
    """
    how = Resampling(confidence, draws, seed)
    return _coefficient(frame, "Gwet AC2", weights, labels, how, _by_uncertainty)


def brennan_prediger(
    frame: Frame,
    *,
    weights: Weights = "identity",
    labels: Sequence[Any] | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Coefficient:
    """Brennan and Prediger's kappa: chance gives each label equally often.

    Parameters
    ----------
    frame, weights, labels, confidence, draws, seed
        As in `fleiss_kappa`. Name the scale with ``labels`` when some of it may not have been used: chance is one in
        so many.

    Returns
    -------
    Coefficient
        Defined also when every answer is the same, if ``labels`` says that there was a choice.

    Raises
    ------
    InvalidFrame, InvalidInput
        As in `fleiss_kappa`.

    Notes
    -----
    R. L. Brennan and D. J. Prediger, *Educational and Psychological Measurement* 41 (1981), 687-699. With two labels
    it is also known as Bennett's S and as PABAK.

    Examples
    --------
    >>> frame = {"task": [1, 1, 2, 2, 3, 3, 4, 4], "expert": ["a", "b"] * 4, "label": list("xxyyxxxy")}
    >>> brennan_prediger(frame, draws=0).value
    0.5
    """
    how = Resampling(confidence, draws, seed)
    return _coefficient(frame, "Brennan-Prediger kappa", weights, labels, how, _by_number)


def _coefficient(
    frame: Frame, name: str, weights: Weights, labels: Sequence[Any] | None, how: Resampling, chance: Chance
) -> Coefficient:
    given = read_labels(frame, labels)
    matrix = weight_matrix(given.labels, weights, scale_given=labels is not None)
    subject = Subject(
        method=named(name, weights),
        n_tasks=given.compared,
        n_experts=given.n_comparing,
        left_out=given.alone,
    )
    if not given.compared:
        return subject.undefined(how, "no task has two answers")
    if len(given.labels) < 2:
        return subject.undefined(how, "every answer is the same: no variation")
    found = labellings(given.task, given.label, given.answered.size, len(given.labels), alone=True)
    return subject.estimate(_statistic(found, matrix, chance), found.repeats, how, cells=len(given.labels))


def named(name: str, weights: Weights) -> str:
    """Return the name of a coefficient with its weights, where there are some."""
    return name if weights == "identity" else f"{name}, {weights} weights"


def _statistic(found: Labellings, matrix: Array | None, chance: Chance) -> Statistic:
    shown, paired = observed(found, matrix, found.value)
    share = found.times / found.answers[found.way]

    def kappa(weights: Array) -> Array:
        shares = found.totals(weights, share) / weights.sum(axis=1, keepdims=True)
        return beyond(weights @ shown, weights @ paired, chance(shares, matrix))

    return kappa


def observed(found: Labellings, matrix: Array | None, label: Codes) -> tuple[Array, Array]:
    """Return for each way the agreement of two of its answers, and 1; both 0 where there is one answer."""
    import numpy as np

    paired = found.answers > 1
    pairs = np.where(paired, found.answers * (found.answers - 1), 1.0)
    agree = found.between_pairs(matrix, label) - found.answers
    return np.where(paired, agree / pairs, 0.0), paired.astype(np.float64)


def beyond(agree: Array, tasks: Array, chance: Array) -> Array:
    """Return the share of the agreement beyond chance that was reached, nan where chance leaves none."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        value: Array = np.where(1 - chance > 1e-12, (agree / tasks - chance) / (1 - chance), np.nan)
    return value


def _by_shares(shares: Array, matrix: Array | None) -> Array:
    weighted = shares if matrix is None else shares @ matrix
    chance: Array = (weighted * shares).sum(axis=1)
    return chance


def _by_uncertainty(shares: Array, matrix: Array | None) -> Array:
    n = shares.shape[1]
    weight = n if matrix is None else matrix.sum()
    chance: Array = weight / (n * (n - 1)) * (shares * (1 - shares)).sum(axis=1)
    return chance


def _by_number(shares: Array, matrix: Array | None) -> Array:
    import numpy as np

    n = shares.shape[1]
    return np.full(len(shares), (n if matrix is None else matrix.sum()) / n**2)
