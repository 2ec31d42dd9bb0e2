"""The answers of each way to turn a circle's labels into one, task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.aggregate import Aggregation, dawid_skene, majority, one_coin_dawid_skene
from consilience.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from consilience.evaluation.marks import Marks

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Codes = np.ndarray[Any, np.dtype[np.int32]]

MAJORITY = "majority"
WEIGHTED = "weighted majority"
#: Every method that `evaluate` knows.
METHODS = (MAJORITY, "plurality", WEIGHTED, "Dawid-Skene", "one-coin Dawid-Skene")
_FOLDS = 10
_TIE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """What one method answered.

    Parameters
    ----------
    method
        Its name.
    label
        Code of the answer to each task, -1 where there is none.
    confidence
        What stands behind the leading label, from 0 to 1: the share of the experts (or of the weight) that were asked,
        or the model's probability; nan where nobody answered.
    note
        What limits the figure; empty when there is nothing to say.
    """

    method: str
    label: Codes
    confidence: Array
    note: str = ""


def check_methods(methods: Sequence[str]) -> None:
    """Raise `InvalidInput` when a method is unknown or named twice, or majority is missing."""
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise InvalidInput(f"methods takes {', '.join(METHODS)}; {unknown[0]!r} came.")
    if MAJORITY not in methods or len(set(methods)) != len(methods):
        raise InvalidInput(
            f"methods names each method once and {MAJORITY!r}, the baseline, among them; {list(methods)!r} came."
        )


def decide(method: str, table: pl.DataFrame, marks: Marks, seed: int) -> Decided:
    """Return the answers of a method.

    Parameters
    ----------
    method
        One of `METHODS`.
    table
        All answers, also to tasks that gold does not know: the models learn from them, and never from gold.
    marks
        The tasks to answer.
    seed
        Of the folds of the weighted majority.
    """
    if method == WEIGHTED:
        return _weighted(marks, seed)
    found = _aggregated(method, table)
    share = (
        (found.answers["votes"] / found.answers["asked"])
        if found.converged is None
        else found.answers["probability"]
    )
    note = f"{method} did not converge." if found.converged is False else ""
    answers = found.answers.select("task", "answer", share.alias("confidence"))
    rows = marks.tasks.alias("task").to_frame().join(answers, on="task", how="left", maintain_order="left")
    confidence = rows["confidence"].clip(0, 1)  # a posterior can exceed 1 by rounding
    return Decided(method, _codes(rows["answer"], marks.labels), confidence.to_numpy(), note)


def _aggregated(method: str, table: pl.DataFrame) -> Aggregation:
    if method == "Dawid-Skene":
        return dawid_skene(table)
    if method == "one-coin Dawid-Skene":
        return one_coin_dawid_skene(table)
    return majority(table, strict=method == MAJORITY)


def _codes(answers: pl.Series, labels: pl.Series) -> Codes:
    """Return where each answer stands among the labels, -1 for none and for labels of other tasks."""
    import polars as pl

    places = pl.DataFrame({"answer": labels, "code": pl.int_range(len(labels), dtype=pl.Int32, eager=True)})
    given = answers.cast(labels.dtype).alias("answer").to_frame()
    found = given.join(places, on="answer", how="left", maintain_order="left")["code"]
    return found.fill_null(-1).to_numpy()


def _weighted(marks: Marks, seed: int) -> Decided:
    """Return a strict majority of weights that were learned on other tasks than those they decide."""
    import numpy as np

    n_tasks, n_members = marks.label.shape
    fold = folds(n_tasks, seed)
    weight = np.empty((n_tasks, n_members))
    for each in np.unique(fold):
        learned = fold != each
        weight[~learned] = log_odds(marks, learned if learned.any() else ~learned)
    # the weight behind each member's label: a table of labels would be large where answers are texts
    behind = np.zeros((n_tasks, n_members))
    for member in range(n_members):
        same = (marks.label == marks.label[:, member, None]) & marks.answered
        behind[:, member] = np.where(same, weight, 0.0).sum(axis=1)
    asked = np.where(marks.asked, weight, 0.0).sum(axis=1)
    leader = behind.argmax(axis=1)
    most = behind.max(axis=1)
    winner = marks.label[np.arange(n_tasks), leader]
    # more than half of the weight: no second label can have as much
    winner[~(most > asked / 2 * (1 + _TIE))] = -1
    with np.errstate(invalid="ignore", divide="ignore"):
        share = most / asked
    note = "" if n_tasks > 1 else "One task: weights were learned on the task that they decide."
    return Decided(WEIGHTED, winner, share, note)


def folds(n_tasks: int, seed: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the fold of each task, ten of sizes that differ by one at most; one a task where there are fewer."""
    import numpy as np

    return np.random.default_rng(seed).permutation(np.arange(n_tasks) % _FOLDS)


def log_odds(marks: Marks, tasks: np.ndarray[Any, np.dtype[np.bool_]]) -> Array:
    """Return a weight for each member: the logarithm of the odds of being right, 0 where it is no better than a guess.

    Accuracies are drawn towards one half by one right and one wrong answer, so that none is certain.

    Notes
    -----
    S. Nitzan and J. Paroush, *International Economic Review* 23 (1982), 289-297: the best weights for experts who err
    independently.
    """
    import numpy as np

    answered = marks.answered[tasks].sum(axis=0)
    right = marks.right[tasks].sum(axis=0) + 1.0
    wrong = answered + 2.0 - right
    weight: Array = np.maximum(np.log(max(len(marks.labels) - 1, 1) * right / wrong), 0.0)
    return weight
