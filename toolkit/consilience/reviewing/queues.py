"""From what a person is to review to tasks, least certain first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from consilience.errors import InvalidInput
from consilience.experts.human import Desk, Human
from consilience.frames import Frame, require_columns, to_polars
from consilience.models import AnswerKind, Question
from consilience.reviewing.places import AtDesk, InMemory, InResult, InStore
from consilience.reviewing.tasks import Place, Standing, Task
from consilience.runs import Run, RunResult
from consilience.runs.template import Template
from consilience.store import Store

if TYPE_CHECKING:
    import polars as pl

Reviewed: TypeAlias = "Run | RunResult | Store | Human | Desk | Frame"
ROW, QUESTION_ID = "row", "question_id"


@dataclass(frozen=True, slots=True)
class Queue:
    """What a person goes through.

    Parameters
    ----------
    tasks
        In the order of the review.
    place
        Where answers go.
    key
        What the keys of the tasks are called.
    dtype
        Of the keys.
    result
        Of the run that is reviewed; ``None`` for other queues.
    more
        Looks for questions that came since, and blocks; ``None`` where none can come.
    """

    tasks: tuple[Task, ...]
    place: Place
    key: str
    dtype: pl.DataType
    result: RunResult | None = None
    more: Callable[[], Sequence[Task]] | None = None


def queued(
    what: Reviewed,
    person: str,
    *,
    question: str = "question",
    answer: AnswerKind | None = None,
    key: str | None = None,
    store: Store | None = None,
    n: int = 50,
) -> Queue:
    """Return what a person is to review.

    Parameters
    ----------
    what
        A run or its result, of which the least certain rows come first; a store, a person or a desk, of which the open
        questions come, the oldest first; or a frame, whose rows come as they stand.
    person
        Who reviews.
    question
        For a frame: the column that holds the question, or a prompt with columns in braces.
    answer
        For a frame: the kind of answer.
    key
        For a frame: the column that tells rows apart; rows are numbered by default.
    store
        Where answers are recorded; by default that of the run.
    n
        Questions at most; all rows of a frame.

    Raises
    ------
    InvalidInput
        A part is missing or does not fit.
    """
    if n < 1:
        raise InvalidInput(f"A review takes a number of questions from 1 up, n={n} came.")
    if isinstance(what, (Run, RunResult)):
        return _of_result(what.result if isinstance(what, Run) else what, store, n)
    if isinstance(what, (Store, Human, Desk)):
        return _of_desk(what, person, store, n)
    return _of_frame(to_polars(what), question, answer, key, store)


def _of_result(result: RunResult, store: Store | None, n: int) -> Queue:
    first = result.review_queue(n)
    keys = first[result.key].to_list()
    tasks = tuple(Task(k, q) for k, q in zip(keys, result.questions(keys), strict=True))
    kept = store or result.store
    place = InResult(result) if kept is None else InStore(kept, [task.question for task in tasks])
    return Queue(tasks, place, result.key, first.schema[result.key], result)


def _of_desk(what: Store | Human | Desk, person: str, store: Store | None, n: int) -> Queue:
    import polars as pl

    if isinstance(what, Store):
        desk, store = Desk(person, store=what), what
    else:
        desk = what if isinstance(what, Desk) else Desk(what, store=store)
    place = AtDesk(desk, store)

    def waiting() -> tuple[Task, ...]:
        found = desk.open(n)
        for pending in found:
            if not pending.late:
                place.waits(pending.id)
        return tuple(Task(pending.id, pending.question) for pending in found)

    return Queue(waiting(), place, QUESTION_ID, pl.String(), more=waiting)


def _of_frame(
    frame: pl.DataFrame, question: str, answer: AnswerKind | None, key: str | None, store: Store | None
) -> Queue:
    if answer is None:
        raise InvalidInput(
            "A frame is reviewed with a kind of answer, none came: give answer=, such as cs.Label('yes', 'no')."
        )
    template = Template(question if "{" in question else f"{{{question}}}")
    require_columns(frame, tuple(dict.fromkeys((*template.columns, *([] if key is None else [key])))))
    if key is None:
        frame, key = frame.drop(ROW, strict=False).with_row_index(ROW), ROW
    twice = frame[key].is_duplicated()
    if twice.any():
        raise InvalidInput(
            f"Column {key!r} tells rows apart, {frame[key][int(twice.arg_max() or 0)]!r} stands there twice: take "
            "another column, or key=None."
        )
    rows = frame.to_dicts()
    tasks = tuple(Task(row[key], _question(template, row, answer)) for row in rows)
    said = {row[key]: found for row in rows if (found := _said(row)) is not None}
    place = InMemory(said) if store is None else InStore(store, [task.question for task in tasks])
    return Queue(tasks, place, key, frame.schema[key])


def _question(template: Template, row: Mapping[str, Any], answer: AnswerKind) -> Question:
    return Question(template.fill(row), answer)


def _said(row: Mapping[str, Any]) -> Standing | None:
    """Return what a row of `RunResult.review_queue` says of the circle's answer."""
    if "answer" not in row or "decision" not in row:
        return None
    headline = row["decision"] if row["answer"] is None else row["answer"]
    support = row.get("support")
    return Standing(str(headline), "" if support is None else f"{support:.2f} of the asked")


def keys_of(tasks: Sequence[Task], dtype: pl.DataType, numbers: Sequence[int]) -> pl.Series:
    """Return the keys of some tasks as a column."""
    import polars as pl

    return pl.Series([tasks[number].key for number in numbers], dtype=dtype)
