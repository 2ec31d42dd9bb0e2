"""Answers from wherever they are kept, as the long frame that experts are compared on, with the words of each task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from consilience.errors import InvalidFrame
from consilience.frames import Frame, long_frame, require_columns, to_polars

if TYPE_CHECKING:
    import polars as pl

_WORDS = ("text", "question", "prompt")


class _SourceRows(Protocol):
    columns: list[str]

    def of(self, keys: list[Any]) -> pl.DataFrame:
        """Return the rows of some keys."""


@runtime_checkable
class RunAnswers(Protocol):
    """What a run gave: its answers, its key, and the rows they are about."""

    answers: pl.DataFrame
    key: str
    rows: _SourceRows


@dataclass(frozen=True, slots=True, eq=False)
class ComparedAnswers:
    """Answers of several experts to the same tasks.

    Parameters
    ----------
    frame
        ``task``, ``expert`` (text), and ``label`` or ``score``.
    text_of
        The words of a task; empty where they are not known.
    """

    frame: pl.DataFrame
    text_of: Callable[[object], str] = field(repr=False)

    @property
    def value(self) -> str:
        """The column that holds the answers: ``label`` or ``score``."""
        return self.frame.columns[2]

    def of(self, task: object) -> pl.DataFrame:
        """Return what every expert said on a task: ``expert``, ``answer``."""
        import polars as pl

        said = self.frame.filter(pl.col("task") == pl.lit(task))
        return said.select("expert", pl.col(self.value).alias("answer")).sort("expert")


def compared_answers(source: RunAnswers | Frame) -> ComparedAnswers:
    """Return the answers of a run, of the store's questions, or of a long frame.

    Parameters
    ----------
    source
        A result of a run; a frame of `Store.latest` or `Store.search`, whose questions are the tasks; or a long frame
        with ``task``, ``expert``, and ``label`` or ``score``, and perhaps ``text``.

    Raises
    ------
    InvalidFrame
        It is none of these, a column is missing, an expert answered a task twice, or the store's questions are of
        several kinds.

    Examples
    --------
    >>> found = compared_answers(
    ...     {"task": [1, 1], "expert": ["a", "b"], "label": ["x", "y"], "text": ["Which?"] * 2}
    ... )
    >>> found.text_of(1), found.of(1).rows()
    ('Which?', [('a', 'x'), ('b', 'y')])
    """
    if isinstance(source, RunAnswers):
        rows = source.rows
        return ComparedAnswers(_long(source.answers), lambda task: _source_text(rows, task))
    whole = to_polars(source)
    if "responses" in whole.columns and "question_id" in whole.columns:
        whole = _from_store(whole)
    words = next((name for name in _WORDS if name in whole.columns), None)
    if words is None:
        return ComparedAnswers(_long(whole), lambda _: "")
    table = _long(whole)
    texts = whole.select("task", words).unique("task", keep="first")
    return ComparedAnswers(table, lambda task: _text(texts, task))


def _long(whole: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    label = "label" in whole.columns or "score" not in whole.columns
    table = long_frame(whole, value="label" if label else "score")
    # floats are measured: as labels each would be a class of its own
    if label and table["label"].dtype.is_float():
        table = table.rename({"label": "score"})
    return table.with_columns(pl.col("expert").cast(pl.String))


def _text(texts: pl.DataFrame, task: object) -> str:
    import polars as pl

    found = texts.filter(pl.col("task") == pl.lit(task))
    return "" if found.is_empty() or found.row(0)[1] is None else str(found.row(0)[1])


def _source_text(rows: _SourceRows, task: object) -> str:
    found = rows.of([task]).select(rows.columns[1:])
    if found.is_empty():
        return ""
    values = found.row(0, named=True)
    if len(values) == 1:
        return str(next(iter(values.values())))
    return "\n".join(f"{name}: {value}" for name, value in values.items())


def _from_store(whole: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    require_columns(whole, ("question_id", "question", "answer_kind", "responses"))
    kinds = whole["answer_kind"].unique().sort().to_list()
    if len(kinds) > 1:
        raise InvalidFrame(
            f"Answers of one kind are compared, those of the kinds {', '.join(map(str, kinds))} came: choose one with "
            "store.search('', kind='label')."
        )
    table = (
        whole.select(pl.col("question_id").alias("task"), pl.col("question").alias("text"), "responses")
        .explode("responses")
        .unnest("responses")
        .filter(pl.col("expert").is_not_null())
        .rename({"answer": "label"})
    )
    if kinds == ["score"]:
        return table.with_columns(pl.col("label").cast(pl.Float64))
    return table
