"""A frame of answers as the arrays that the kernels read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidFrame
from consilience.frames import Coded, Frame, answer_columns, answered_twice, coded, require_columns, to_polars

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from consilience.kernels import Layout

    Codes = np.ndarray[Any, np.dtype[np.int32]]


@dataclass(frozen=True, slots=True, eq=False)
class Ballots:
    """Answers by task, with the names behind the codes.

    Parameters
    ----------
    answers
        For the kernels of expectation.
    tasks, experts, labels
        The names: ``tasks[code]`` and so on. Experts and labels ascend; tasks stand in an order of their own.
    appearance
        Codes of the tasks in order of first appearance.
    gold
        The known label of each task, -1 where it is not known.
    """

    answers: Layout
    tasks: pl.Series
    experts: pl.Series
    labels: pl.Series
    appearance: np.ndarray[Any, np.dtype[np.int64]]
    gold: Codes


def read_ballots(frame: Frame, *, replicates: bool = False, gold: Frame | None = None) -> Ballots:
    """Return a long frame as ballots.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``label``.
    replicates
        Whether an expert may answer a task more than once.
    gold
        Frame with ``task`` and ``label``, or None.

    Raises
    ------
    InvalidFrame
        A column is missing or cannot be coded, an expert answered a task twice, or gold cannot be used.

    Examples
    --------
    >>> ballots = read_ballots({"task": [1, 1], "expert": ["b", "a"], "label": ["x", None]})
    >>> ballots.experts.to_list(), ballots.answers.expert.tolist(), ballots.answers.asked.tolist()
    (['a', 'b'], [1], [2])
    """
    import numpy as np

    from consilience import kernels

    table = answer_columns(frame)
    known = _gold(gold, table) if gold is not None else None
    if known is not None and known.is_empty():
        known = None
    # Sums over tasks are taken in an order that the rows cannot change: a hash sorts faster than the names do.
    by_appearance = coded(table["task"])
    order = by_appearance.distinct.hash().to_numpy().argsort(kind="stable")
    tasks = by_appearance.in_order(order)
    appearance = np.empty_like(order)
    appearance[order] = np.arange(order.size)
    experts, labels = coded(table["expert"]).ascending(), _labels(table, known)
    answers = kernels.layout(
        tasks.codes,
        experts.codes,
        labels.codes,
        len(tasks.distinct),
        len(experts.distinct),
        len(labels.distinct),
    )
    if not replicates:
        refuse_repeats(answers, tasks.distinct, experts.distinct, table)
    gold_codes = np.full(len(tasks.distinct), -1, dtype=np.int32)
    if known is not None:
        gold_codes[_places(known["task"], tasks.distinct)] = _places(known["label"], labels.distinct)
    return Ballots(answers, tasks.distinct, experts.distinct, labels.distinct, appearance, gold_codes)


def refuse_repeats(answers: Layout, tasks: pl.Series, experts: pl.Series, table: pl.DataFrame) -> None:
    """Raise `InvalidFrame` when an expert stands on a task more than once."""
    task, expert = answers.repeated
    if task >= 0:
        raise answered_twice(tasks[task], experts[expert], table)


def _labels(table: pl.DataFrame, known: pl.DataFrame | None) -> Coded:
    """Return the labels coded in ascending order; gold may know labels that nobody gave."""
    import polars as pl

    if known is None:
        return coded(table["label"]).ascending()
    whole = coded(pl.concat([table["label"], known["label"]])).ascending()
    return Coded(whole.codes[: len(table)], whole.distinct)


def _gold(gold: Frame, table: pl.DataFrame) -> pl.DataFrame:
    whole = to_polars(gold)
    require_columns(whole, ("task", "label"))
    known = whole.select("task", "label").drop_nulls()
    for column in ("task", "label"):
        if known[column].dtype != table[column].dtype and len(known):
            raise InvalidFrame(
                f"Gold and answers must have one type in column {column!r}, gold has {known[column].dtype} and the "
                f"answers have {table[column].dtype}: cast one."
            )
    if known["task"].is_duplicated().any():
        task = known.filter(known["task"].is_duplicated())["task"][0]
        raise InvalidFrame(f"Gold names each task once, task {task!r} stands more than once: keep one row.")
    strange = known.join(table, on="task", how="anti") if len(known) else known
    if len(strange):
        raise InvalidFrame(
            f"Gold holds {len(strange)} tasks that nobody was asked, the first is {strange['task'][0]!r}: remove them."
        )
    return known


def _places(values: pl.Series, distinct: pl.Series) -> Codes:
    """Return where each value stands among distinct ones."""
    import polars as pl

    place = pl.DataFrame(
        {"value": distinct, "place": pl.int_range(len(distinct), dtype=pl.Int32, eager=True)}
    )
    found = values.alias("value").to_frame().join(place, on="value", how="left", maintain_order="left")
    return found["place"].to_numpy()
