"""Free-text answers, task by task, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.contradiction import Claims
from consilience.equivalence import Comparison, Equivalence
from consilience.errors import InvalidFrame
from consilience.frames import Frame, long_frame, to_polars
from consilience.models import canonical

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Answers", "TaskAnswers", "read_answers"]


@dataclass(frozen=True, slots=True)
class TaskAnswers:
    """The answers to one task.

    Parameters
    ----------
    task
        Its name.
    rows
        The different texts, as rows of `Answers.texts`, ascending.
    experts
        Who gave each, sorted.
    asked
        How many experts were asked.
    """

    task: object
    rows: tuple[int, ...]
    experts: tuple[tuple[object, ...], ...]
    asked: int

    @property
    def answered(self) -> int:
        """How many experts answered."""
        return sum(map(len, self.experts))


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """All answers; texts that are the same words are one row.

    Parameters
    ----------
    texts
        The different texts, sorted by their words: case, white space and closing punctuation do not tell them apart.
    tasks
        In order of first appearance.
    dtype
        The type of the column ``task``.
    """

    texts: Sequence[str]
    tasks: Sequence[TaskAnswers]
    task_column: pl.Series
    expert_type: pl.DataType

    def compared(self, equivalence: Equivalence) -> tuple[Claims, Comparison]:
        """Return what the guard and the equivalence read from the texts."""
        claims = Claims(self.texts)
        return claims, equivalence.over(claims)


def read_answers(frame: Frame) -> Answers:
    """Return the answers of a long frame with ``task``, ``expert`` and ``text`` (or ``label``).

    Raises
    ------
    InvalidFrame
        A column is missing or holds no text, a text has no words, or an expert answered a task twice.
    """
    import polars as pl

    whole = to_polars(frame)
    column = "label" if "text" not in whole.columns and "label" in whole.columns else "text"
    table = long_frame(whole, value=column)
    if table[column].dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        raise InvalidFrame(f"Column {column!r} must hold text, it holds {table[column].dtype}: cast it.")
    words = [None if text is None else canonical(text) for text in table[column].cast(pl.String)]
    if "" in words:
        row = words.index("")
        raise InvalidFrame(
            f"Column {column!r} must hold texts with words, row {row} is {table[column][row]!r:.60}: make it null."
        )
    table = table.with_columns(
        pl.Series("words", words, pl.String), pl.col(column).cast(pl.String).alias("text")
    )
    return _answers(table.select("task", "expert", "text", "words"))


def _answers(table: pl.DataFrame) -> Answers:
    import polars as pl

    said = table.drop_nulls("words")
    # of texts with the same words the first by its characters speaks for all
    texts = said.group_by("words").agg(pl.col("text").min()).sort("words").with_row_index("row")
    said = said.join(texts.select("words", "row"), on="words", how="left").sort("task", "row", "expert")
    held: dict[object, dict[int, list[object]]] = {}
    for task, row, expert in said.select("task", "row", "expert").iter_rows():
        held.setdefault(task, {}).setdefault(row, []).append(expert)
    asked = table.group_by("task", maintain_order=True).len()
    tasks = []
    for task, n in asked.iter_rows():
        rows = held.get(task, {})
        tasks.append(TaskAnswers(task, tuple(rows), tuple(map(tuple, rows.values())), n))
    return Answers(texts["text"].to_list(), tasks, asked["task"], table["expert"].dtype)
