"""A frame of rankings as arrays, ballot by ballot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.aggregate.numeric.scores import numeric
from consilience.errors import InvalidFrame
from consilience.frames import Frame, answered_twice, coded, require_columns, to_polars

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class Rankings:
    """Rankings that were given. A *slot* is one item of one task, a *ballot* one expert's ranking of one task.

    Parameters
    ----------
    slot, ballot, place
        For each ranked item, sorted by ballot and place: its slot, its ballot, and its place from 0, equal for ties.
    start
        The ranked items of ballot ``b`` are those from ``start[b]`` to ``start[b + 1]``.
    task_of
        The task of each ballot; ballots are sorted by it.
    first
        The slots of task ``t`` are those from ``first[t]`` to ``first[t + 1]``, in ascending order of the items.
    tasks, items
        The names of the tasks, in order of first appearance, and of the items, slot by slot.
    asked
        Experts asked, for each task.
    """

    slot: Places
    ballot: Places
    place: Places
    start: Places
    task_of: Places
    first: Places
    tasks: pl.Series
    items: pl.Series
    asked: Places

    @property
    def n_items(self) -> Places:
        """Items of each task."""
        import numpy as np

        return np.diff(self.first)

    @property
    def answered(self) -> Places:
        """Ballots of each task."""
        import numpy as np

        return np.bincount(self.task_of, minlength=len(self.tasks))

    @property
    def lengths(self) -> Places:
        """Ranked items of each ballot."""
        import numpy as np

        return np.diff(self.start)

    @property
    def task_of_slot(self) -> Places:
        """The task of each slot."""
        import numpy as np

        return np.repeat(np.arange(len(self.tasks)), self.n_items)

    def per_slot(self, values: Array) -> Array:
        """Return the sum over ballots of one number a ranked item."""
        import numpy as np

        return np.bincount(self.slot, values, minlength=len(self.items)).astype(np.float64, copy=False)

    def mean_places(self) -> Array:
        """Return the place of each ranked item, counted from 1, where ties share the mean of their places."""
        import numpy as np

        row = np.arange(self.place.size)
        new = np.ones(row.size, dtype=np.bool_)
        new[1:] = (self.place[1:] != self.place[:-1]) | (self.ballot[1:] != self.ballot[:-1])
        group = np.cumsum(new) - 1
        size = np.bincount(group) if row.size else np.zeros(0, dtype=np.int64)
        means: Array = (row[new] - self.start[self.ballot[new]] + (size + 1) / 2)[group]
        return means


def read_rankings(frame: Frame) -> Rankings:
    """Return a frame of rankings as arrays.

    Parameters
    ----------
    frame
        Either a row a ranking with ``task``, ``expert``, ``ranking``: a list with the best first, in which a list
        stands for items that are tied if the others are lists too (``[["a"], ["b", "c"]]``); a null or empty one is
        an expert who was asked and gave no answer. Or a row an item with ``task``, ``expert``, ``item``, ``rank``: 1
        is best, equal ranks are ties, a null rank is an item that the expert saw and did not rank.

    Raises
    ------
    InvalidFrame
        A column is missing or holds something else, an expert ranked a task twice, or an item twice in one ranking.

    Examples
    --------
    >>> found = read_rankings({"task": [1, 1], "expert": ["a", "b"], "ranking": [["x", "y"], None]})
    >>> found.items.to_list(), found.place.tolist(), found.asked.tolist()
    (['x', 'y'], [0, 1], [2])
    """
    import polars as pl

    whole = to_polars(frame)
    as_lists = "ranking" in whole.columns
    if as_lists:
        require_columns(whole, ("task", "expert", "ranking"))
        table = whole.select("task", "expert", "ranking")
    elif {"item", "rank"} <= set(whole.columns):
        require_columns(whole, ("task", "expert", "item", "rank"))
        table = whole.select("task", "expert", "item", "rank")
    else:
        raise InvalidFrame(
            "The columns task, expert, ranking (a list) are required, or task, expert, item, rank; "
            f"{', '.join(whole.columns) or 'a frame without columns'} came: rename with frame.rename({{...}})."
        )
    for column in ("task", "expert"):
        if table[column].null_count():
            row = table[column].is_null().arg_max()
            raise InvalidFrame(f"Column {column!r} must be filled, row {row} is null: drop or name it.")
    table = table.with_row_index("row")
    long = _from_lists(table) if as_lists else _from_ranks(table)
    if long["item"].dtype == pl.Null:
        long = long.with_columns(pl.col("item").cast(pl.String))
    return _arrays(long, "ranking" if as_lists else "item")


def _from_lists(table: pl.DataFrame) -> pl.DataFrame:
    """Return a row an item, with its place; a row without item for an expert without answer."""
    import polars as pl

    twice = table.select(pl.struct("task", "expert").is_duplicated()).to_series()
    if twice.any():
        task, expert = table.filter(twice).select("task", "expert").row(0)
        raise answered_twice(task, expert, table)
    dtype = table["ranking"].dtype
    if isinstance(dtype, pl.Array):
        table = table.with_columns(pl.col("ranking").arr.to_list())
        dtype = table["ranking"].dtype
    if dtype != pl.Null and not isinstance(dtype, pl.List):
        raise InvalidFrame(
            f"Column 'ranking' must hold lists with the best item first, it holds {dtype}: split it, or give a row an "
            "item with the columns item and rank."
        )
    if dtype == pl.Null:
        return table.select(
            "task", "expert", pl.col("ranking").alias("item"), pl.lit(None, pl.Float64).alias("rank"), "row"
        )
    # empty lists are set aside: whether they explode to a null row or to none differs between versions of Polars
    said = pl.col("ranking").list.len().fill_null(0) > 0
    silent = table.filter(~said)
    ranks = pl.int_ranges(pl.col("ranking").list.len()).cast(pl.List(pl.Float64))
    flat = table.filter(said).with_columns(rank=ranks).explode("ranking", "rank")
    if isinstance(flat["ranking"].dtype, (pl.List, pl.Array)):
        # a list of lists: each inner one is a tie
        _refuse_hole(flat.filter(pl.col("ranking").list.len().fill_null(0) == 0), "ranking")
        flat = flat.explode("ranking")
    _refuse_hole(flat.filter(pl.col("ranking").is_null()), "ranking")
    nothing = silent.select(
        "row",
        "task",
        "expert",
        pl.lit(None, flat["ranking"].dtype).alias("ranking"),
        pl.lit(None, pl.Float64).alias("rank"),
    )
    return pl.concat([flat, nothing]).select("task", "expert", pl.col("ranking").alias("item"), "rank", "row")


def _from_ranks(table: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    long = table.with_columns(numeric(table["rank"], "rank"))
    odd = (~long["rank"].is_finite()).fill_null(value=False)
    if odd.any():
        row = odd.arg_max() or 0
        raise InvalidFrame(
            f"Ranks must be finite, row {row} of column 'rank' holds {long['rank'][row]}: make it null."
        )
    _refuse_hole(long.filter(pl.col("rank").is_not_null() & pl.col("item").is_null()), "item")
    return long.select("task", "expert", "item", "rank", "row")


def _refuse_hole(holes: pl.DataFrame, column: str) -> None:
    if len(holes):
        row, task, expert = holes.select("row", "task", "expert").row(0)
        raise InvalidFrame(
            f"A ranked item must be named, {expert!r} ranks a null on task {task!r} (row {row} of column {column!r}): "
            "drop or name it."
        )


def _arrays(long: pl.DataFrame, column: str) -> Rankings:
    import numpy as np
    import polars as pl

    tasks, experts, items = (
        coded(long["task"]),
        coded(long["expert"]).ascending(),
        coded(long["item"]).ascending(),
    )
    n_tasks, n_items, n_experts = (
        len(tasks.distinct),
        max(len(items.distinct), 1),
        max(len(experts.distinct), 1),
    )
    seen = items.codes >= 0
    slots, slot = np.unique(tasks.codes[seen] * np.int64(n_items) + items.codes[seen], return_inverse=True)
    n_slots = max(slots.size, 1)
    cell = tasks.codes * np.int64(n_experts) + experts.codes
    asked = np.bincount(np.unique(cell) // n_experts, minlength=n_tasks)
    ballots, ballot = np.unique(cell[seen], return_inverse=True)
    _refuse_item_twice(ballot * np.int64(n_slots) + slot, long.filter(pl.Series(seen)), column)
    rank = long["rank"].to_numpy()[seen]
    given = ~np.isnan(rank)
    order = np.lexsort((slot[given], rank[given], ballot[given]))
    slot, ballot, rank = slot[given][order], ballot[given][order], rank[given][order]
    used, ballot = np.unique(ballot, return_inverse=True)
    task_of = ballots[used] // n_experts
    start = np.concatenate([[0], np.cumsum(np.bincount(ballot, minlength=used.size))])
    first = np.searchsorted(slots, np.arange(n_tasks + 1) * n_items)
    names = items.distinct.gather(slots % n_items)
    return Rankings(
        slot, ballot, _dense(rank, ballot, start), start, task_of, first, tasks.distinct, names, asked
    )


def _refuse_item_twice(key: Places, named: pl.DataFrame, column: str) -> None:
    import numpy as np

    rows = key.argsort(kind="stable")
    twice = np.flatnonzero(key[rows[1:]] == key[rows[:-1]])
    if twice.size:
        task, expert, item, _, row = named.row(int(rows[twice[0] + 1]))
        raise InvalidFrame(
            f"An item stands in a ranking once, {expert!r} has {item!r} twice on task {task!r} "
            f"(row {row} of column {column!r}): keep one of them."
        )


def _dense(rank: Array, ballot: Places, start: Places) -> Places:
    """Return places from 0 without gaps within each ballot; rows are sorted by ballot and rank."""
    import numpy as np

    step = np.zeros(rank.size, dtype=np.int64)
    step[1:] = (rank[1:] != rank[:-1]) & (ballot[1:] == ballot[:-1])
    total = np.cumsum(step)
    place: Places = total - total[start[:-1]][ballot] if rank.size else total
    return place
