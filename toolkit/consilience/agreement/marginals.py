"""Agreement corrected by how often *each expert* gave each label: Cohen for two, Conger for any number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consilience.agreement.coefficient import Coefficient
from consilience.agreement.kappa import beyond, named, observed
from consilience.agreement.labellings import labellings
from consilience.agreement.ratings import Ratings, pick_two, read_labels
from consilience.agreement.resampling import Resampling, Subject
from consilience.agreement.weights import Weights, weight_matrix
from consilience.errors import InvalidInput
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np

    from consilience.agreement.labellings import Labellings
    from consilience.agreement.resampling import Statistic

    Array = np.ndarray[Any, np.dtype[np.float64]]

_MOST_CELLS = 1 << 24


def cohen_kappa(
    frame: Frame,
    *,
    experts: tuple[Any, Any] | None = None,
    weights: Weights = "identity",
    labels: Sequence[Any] | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Coefficient:
    """Cohen's kappa of two experts, weighted or not: chance gives labels as often as each of them gave them.

    Parameters
    ----------
    frame, weights, labels, confidence, draws, seed
        As in `fleiss_kappa`. Tasks that one of the two did not answer are left out.
    experts
        The two; may be left out where the frame holds two.

    Returns
    -------
    Coefficient
        ``value`` is nan, with a note, when no task was answered by both, or both gave one and the same label always.

    Raises
    ------
    InvalidFrame
        As in `fleiss_kappa`.
    InvalidInput
        As in `fleiss_kappa`; the frame holds more than two experts and two are not named, or one is not in it.

    Notes
    -----
    J. Cohen, *Educational and Psychological Measurement* 20 (1960), 37-46; weighted: *Psychological Bulletin* 70
    (1968), 213-220. The bootstrap's standard error is, with many tasks, that of J. L. Fleiss, J. Cohen and B. S.
    Everitt, same journal 72 (1969), 323-327.

    Examples
    --------
    >>> frame = {"task": [1, 1, 2, 2, 3, 3, 4, 4], "expert": ["a", "b"] * 4, "label": list("xxyyxxxy")}
    >>> cohen_kappa(frame, draws=0).value
    0.5
    """
    how = Resampling(confidence, draws, seed)
    given = read_labels(frame, labels)
    two = pick_two(given, experts, "Cohen's kappa", "fleiss_kappa or conger_kappa")
    name = named("Cohen kappa", weights)
    left_out = int((given.answered > 0).sum()) - two.compared
    return _coefficient(two, name, weights, labels, how, left_out, "no task was answered by both experts")


def conger_kappa(
    frame: Frame,
    *,
    weights: Weights = "identity",
    labels: Sequence[Any] | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Coefficient:
    """Conger's kappa: Cohen's for any number of experts.

    Parameters
    ----------
    frame, weights, labels, confidence, draws, seed
        As in `fleiss_kappa`. Chance is taken over all pairs of experts, each with the labels it gave wherever it
        answered, so it suits experts who each answered many tasks.

    Returns
    -------
    Coefficient
        As in `fleiss_kappa`.

    Raises
    ------
    InvalidFrame, InvalidInput
        As in `fleiss_kappa`; or there are too many experts times labels.

    Notes
    -----
    A. J. Conger, *Psychological Bulletin* 88 (1980), 322-328; for missing answers and weights K. L. Gwet, *Handbook of
    Inter-Rater Reliability*, 4th ed., 2014, chapter 2.

    Examples
    --------
    >>> frame = {"task": [1, 1, 2, 2, 3, 3, 4, 4], "expert": ["a", "b"] * 4, "label": list("xxyyxxxy")}
    >>> conger_kappa(frame, draws=0).value == cohen_kappa(frame, draws=0).value
    True
    """
    how = Resampling(confidence, draws, seed)
    given = read_labels(frame, labels)
    name = named("Conger kappa", weights)
    return _coefficient(given, name, weights, labels, how, given.alone, "no task has two answers")


def _coefficient(
    given: Ratings,
    name: str,
    weights: Weights,
    labels: Sequence[Any] | None,
    how: Resampling,
    left_out: int,
    none: str,
) -> Coefficient:
    import numpy as np

    n_labels, n_experts = len(given.labels), len(given.experts)
    matrix = weight_matrix(given.labels, weights, scale_given=labels is not None)
    subject = Subject(method=name, n_tasks=given.compared, n_experts=given.n_comparing, left_out=left_out)
    if not given.compared:
        return subject.undefined(how, none)
    cells = n_experts * n_labels
    if cells > _MOST_CELLS:
        raise InvalidInput(
            f"Experts times labels are counted, {n_experts:,} x {n_labels:,} came (at most {_MOST_CELLS:,}): use "
            "fleiss_kappa or krippendorff_alpha."
        )
    mark = (given.expert * np.int32(n_labels) + given.label).astype(np.int32)
    found = labellings(given.task, mark, given.answered.size, cells, alone=True)
    return subject.estimate(_statistic(found, n_experts, matrix), found.repeats, how, cells=cells)


def _statistic(found: Labellings, n_experts: int, matrix: Array | None) -> Statistic:
    import numpy as np

    n_labels = found.n_values // n_experts
    shown, paired = observed(found, matrix, found.value % n_labels)

    def kappa(weights: Array) -> Array:
        counts = found.totals(weights).reshape(-1, n_experts, n_labels)
        answered = counts.sum(axis=2, keepdims=True)
        shares = np.divide(counts, answered, out=np.zeros_like(counts), where=answered > 0)
        n = (answered[:, :, 0] > 0).sum(axis=1)
        total = shares.sum(axis=1)
        own = shares if matrix is None else shares @ matrix
        all_pairs = ((total if matrix is None else total @ matrix) * total).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            chance = (all_pairs - (own * shares).sum(axis=(1, 2))) / (n * (n - 1))
        return beyond(weights @ shown, weights @ paired, chance)

    return kappa
