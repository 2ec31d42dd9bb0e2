"""How many independent votes a circle is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput
from consilience.evaluation.lift import counted, drawn
from consilience.evaluation.marks import mark, read_answers, read_gold
from consilience.evaluation.shared import together
from consilience.frames import Frame
from consilience.markup.sentence import SentenceDisplayed

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from consilience.evaluation.marks import Marks

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class EffectiveVotes(SentenceDisplayed):
    """How many members who err independently would be worth as much as the circle.

    Parameters
    ----------
    value
        ``n / (1 + (n - 1) * correlation)`` with the mean correlation of errors; nan where it is undefined. More than
        the number of members when errors avoid each other.
    low, high
        95 % interval from a bootstrap over tasks.
    members
        How many the circle has.
    correlation
        Mean over the pairs of the correlation (phi) of their errors.
    by_eigenvalues
        ``sum(l)**2 / sum(l**2)`` over the eigenvalues of the correlation matrix, which is
        ``n**2 / sum of all squared correlations``: it sees two camps where the mean correlation is near 0, and never
        exceeds the number of members. Undefined correlations count as 0.
    by_weights
        ``sum(w)**2 / sum(w**2)`` with the weights of the weighted majority: how many votes are left because some
        members hardly count, whether or not they err together; nan when nobody has weight.
    independent_accuracy
        What a strict majority of members with these accuracies would reach if they erred independently.
    note
        What limits the figure; empty when there is nothing to say.

    Notes
    -----
    L. Kish, *Survey Sampling*, 1965 (design effect, weights); C. S. Bretherton et al., *J. Climate* 12 (1999),
    1990-2009 (eigenvalues). Nine frontier models as judges gave about two votes (G. Kohli, arXiv 2605.29800, 2026). The
    figure is about the errors on these tasks: tasks of mixed difficulty make members err together too.
    """

    value: float
    low: float
    high: float
    members: int
    correlation: float
    by_eigenvalues: float
    by_weights: float
    independent_accuracy: float
    note: str = ""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return f"undefined ({self.note})"
        return f"{self.value:.1f} [{self.low:.1f}, {self.high:.1f}] of {self.members}"

    def explain(self) -> str:
        """Say in a sentence what the figure shows."""
        if math.isnan(self.value):
            return f"Effective votes are undefined: {self.note}."
        said = (
            f"The errors of {self.members} members correlate at {self.correlation:.2f} on average: they are worth "
            f"{self.value:.1f} independent votes [{self.low:.1f}, {self.high:.1f}]."
        )
        return f"{said} {self.note}".strip()


def effective_votes(correlations: Iterable[float], members: int) -> float:
    """Return how many independent votes members with these correlations of errors are worth.

    Parameters
    ----------
    correlations
        One for each pair, nan where it is undefined.
    members
        How many members the pairs are made of.

    Returns
    -------
    float
        ``n / (1 + (n - 1) * mean)``; nan when every correlation is undefined, infinite when errors cancel exactly.

    Raises
    ------
    InvalidInput
        There are fewer than two members, or correlations that do not make as many pairs.

    Examples
    --------
    >>> effective_votes([0.0] * 36, 9), round(effective_votes([0.44] * 36, 9), 2)
    (9.0, 1.99)
    """
    import numpy as np

    values = np.array(list(correlations), dtype=np.float64)
    if members < 2 or values.size != members * (members - 1) // 2:
        raise InvalidInput(
            f"Two or more members and a correlation for each pair are required; {members} members and {values.size} "
            "correlations came."
        )
    return float(_by_mean(values[None, :], members)[0])


def circle_votes(frame: Frame, gold: Frame, *, draws: int = 1000, seed: int = 0) -> EffectiveVotes:
    """Return how many independent votes the experts of a frame are worth, by their errors on known answers.

    Parameters
    ----------
    frame, gold, draws, seed
        As in `cs.evaluate`, which says much more; ``by_weights`` is nan here, since no vote is weighted.

    Raises
    ------
    InvalidFrame
        As in `cs.evaluate`.
    InvalidInput
        There are fewer than two experts.

    Examples
    --------
    >>> frame = {"task": [1, 1, 2, 2, 3, 3], "expert": ["a", "b"] * 3, "label": list("xxxyyy")}
    >>> found = circle_votes(frame, {"task": [1, 2, 3], "label": list("xyx")}, draws=10)
    >>> found.members, round(found.value, 2)
    (2, 1.33)
    """
    import numpy as np

    table = read_answers(frame)
    marks = mark(table, read_gold(gold, table))
    if len(marks.members) < 2:
        raise InvalidInput(f"Two or more experts are required, {len(marks.members)} came.")
    return votes_of(marks, np.zeros(len(marks.members)), draws, seed)


def _by_mean(phi: Array, members: int) -> Array:
    import numpy as np

    known = ~np.isnan(phi)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, phi, 0.0).sum(axis=1) / known.sum(axis=1)
        votes: Array = members / np.maximum(1 + (members - 1) * mean, 0.0)
    return votes


def votes_of(marks: Marks, weights: Array, draws: int, seed: int) -> EffectiveVotes:
    """Return the effective votes of a circle of two or more."""
    import numpy as np

    n = len(marks.members)
    answered, wrong = marks.answered, marks.answered & ~marks.right
    patterns, repeats = counted(np.concatenate([answered, wrong], axis=1))
    split = patterns[:, :n], patterns[:, n:]
    phi = together(*split, repeats.astype(np.float64)).phi
    value = effective_votes(phi, n)
    undefined = int(np.isnan(phi).sum())
    low, high = math.nan, math.nan
    if not math.isnan(value):
        low, high = _interval(split, repeats, draws, seed)
    squared = float(np.square(np.nan_to_num(phi)).sum())
    return EffectiveVotes(
        value=value,
        low=low,
        high=high,
        members=n,
        correlation=math.nan if undefined == phi.size else float(np.nanmean(phi)),
        by_eigenvalues=n * n / (n + 2 * squared),
        by_weights=float(weights.sum() ** 2 / np.square(weights).sum()) if weights.any() else math.nan,
        independent_accuracy=independent_accuracy(marks),
        note=_note(undefined, phi.size),
    )


def _note(undefined: int, of: int) -> str:
    if undefined == of:
        return "no two members both erred sometimes and not always on tasks that both answered"
    if undefined:
        return f"{undefined} of {of} pairs are left out: a member never or always errs."
    return ""


def _interval(
    split: tuple[Array, Array], repeats: np.ndarray[Any, np.dtype[np.int64]], draws: int, seed: int
) -> tuple[float, float]:
    import numpy as np

    n = split[0].shape[1]
    sample = [
        _by_mean(together(*split, weights).phi, n)
        for weights in drawn(repeats, draws, np.random.default_rng(seed))
    ]
    votes = np.concatenate(sample)
    defined = votes[~np.isnan(votes)]
    if not defined.size:
        return math.nan, math.nan
    low, high = np.quantile(defined, [0.025, 0.975], method="nearest")
    return float(low), float(high)


def independent_accuracy(marks: Marks) -> float:
    """Return the accuracy of a strict majority if members erred independently, each as often as now.

    Exact: the number of right answers to a task is then a sum of unequal coins, and no assumption about the wrong
    labels is needed, since a strict majority is right when more than half of the asked are.
    """
    import numpy as np

    asked_by = marks.asked.sum(axis=0)
    skill = marks.right.sum(axis=0) / np.maximum(asked_by, 1)
    circles, repeats = counted(marks.asked)
    each = [_coins(skill[circle > 0]) for circle in circles]
    return float(np.dot(each, repeats) / repeats.sum())


def _coins(chances: Array) -> float:
    """Return the probability that more than half of unequal coins show heads."""
    import numpy as np

    heads = np.ones(1)
    for chance in chances:
        heads = np.append(heads * (1 - chance), 0.0) + np.append(0.0, heads * chance)
    return float(heads[chances.size // 2 + 1 :].sum())
