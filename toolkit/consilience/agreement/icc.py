"""Intraclass correlations of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from consilience.agreement.coefficient import Coefficient
from consilience.agreement.complete import Complete, read_complete
from consilience.agreement.resampling import Resampling, Subject
from consilience.errors import InvalidInput
from consilience.frames import Frame

if TYPE_CHECKING:
    import numpy as np

    from consilience.agreement.resampling import Statistic

    Array = np.ndarray[Any, np.dtype[np.float64]]

Form = Literal["1,1", "2,1", "3,1", "1,k", "2,k", "3,k"]


def icc(
    frame: Frame, form: Form = "2,1", *, confidence: float = 0.95, draws: int = 1000, seed: int = 0
) -> Coefficient:
    """Intraclass correlation: the share of the variance of scores that the tasks account for.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``score``; a null score is a missing answer. Tasks that not every expert
        scored are left out, and ``left_out`` counts them.
    form
        P. E. Shrout and J. L. Fleiss' name. ``1``: the experts of each task are others, so that their levels count as
        error; ``2``: the experts are a sample, and differences of level count; ``3``: these experts alone, and only
        the order and spacing of their scores count. After the comma ``1`` for one expert's score, ``k`` for the mean
        of all. The default asks whether one expert can stand for another.
    confidence
        Probability that the bootstrap interval covers.
    draws
        Bootstrap draws over tasks; 1,000 keep the ends steady to about 0.01. 0 gives no interval. With fewer than
        some twenty tasks the interval covers less than it says.
    seed
        Of the bootstrap, so that a report can be printed twice.

    Returns
    -------
    Coefficient
        ``value`` is nan, with a note, when fewer than two tasks have every expert's score, or the scores
        do not differ between tasks.

    Raises
    ------
    InvalidFrame
        A column is missing, a score is no finite number, or an expert scored a task twice.
    InvalidInput
        An option is out of its range.

    Notes
    -----
    P. E. Shrout and J. L. Fleiss, *Psychological Bulletin* 86 (1979), 420-428.

    Examples
    --------
    >>> frame = {"task": [1, 1, 2, 2, 3, 3], "expert": ["a", "b"] * 3, "score": [1, 2, 3, 4, 5, 6]}
    >>> round(icc(frame, draws=0).value, 4), icc(frame, "3,1", draws=0).value
    (0.8889, 1.0)
    """
    if form not in get_args(Form):
        raise InvalidInput(f"form is one of {', '.join(get_args(Form))}, {form!r} came.")
    how = Resampling(confidence, draws, seed)
    found = read_complete(frame)
    subject = Subject(
        method=f"ICC({form})", n_tasks=found.n_tasks, n_experts=found.n_experts, left_out=found.left_out
    )
    if found.n_tasks < 2:
        return subject.undefined(how, "fewer than two tasks were scored by two experts or more, all of them")
    note = "the scores differ no more between tasks than within"
    return subject.estimate(_statistic(found, form), found.repeats, how, undefined=note)


def _statistic(found: Complete, form: Form) -> Statistic:
    import numpy as np

    numbers = found.numbers - found.numbers[found.codes].mean()
    scores = (numbers / (np.abs(numbers).max() or 1.0))[found.codes]
    k = found.n_experts
    per_task = np.column_stack([scores, np.square(scores).sum(axis=1), np.square(scores.sum(axis=1)) / k])

    def correlation(weights: Array) -> Array:
        sums = weights @ per_task
        n = weights.sum(axis=1)
        experts, squares, between = sums[:, :k], sums[:, k], sums[:, k + 1]
        level = np.square(experts.sum(axis=1)) / (n * k)
        of_tasks = between - level
        of_experts = np.square(experts).sum(axis=1) / n - level
        total = squares - level
        return _ratio(form, n, k, np.stack([total, of_tasks, of_experts]))

    return correlation


def _ratio(form: Form, n: Array, k: int, sums: Array) -> Array:
    """Return the correlation from the sums of squares: total, of tasks, of experts, each (n_draws,)."""
    import numpy as np

    total, of_tasks, of_experts = np.where(np.abs(sums) > 1e-12 * n, sums, 0.0)
    kind, mean = form[0], form[2] == "k"
    with np.errstate(divide="ignore", invalid="ignore"):
        tasks, experts = of_tasks / (n - 1), of_experts / (k - 1)
        rest = (total - of_tasks) / (n * (k - 1))
        if kind != "1":
            left = total - of_tasks - of_experts
            rest = np.where(np.abs(left) > 1e-12 * n, left, 0.0) / ((n - 1) * (k - 1))
        shift = k * (experts - rest) / n if kind == "2" else 0.0
        below = tasks + shift / k if mean else tasks + (k - 1) * rest + shift
        value: Array = np.where(below > 0, (tasks - rest) / below, np.nan)
    return value
