"""From answers, and gold where there is some, to a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from consilience.aggregate import majority
from consilience.agreement import krippendorff_alpha
from consilience.errors import InvalidInput
from consilience.evaluation.calibration import Calibration, calibration
from consilience.evaluation.costs import cost_by_provider, cost_per_right
from consilience.evaluation.lift import Lift, lifts
from consilience.evaluation.marks import Marks, mark, read_answers, read_gold
from consilience.evaluation.methods import MAJORITY, METHODS, Decided, check_methods, decide, log_odds
from consilience.evaluation.report import CircleReport
from consilience.evaluation.shared import shared_errors
from consilience.evaluation.unverified import UnverifiedReport, unverified
from consilience.evaluation.votes import votes_of
from consilience.frames import Frame
from consilience.intervals import wilson

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Flags = np.ndarray[Any, np.dtype[np.bool_]]


@overload
def evaluate(
    frame: Frame, gold: None = None, *, draws: int = ..., seed: int = ..., methods: Sequence[str] = ...
) -> UnverifiedReport: ...


@overload
def evaluate(
    frame: Frame, gold: Frame, *, draws: int = ..., seed: int = ..., methods: Sequence[str] = ...
) -> CircleReport: ...


def evaluate(
    frame: Frame,
    gold: Frame | None = None,
    *,
    draws: int = 1000,
    seed: int = 0,
    methods: Sequence[str] = METHODS,
) -> CircleReport | UnverifiedReport:
    """Say whether a circle helped: compare it, and each way to count its votes, with its members on known answers.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``label``; a null label is an expert who gave no answer. The columns
        ``confidence`` (0 to 1), ``cost_usd`` (of the answer) and ``provider`` (who is paid for it) add calibration and
        cost; null is unknown.
    gold
        Frame with ``task`` and ``label``: the known answers. Tasks without one are left out, but the models learn from
        them. Without gold the report is an `UnverifiedReport`: how far the experts agree, and no word on who is right.
    draws
        Bootstrap draws over tasks; 1,000 keep the ends of an interval steady to about half a task in a hundred.
    seed
        Of the bootstrap and of the folds, so that a report can be printed twice.
    methods
        Which of `METHODS` to compare: the strict majority, which must be among them since it is the baseline that the
        others are held against; plurality; a weighted majority whose weights were learned on other tasks than it
        decides (ten folds); Dawid and Skene's model, full and with one coin an expert, which never see gold.

    Returns
    -------
    CircleReport or UnverifiedReport
        Independent of the order of rows. A missing answer, a tie and a task without a majority count as not right.

    Raises
    ------
    InvalidFrame
        A column is missing or holds what cannot be used, an expert answered a task twice, gold names a task twice or
        one that nobody was asked, or no task has gold.
    InvalidInput
        `draws` is below 1, or a method is unknown.

    Notes
    -----
    Accuracies have Wilson's interval. The models are fitted once: the intervals of their lifts hold for these fits. Who
    compares five methods and quotes the best flatters it as the best of five members is flattered: choose the method
    before you look at the lifts.

    Examples
    --------
    >>> frame = {"task": [1, 1, 1, 2, 2, 2], "expert": list("abcabc"), "label": list("xxyyxy")}
    >>> report = evaluate(frame, {"task": [1, 2], "label": ["x", "y"]}, methods=["majority"])
    >>> report.accuracy.select("who", "right").rows()
    [('a', 2), ('circle, majority', 2), ('always x', 1), ('b', 1), ('c', 1)]
    """
    if draws < 1:
        raise InvalidInput(f"draws is 1 or more, {draws} came.")
    check_methods(methods)
    table = read_answers(frame)
    if gold is None:
        return unverified(table, draws, seed)
    known = read_gold(gold, table)
    marks = mark(table, known)
    decided = [decide(method, table, marks, seed) for method in methods]
    return _report(table.join(known.select("task"), on="task", how="semi"), marks, decided, draws, seed)


def _report(table: pl.DataFrame, marks: Marks, decided: list[Decided], draws: int, seed: int) -> CircleReport:
    import numpy as np

    right = np.stack([each.label == marks.gold for each in decided], axis=1)
    several = len(marks.members) > 1
    by_method = dict(zip([each.method for each in decided], right.T, strict=True))
    decisions = majority(table).answers["decision"]
    ties, decided_by_majority = (int((decisions == what).sum()) for what in ("tie", "majority"))
    return CircleReport(
        accuracy=_accuracy(marks, by_method),
        lifts=_lifts(marks, right, decided, draws, seed) if several else {},
        agreement=krippendorff_alpha(table, draws=draws, seed=seed),
        ties=ties,
        undecided=len(decisions) - ties - decided_by_majority,
        votes=votes_of(marks, log_odds(marks, np.ones(len(marks.tasks), dtype=np.bool_)), draws, seed)
        if several
        else None,
        shared_errors=shared_errors(marks.answered, marks.answered & ~marks.right, marks.members),
        calibration=_calibration(marks, decided),
        costs=cost_per_right(marks, {circle(name): int(n.sum()) for name, n in by_method.items()}),
        providers=cost_by_provider(table),
        notes=tuple(each.note for each in decided if each.note),
        marks=marks,
        seed=seed,
    )


def circle(method: str) -> str:
    """Return the name under which a method stands beside the members."""
    return f"circle, {method}"


def _accuracy(marks: Marks, by_method: dict[str, Flags]) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    frequent = int(np.bincount(marks.gold).argmax())
    rows = [
        (name, "member", int(marks.answered[:, k].sum()), int(marks.right[:, k].sum()))
        for k, name in enumerate(marks.members)
    ]
    n = len(marks.tasks)
    rows += [(circle(name), "circle", n, int(right.sum())) for name, right in by_method.items()]
    rows.append((f"always {marks.labels[frequent]}", "baseline", n, int((marks.gold == frequent).sum())))
    full = [(*row, n, row[3] / n, *wilson(row[3], n)) for row in rows]
    columns = ["who", "kind", "answered", "right", "tasks", "accuracy", "low", "high"]
    return pl.DataFrame(full, schema=columns, orient="row").sort(["right", "who"], descending=[True, False])


def _lifts(marks: Marks, right: Flags, decided: list[Decided], draws: int, seed: int) -> dict[str, Lift]:
    found = lifts(marks.right, right, marks.members, draws, seed)
    return {each.method: lift for each, lift in zip(decided, found, strict=True)}


def _calibration(marks: Marks, decided: list[Decided]) -> Calibration | None:
    """Return the calibration of members who state a confidence and of the methods; None when no member does."""
    if marks.confidence is None:
        return None
    given, right = marks.answered, marks.right
    members = [
        (name, "member", marks.confidence[given[:, k], k], right[given[:, k], k])
        for k, name in enumerate(marks.members)
    ]
    methods = [
        (
            circle(each.method),
            "circle",
            each.confidence[each.label >= 0],
            (each.label == marks.gold)[each.label >= 0],
        )
        for each in decided
        if each.method != MAJORITY or (each.label >= 0).any()
    ]
    return calibration([*members, *methods], len(marks.tasks))
