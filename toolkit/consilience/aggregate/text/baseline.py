"""What unrelated texts give: the value beside which a measure of texts means something."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from consilience.aggregate.text.answers import Answers
from consilience.contradiction import Claims, Relation, compare
from consilience.dedup.linkage import complete_linkage
from consilience.equivalence import Comparison, Equivalence, guarded
from consilience.errors import InvalidInput
from consilience.models import canonical

if TYPE_CHECKING:
    import numpy as np

    Matrix = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Unrelated", "entropy", "grouped", "likeness", "unrelated_texts"]

_TASKS = 24
_DRAWS = 400


def grouped(claims: Claims, comparison: Comparison, rows: Sequence[int]) -> list[int]:
    """Return the group of each row: every two texts of one are the same, and the guard lets them stand."""
    if len(rows) < 2:
        return [0] * len(rows)
    place = {row: at for at, row in enumerate(rows)}
    pairs = guarded(comparison.pairs(rows), claims)
    return complete_linkage(len(rows), [(place[i], place[j], alike) for i, j, alike in pairs])


def likeness(claims: Claims, comparison: Comparison, rows: Sequence[int]) -> Matrix:
    """Return how alike every two rows are; 0 where the guard keeps them apart."""
    found = comparison.similarity(rows).copy()
    for i, one in enumerate(rows):
        for j, other in enumerate(rows[:i]):
            if compare(claims[one], claims[other]) is not Relation.COMPATIBLE:
                found[i, j] = found[j, i] = 0.0
    return found


def entropy(sizes: Sequence[int]) -> float:
    """Return the entropy in nats of a share for each size.

    Examples
    --------
    >>> round(entropy([2, 1, 1]), 4), entropy([3])
    (1.0397, 0.0)
    """
    n = sum(sizes)
    return abs(-sum(size / n * math.log(size / n) for size in sizes)) if n else math.nan


@dataclass(frozen=True, slots=True)
class Unrelated:
    """Texts that have nothing to do with each other, and how alike they come out all the same.

    Parameters
    ----------
    groups
        The group of each text.
    similarity
        Mean similarity of two of them; nan below two.
    """

    groups: tuple[int, ...]
    similarity: float

    def entropy(self, n: int) -> float | None:
        """Return the mean entropy of n of them; None where there are fewer, or n is below 1."""
        return self._mean(n, entropy)

    def leading(self, n: int) -> float | None:
        """Return the mean share of the largest group among n of them; None as above."""
        return self._mean(n, lambda sizes: max(sizes) / n)

    def _mean(self, n: int, measure: Any) -> float | None:
        if not 1 <= n <= len(self.groups):
            return None
        drawn = _drawn(self.groups, n)
        return float(sum(times * measure(sizes) for sizes, times in drawn) / sum(times for _, times in drawn))


@cache
def _drawn(groups: tuple[int, ...], n: int) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Return the sizes of the groups among n texts drawn without replacement, and how often they came."""
    import numpy as np

    if len(set(groups)) == len(groups):
        return (((1,) * n, 1),)
    random = np.random.default_rng(0)
    draws = (random.choice(len(groups), n, replace=False) for _ in range(_DRAWS))
    found = Counter(tuple(sorted(Counter(groups[at] for at in draw).values())) for draw in draws)
    return tuple(sorted(found.items()))


def unrelated_texts(
    answers: Answers, equivalence: Equivalence, given: Sequence[str] | None, *, similarities: bool
) -> tuple[Unrelated, str]:
    """Return unrelated texts and, where there are none, a sentence that says so.

    Parameters
    ----------
    answers
        Whence they are taken where none are given: one answer each of up to 24 tasks, spread over all.
    equivalence
        What compares them.
    given
        Texts of the caller; empty for none.
    similarities
        Whether their similarities are wanted.

    Raises
    ------
    InvalidInput
        These are not texts, or just one.
    """
    if given is None:
        firsts = [task.rows[0] for task in answers.tasks if task.rows]
        step = max(1, len(firsts) // _TASKS)
        texts = [answers.texts[row] for row in firsts[::step][:_TASKS]]
        note = "no value for unrelated texts, which takes answers to two tasks or more: give unrelated=[...]"
    else:
        texts, note = _checked(given), "no value for unrelated texts was asked for"
    if len(texts) < 2:
        return Unrelated((), math.nan), note
    claims = Claims(texts)
    comparison = equivalence.over(claims)
    rows = range(len(texts))
    mean = math.nan
    if similarities:
        alike = likeness(claims, comparison, rows)
        mean = float((alike.sum() - alike.trace()) / (len(texts) * (len(texts) - 1)))
    return Unrelated(tuple(grouped(claims, comparison, rows)), mean), ""


def _checked(given: Sequence[str]) -> list[str]:
    texts: list[object] = [] if isinstance(given, str) else list(given)
    wrong = isinstance(given, str) or not all(isinstance(text, str) and canonical(text) for text in texts)
    if wrong or len(given) == 1:
        raise InvalidInput(
            f"unrelated takes two or more texts with words, {given!r:.80} came: give texts from elsewhere, or [] for "
            "no value."
        )
    return list(given)
