"""A frame of answers as codes, before anything is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidFrame, InvalidInput
from consilience.frames import Frame, answer_columns, answered_twice, coded

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Codes = np.ndarray[Any, np.dtype[np.int32]]
    Places = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Answers that were given, sorted by task and by expert.

    Parameters
    ----------
    task, expert, label
        For each answer its codes; tasks without an answer have codes too.
    experts, labels
        The names behind the codes, ascending; labels that nobody gave are among them where a scale was given.
    answered
        Answers of each task.
    """

    task: Places
    expert: Codes
    label: Codes
    experts: pl.Series
    labels: pl.Series
    answered: Places

    @property
    def compared(self) -> int:
        """Tasks with two or more answers."""
        return int((self.answered > 1).sum())

    @property
    def alone(self) -> int:
        """Tasks with one answer."""
        return int((self.answered == 1).sum())

    @property
    def n_comparing(self) -> int:
        """Experts who answered a task with two or more answers."""
        import numpy as np

        return int(np.unique(self.expert[(self.answered > 1)[self.task]]).size)

    def only(self, tasks: np.ndarray[Any, np.dtype[np.bool_]]) -> Ratings:
        """Return the answers to some tasks."""
        import numpy as np

        on = tasks[self.task]
        return replace(
            self,
            task=self.task[on],
            expert=self.expert[on],
            label=self.label[on],
            answered=np.where(tasks, self.answered, 0),
        )


def read_ratings(table: pl.DataFrame, labels: Sequence[Any] | None = None) -> Ratings:
    """Return checked columns ``task``, ``expert`` and ``label`` as codes.

    Parameters
    ----------
    table
        As `answer_columns` gives it.
    labels
        The whole scale, or None for the labels that came.

    Raises
    ------
    InvalidFrame
        An expert answered a task twice, or a label is not on the scale.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"task": [1, 1], "expert": ["b", "a"], "label": ["y", None]})
    >>> found = read_ratings(table, ["x", "y"])
    >>> found.label.tolist(), found.answered.tolist(), found.experts.to_list()
    ([1], [1], ['a', 'b'])
    """
    import numpy as np

    from consilience import kernels

    tasks, experts = coded(table["task"]), coded(table["expert"]).ascending()
    given = coded(table["label"]).ascending()
    scale, codes = (given.distinct, given.codes) if labels is None else _on_scale(table, labels)
    sizes = len(tasks.distinct), len(experts.distinct), len(scale)
    answers = kernels.layout(tasks.codes, experts.codes, codes, *sizes)
    task, expert = answers.repeated
    if task >= 0:
        raise answered_twice(tasks.distinct[task], experts.distinct[expert], table)
    return Ratings(
        task=np.repeat(np.arange(sizes[0]), answers.answered),
        expert=answers.expert,
        label=answers.label,
        experts=experts.distinct,
        labels=scale,
        answered=answers.answered,
    )


def _on_scale(table: pl.DataFrame, labels: Sequence[Any]) -> tuple[pl.Series, Codes]:
    import polars as pl

    dtype = table["label"].dtype
    try:
        scale = pl.Series("label", list(labels), dtype=None if dtype == pl.Null else dtype, strict=False)
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise InvalidInput(f"labels must be of the type of column 'label', {dtype}: {error}") from error
    if len(scale) < 2 or scale.null_count() or scale.is_duplicated().any():
        raise InvalidInput(
            f"labels names each label of the scale once, two or more of type {dtype}, {list(labels)!r} came."
        )
    place = pl.DataFrame({"label": scale, "place": pl.int_range(len(scale), dtype=pl.Int32, eager=True)})
    placed = table.select("label").join(place, on="label", how="left", maintain_order="left")["place"]
    strange = placed.is_null() & table["label"].is_not_null()
    if strange.any():
        row = int(strange.to_numpy().argmax())
        raise InvalidFrame(
            f"Labels must be on the scale {scale.to_list()!r}, row {row} of column 'label' holds "
            f"{table['label'][row]!r}: add it to labels, or make it null."
        )
    return scale, placed.fill_null(-1).to_numpy()


def read_labels(frame: Frame, labels: Sequence[Any] | None = None) -> Ratings:
    """Return a long frame with ``task``, ``expert``, ``label`` as codes; errors as in `read_ratings`."""
    return read_ratings(answer_columns(frame), labels)


def pick_two(ratings: Ratings, experts: tuple[Any, Any] | None, method: str, instead: str) -> Ratings:
    """Return the answers of two experts to the tasks that both answered; the first is expert 0.

    Raises
    ------
    InvalidInput
        They are not named where the frame holds more than two, or are not in it.
    """
    import numpy as np

    names = ratings.experts.to_list()
    if experts is None:
        if len(names) != 2:
            shown = ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")
            raise InvalidInput(
                f"{method} compares two experts, {len(names)} came ({shown}): name two with experts=(...), "
                f"or use {instead}."
            )
        experts = (names[0], names[1])
    if len({*experts} & {*names}) != 2:
        raise InvalidInput(f"experts names two experts of column 'expert', {experts!r} came.")
    place = np.full(len(names), -1, dtype=np.int32)
    place[[names.index(name) for name in experts]] = [0, 1]
    on = place[ratings.expert] >= 0
    task = ratings.task[on]
    answered = np.bincount(task, minlength=ratings.answered.size)
    chosen = replace(
        ratings,
        task=task,
        expert=place[ratings.expert][on],
        label=ratings.label[on],
        experts=ratings.experts.gather([names.index(name) for name in experts]),
        answered=answered,
    )
    return chosen.only(answered == 2)
