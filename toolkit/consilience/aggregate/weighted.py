"""Voting on labels where experts count differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from consilience.aggregate.categorical import majority
from consilience.aggregate.result import Aggregation
from consilience.errors import InvalidInput
from consilience.frames import Coded, Frame, answer_columns, coded

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.int64]]

_TIE = 1e-9  # sums of floats differ by their order


def weighted_majority(
    frame: Frame, weights: Mapping[Any, float] | Aggregation, *, strict: bool = True
) -> Aggregation:
    """Majority vote of each task in which some experts count more.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``label``. A null label is an expert who was asked and gave no answer.
    weights
        A weight of 0 or more for each expert; or the result of a model, whose skills become weights: the logarithm of
        the odds of being right, which is the best weight for experts who err independently, from skills drawn towards
        1/2 by one right and one wrong answer. Experts who are right no oftener than guessing get 0.
    strict
        Whether more than half of the weight that was *asked* must agree. Otherwise the greatest weight wins. A tie is
        never broken.

    Returns
    -------
    Aggregation
        ``answers`` has ``votes`` for the leading answer, ``support`` (its share of the weight that was asked) and
        ``plurality`` (the answer that most experts gave); ``skills`` has ``weight``. Independent of the order of rows
        and experts.

    Raises
    ------
    InvalidFrame
        A column is missing, or an expert answered a task twice.
    InvalidInput
        An expert has no weight, a weight is negative or not finite, all are 0, or the result has no skills.

    Notes
    -----
    S. Nitzan and J. Paroush, *International Economic Review* 23 (1982), 289-297. Weights that were learned on the same
    answers flatter the experts who agree; learn them on other tasks where you can.

    Examples
    --------
    >>> frame = {"task": [1, 1, 1], "expert": list("abc"), "label": ["x", "y", "y"]}
    >>> weighted_majority(frame, {"a": 3, "b": 1, "c": 1}).answers.select("answer", "support").rows()
    [('x', 0.6)]
    """
    import polars as pl

    plain = majority(frame, strict=False)
    table = answer_columns(frame)
    tasks, experts = coded(table["task"]), coded(table["expert"]).ascending()
    labels = coded(table["label"]).ascending()
    weight = _weights(weights, experts.distinct, len(labels.distinct))
    camps = _camps(tasks, experts, labels, weight)
    asked = _asked(tasks, experts, weight)
    answers, tied = _decided(plain, camps, labels.distinct, asked, strict=strict)
    answered = pl.DataFrame({"expert": table["expert"], "given": table["label"].is_not_null()})
    counts = answered.group_by("expert").agg(pl.col("given").sum().cast(pl.Int64).alias("answered"))
    skills = pl.DataFrame({"expert": experts.distinct, "weight": weight})
    skills = skills.join(counts, on="expert", how="left", maintain_order="left")
    return Aggregation(
        answers=answers,
        ties=pl.DataFrame(
            {
                "task": tasks.distinct.gather(camps.task[tied]),
                "label": labels.distinct.gather(camps.label[tied]),
                "votes": camps.votes[tied],
            }
        ).sort("task", "label"),
        method="weighted majority" if strict else "weighted plurality",
        skills=skills.select("expert", "answered", "weight"),
    )


def _weights(weights: Mapping[Any, float] | Aggregation, experts: pl.Series, n_labels: int) -> Array:
    import numpy as np

    if isinstance(weights, Aggregation):
        weights = _from_skills(weights, n_labels)
    missing = [expert for expert in experts if expert not in weights]
    if missing:
        raise InvalidInput(
            f"weights must name every expert of the frame, {missing[0]!r} is missing: add it, or filter the frame."
        )
    for expert in experts:
        weight: Any = weights[expert]
        if not (isinstance(weight, Real) and 0 <= float(weight) < float("inf")):
            raise InvalidInput(f"weights are numbers of 0 or more, {weight!r} came for {expert!r}.")
    found = np.array([float(weights[expert]) for expert in experts])
    if found.size and not found.any():
        raise InvalidInput("weights must not all be 0: nobody would have a say. Use majority instead.")
    return found


def _from_skills(found: Aggregation, n_labels: int) -> dict[Any, float]:
    import numpy as np

    if found.skills is None or "skill" not in found.skills.columns:
        raise InvalidInput(f"Weights come from a model's skills, {found.method} has none: run dawid_skene.")
    answered = found.skills["answered"].to_numpy()
    right = found.skills["skill"].fill_null(0.5).to_numpy() * answered + 1
    wrong = answered + 2 - right
    weight = np.maximum(np.log(max(n_labels - 1, 1) * right / wrong), 0.0)
    return dict(zip(found.skills["expert"], weight.tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Camps:
    """The experts of each task who gave one label, by task and label: their number and weight."""

    task: Places
    label: Places
    votes: Places
    weight: Array


def _camps(tasks: Coded, experts: Coded, labels: Coded, weight: Array) -> _Camps:
    import numpy as np

    given = np.flatnonzero(labels.codes >= 0)
    # by expert too, so that the sums do not depend on the order of the rows
    order = given[np.lexsort((experts.codes[given], labels.codes[given], tasks.codes[given]))]
    task, label, each = tasks.codes[order], labels.codes[order], weight[experts.codes[order]]
    new = np.ones(order.size, dtype=np.bool_)
    new[1:] = (task[1:] != task[:-1]) | (label[1:] != label[:-1])
    begin = np.flatnonzero(new)
    sums = np.add.reduceat(each, begin) if begin.size else np.zeros(0)
    votes = np.diff(np.append(begin, order.size))
    return _Camps(task[begin].astype(np.int64), label[begin].astype(np.int64), votes, sums)


def _asked(tasks: Coded, experts: Coded, weight: Array) -> Array:
    """Return the weight that was asked, for each task."""
    import numpy as np

    order = np.lexsort((experts.codes, tasks.codes))
    asked = np.bincount(tasks.codes[order], weight[experts.codes[order]], minlength=len(tasks.distinct))
    return asked.astype(np.float64, copy=False)


def _decided(
    plain: Aggregation, camps: _Camps, labels: pl.Series, asked: Array, *, strict: bool
) -> tuple[pl.DataFrame, Places]:
    """Return the answers, and which camps are tied."""
    import numpy as np
    import polars as pl

    n_tasks = asked.size
    best = np.zeros(n_tasks)
    starts = np.flatnonzero(np.diff(camps.task, prepend=-1))
    if starts.size:
        best[camps.task[starts]] = np.maximum.reduceat(camps.weight, starts)
    leads = (camps.weight > 0) & (camps.weight >= best[camps.task] * (1 - _TIE))
    leaders = np.bincount(camps.task[leads], minlength=n_tasks)
    camp = np.full(n_tasks, -1)
    front = np.flatnonzero(leads)[::-1]
    camp[camps.task[front]] = front  # the first of those that lead
    wins = best > asked / 2 * (1 + _TIE) if strict else best > 0
    decision = np.select([leaders == 0, leaders > 1, wins], [0, 1, 2], 3)
    names = pl.Series(["no answer", "tie", "majority" if strict else "plurality", "no majority"])
    padded = labels.extend_constant(None, 1)
    label = np.append(camps.label, len(labels))[camp]
    votes = np.append(camps.votes, 0)[camp]
    with np.errstate(invalid="ignore", divide="ignore"):
        support = best / asked
    answers = plain.answers.select(
        "task",
        padded.gather(np.where(decision == 2, label, len(labels))).alias("answer"),
        pl.Series("votes", votes, dtype=pl.Int32),
        pl.Series("support", support, nan_to_null=True),
        "answered",
        "asked",
        names.gather(decision).alias("decision"),
        pl.col("answer").alias("plurality"),
    )
    return answers, np.flatnonzero(leads & (leaders[camps.task] > 1))
