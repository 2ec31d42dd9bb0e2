"""Answers beside gold, as arrays of tasks times members."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidFrame, InvalidInput
from consilience.frames import Frame, coded, long_frame, require_columns, to_polars

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from consilience.verdict import Verdict

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Codes = np.ndarray[Any, np.dtype[np.int32]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

OPTIONAL = ("confidence", "cost_usd")


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Answers to the tasks that gold knows, as arrays of shape ``(n_tasks, n_members)``.

    Parameters
    ----------
    members, tasks, labels
        The names behind the columns, the rows and the codes, each ascending.
    label
        Code of the label that was given, -1 where none was.
    asked
        Whether the frame has a row for the member on the task.
    gold
        Code of the right label of each task.
    confidence, cost
        As in the frame, nan where it says nothing; None without the column.
    """

    members: list[str]
    tasks: pl.Series
    labels: pl.Series
    label: Codes
    asked: Flags
    gold: Codes
    confidence: Array | None
    cost: Array | None

    @property
    def answered(self) -> Flags:
        """Where a label was given."""
        given: Flags = self.label >= 0
        return given

    @property
    def right(self) -> Flags:
        """Where the label is the right one."""
        same: Flags = self.label == self.gold[:, None]
        return same


def read_answers(frame: Frame) -> pl.DataFrame:
    """Return ``task``, ``expert``, ``label`` and, where they are there, ``confidence``, ``cost_usd``, ``provider``.

    Raises
    ------
    InvalidFrame
        A column is missing, an expert answered a task twice, a confidence lies outside 0 to 1, or a cost is no number
        of 0 or more.
    """
    import polars as pl

    whole = to_polars(frame)
    table = long_frame(whole)
    extra = [_numbers(whole, name) for name in OPTIONAL if name in whole.columns]
    extra += [whole["provider"].cast(pl.String)] if "provider" in whole.columns else []
    labels = table["label"]
    if labels.dtype == pl.Object or labels.dtype.is_nested():
        raise InvalidFrame(
            f"Column 'label' must hold values of one type, text or numbers; it holds {labels.dtype}: cast it."
        )
    return table.with_columns(pl.col("expert").cast(pl.String), *extra)


def _numbers(whole: pl.DataFrame, name: str) -> pl.Series:
    """Return a column of confidences or costs as Float64, nan as null."""
    import polars as pl

    column = whole[name]
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise InvalidFrame(f"Column {name!r} must hold numbers, it holds {column.dtype}: cast it.")
    values = column.cast(pl.Float64).fill_nan(None)
    high = 1.0 if name == "confidence" else float("inf")
    odd = ((values < 0) | (values > high) | values.is_infinite()).fill_null(value=False)
    if odd.any():
        row = odd.arg_max() or 0
        bounds, remedy = (
            ("from 0 to 1", "divide percentages by 100, or make it null")
            if name == "confidence"
            else ("0 or more and finite", "make it null where the price is unknown")
        )
        raise InvalidFrame(
            f"Column {name!r} must be {bounds}, row {row} holds {values[row]:g} "
            f"({whole['expert'][row]!r} on task {whole['task'][row]!r}): {remedy}."
        )
    return values


def read_gold(gold: Frame, table: pl.DataFrame) -> pl.DataFrame:
    """Return ``task`` and ``label`` of the tasks whose answer is known.

    Raises
    ------
    InvalidFrame
        A column is missing, the types differ from those of the answers, a task stands twice or was not asked, or no
        task has gold.
    """
    import polars as pl

    whole = to_polars(gold)
    require_columns(whole, ("task", "label"))
    known = whole.select("task", "label").with_row_index("row").drop_nulls()
    if known.is_empty():
        raise InvalidFrame("Gold must know the answer to at least one task, it knows none.")
    for column in ("task", "label"):
        if table[column].dtype not in (known[column].dtype, pl.Null):
            raise InvalidFrame(
                f"Gold and answers must be of one type in column {column!r}, gold has {known[column].dtype} and the "
                f"answers have {table[column].dtype}: cast one."
            )
    _refuse_twice(known)
    strange = known.join(table, on="task", how="anti", maintain_order="left")
    if len(strange):
        row, task, _ = strange.row(0)
        raise InvalidFrame(
            f"Gold holds {len(strange)} of {len(known)} tasks that nobody was asked, the first is {task!r} in row "
            f"{row} of column 'task': remove them."
        )
    return known.drop("row")


def _refuse_twice(known: pl.DataFrame) -> None:
    twice = known.filter(known["task"].is_duplicated())
    if len(twice):
        task = twice["task"][0]
        first, second = twice.filter(twice["task"] == task)["row"].head(2)
        raise InvalidFrame(
            f"Gold names each task once, task {task!r} stands more than once (rows {first} and {second} of column "
            "'task'): keep one row."
        )


def mark(table: pl.DataFrame, known: pl.DataFrame) -> Marks:
    """Return the answers to known tasks as arrays."""
    import numpy as np
    import polars as pl

    rows = table.join(known.rename({"label": "gold"}), on="task", how="inner")
    tasks, members = coded(rows["task"]).ascending(), coded(table["expert"]).ascending()
    expert = coded(pl.concat([members.distinct, rows["expert"]])).codes[len(members.distinct) :]
    every = coded(pl.concat([rows["label"].cast(known["label"].dtype), rows["gold"]])).ascending()
    shape = len(tasks.distinct), len(members.distinct)
    label = np.full(shape, -1, dtype=np.int32)
    label[tasks.codes, expert] = every.codes[: len(rows)]
    asked = np.zeros(shape, dtype=np.bool_)
    asked[tasks.codes, expert] = True
    gold = np.empty(shape[0], dtype=np.int32)
    gold[tasks.codes] = every.codes[len(rows) :]

    def spread(name: str) -> Array | None:
        if name not in rows.columns:
            return None
        values = np.full(shape, np.nan)
        values[tasks.codes, expert] = rows[name].to_numpy()
        return values

    names = members.distinct.to_list()
    numbers = spread("confidence"), spread("cost_usd")
    return Marks(names, tasks.distinct, every.distinct, label, asked, gold, *numbers)


def answers_frame(verdicts: Iterable[Verdict], tasks: Iterable[object] | None = None) -> pl.DataFrame:
    """Return verdicts on labels as the long frame that the statistics take.

    Parameters
    ----------
    verdicts
        Verdicts of one circle.
    tasks
        An id for each verdict, to join gold on; the question's id by default.

    Returns
    -------
    polars.DataFrame
        ``task``, ``expert``, ``label`` (null for an expert who gave no answer), ``confidence`` and ``cost_usd`` (null
        where unknown): a row a response.

    Raises
    ------
    InvalidInput
        The ids are not as many as the verdicts, or a verdict is on recommendations.
    """
    import polars as pl

    kept = list(verdicts)
    ids = [verdict.question.id for verdict in kept] if tasks is None else list(tasks)
    if len(ids) != len(kept):
        raise InvalidInput(
            f"One task id for each verdict is required, {len(ids)} for {len(kept)} verdicts came."
        )
    rows = [
        (task, r.expert, r.answer, r.confidence, r.usage.cost_usd)
        for task, verdict in zip(ids, kept, strict=True)
        for r in verdict.responses
    ]
    odd = next((row[2] for row in rows if isinstance(row[2], tuple)), None)
    if odd is not None:
        raise InvalidInput(f"Labels or texts are required, a list of recommendations came: {odd!r}.")
    return pl.DataFrame(
        rows,
        schema=["task", "expert", "label", *OPTIONAL],
        schema_overrides=dict.fromkeys(OPTIONAL, pl.Float64),
        orient="row",
        infer_schema_length=None,
    )
