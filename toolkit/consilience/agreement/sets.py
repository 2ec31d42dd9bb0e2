"""Agreement on sets of recommendations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from consilience.agreement.coefficient import Coefficient
from consilience.agreement.distances import beyond_chance
from consilience.agreement.labellings import Labellings, labellings
from consilience.agreement.ratings import read_ratings
from consilience.agreement.resampling import Resampling, Subject
from consilience.errors import InvalidFrame, InvalidInput
from consilience.frames import Frame, answer_columns, coded

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from consilience.agreement.resampling import Statistic

    Array = np.ndarray[Any, np.dtype[np.float64]]

Distance = Literal["masi", "jaccard"]

_MOST_SETS = 4_096
_ITEMS_AT_ONCE = 4_096


def set_alpha(
    frame: Frame, distance: Distance = "masi", *, confidence: float = 0.95, draws: int = 1000, seed: int = 0
) -> Coefficient:
    """Krippendorff's alpha of sets, such as the recommendations that experts gave on each task.

    Parameters
    ----------
    frame
        Long frame with ``task``, ``expert``, ``items`` (a list; its order and repetitions do not matter). An empty
        list is an expert who found nothing to name, a null one who gave no answer. Items are the same when they are
        equal: merge differently worded ones first.
    distance
        ``jaccard``: 1 less the shared items over all items of the two sets. ``masi``: 1 less that share times 1 for
        equal sets, 2/3 where one holds the other, 1/3 where they overlap and 0 where they do not, so that a shorter
        list is forgiven more than a different one.
    confidence
        Probability that the bootstrap interval covers.
    draws
        Bootstrap draws over tasks; 1,000 keep the ends steady to about 0.01. 0 gives no interval.
    seed
        Of the bootstrap, so that a report can be printed twice.

    Returns
    -------
    Coefficient
        ``value`` is nan, with a note, when no task has two answers or when every set is the same.

    Raises
    ------
    InvalidFrame
        A column is missing or holds no lists, an item is null, or an expert answered a task twice.
    InvalidInput
        An option is out of its range, or there are more than 4,096 different sets.

    Notes
    -----
    R. Passonneau, "Measuring agreement on set-valued items (MASI) for semantic and pragmatic annotation", *LREC*
    (2006), 831-836.

    Examples
    --------
    >>> frame = {
    ...     "task": [1, 1, 2, 2],
    ...     "expert": ["a", "b"] * 2,
    ...     "items": [["shard", "index"], ["index"], ["wait"], ["wait"]],
    ... }
    >>> round(set_alpha(frame, "jaccard", draws=0).value, 4), round(set_alpha(frame, draws=0).value, 4)
    (0.6667, 0.5714)
    """
    import numpy as np

    if distance not in get_args(Distance):
        raise InvalidInput(f"distance is one of {', '.join(get_args(Distance))}, {distance!r} came.")
    how = Resampling(confidence, draws, seed)
    table, members = _read(answer_columns(frame, value="items"))
    given = read_ratings(table)
    subject = Subject(
        method=f"alpha of sets, {distance.upper() if distance == 'masi' else 'Jaccard'} distance",
        n_tasks=given.compared,
        n_experts=given.n_comparing,
        left_out=given.alone,
    )
    if not given.compared:
        return subject.undefined(how, "no task has two answers")
    paired = given.only(given.answered > 1)
    used, value = np.unique(paired.label, return_inverse=True)
    found = labellings(paired.task, value.astype(np.int32), given.answered.size, used.size)
    matrix = _distances(members.gather(given.labels.gather(used)), distance)
    return subject.estimate(_statistic(found, matrix), found.repeats, how, cells=used.size)


def _read(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Return the table with the number of its set as the label of each row, and the sets as lists of item codes."""
    import polars as pl

    dtype = table["items"].dtype
    if dtype != pl.Null and not isinstance(dtype, pl.List):
        raise InvalidFrame(f"Column 'items' must hold lists, it holds {dtype}: split it, one list an answer.")
    table = table.with_columns(pl.col("items").cast(pl.List(pl.String) if dtype == pl.Null else dtype))
    numbered = table.select("items").with_row_index("row")
    long = numbered.filter(pl.col("items").list.len() > 0).explode("items")
    if long["items"].null_count():
        row = long.filter(pl.col("items").is_null())["row"][0]
        raise InvalidFrame(f"Items must be named, row {row} of column 'items' holds a null: drop it.")
    codes = pl.Series("code", coded(long["items"]).ascending().codes, dtype=pl.Int32)
    sets = long.select("row", codes).group_by("row").agg(pl.col("code").unique().sort())
    empty = pl.lit([], pl.List(pl.Int32))
    filled = numbered.join(sets, on="row", how="left", maintain_order="left").select(
        pl.when(pl.col("items").is_null()).then(None).otherwise(pl.col("code").fill_null(empty)).alias("code")
    )
    key = filled["code"].cast(pl.List(pl.String)).list.join(",")
    distinct = coded(key).ascending()
    first = pl.DataFrame({"key": key, "code": filled["code"]}).unique("key", keep="first")
    members = pl.DataFrame({"key": distinct.distinct}).join(
        first, on="key", how="left", maintain_order="left"
    )
    label = pl.Series("label", distinct.codes, dtype=pl.Int32).replace(-1, None)
    return table.select("task", "expert", label), members["code"]


def _distances(members: pl.Series, distance: Distance) -> Array:
    """Return the distance between each two sets, given as lists of item codes."""
    import numpy as np

    n = len(members)
    if n > _MOST_SETS:
        raise InvalidInput(
            f"Each two different sets are compared, {n:,} came (at most {_MOST_SETS:,}): merge items that say the "
            "same first, or take part of the tasks."
        )
    sizes = members.list.len().to_numpy().astype(np.int64)
    item = np.unique(members.explode().drop_nulls().to_numpy(), return_inverse=True)[1]
    owner = np.repeat(np.arange(n), sizes)
    shared = np.zeros((n, n))
    for low in range(0, int(item.max(initial=-1)) + 1, _ITEMS_AT_ONCE):
        here = (item >= low) & (item < low + _ITEMS_AT_ONCE)
        holds = np.zeros((n, _ITEMS_AT_ONCE), dtype=np.float32)
        holds[owner[here], item[here] - low] = 1
        shared += holds @ holds.T
    either = sizes[:, None] + sizes[None, :] - shared
    # two empty sets are one and the same
    likeness = np.divide(shared, either, out=np.ones_like(shared), where=either > 0)
    if distance == "masi":
        held = shared == np.minimum(sizes[:, None], sizes[None, :])
        likeness *= np.select([likeness == 1, held, shared > 0], [1.0, 2 / 3, 1 / 3], 0.0)
    apart: Array = 1 - likeness
    return apart


def _statistic(found: Labellings, matrix: Array) -> Statistic:
    within = found.between_pairs(matrix)

    def alpha(weights: Array) -> Array:
        totals = found.totals(weights)
        return beyond_chance(found, weights, within, ((totals @ matrix) * totals).sum(axis=1))

    return alpha
