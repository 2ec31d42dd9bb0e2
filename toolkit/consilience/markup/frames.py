"""Any frame as a table: numbers at the right with their units, times as people say them, experts with their colour."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from consilience.markup.displayed import Displayed
from consilience.markup.html import Html, escape, page
from consilience.markup.pieces import expert_mark
from consilience.markup.sorting import Column, sortable
from consilience.markup.times import moment

if TYPE_CHECKING:
    import polars as pl

ROWS = 100
_CELL = 300
_UNITS = {"usd": "USD", "s": "s", "ms": "ms", "bytes": "bytes", "mib": "MiB"}
_EXPERTS = frozenset({"expert", "who", "first", "second"})
_DASH = Html("<span class=cs-m>\u2013</span>")


def frame_table(frame: pl.DataFrame, rows: int = ROWS, now: datetime | None = None) -> Html:
    """Return a frame as a table that sorts and filters where it has more than a few rows.

    Parameters
    ----------
    frame
        What is shown; every text in it is escaped.
    rows
        Rows at most; how many more there are is said below.
    now
        What times are relative to; the clock by default.
    """
    if not frame.width:
        return _sentence("There are no columns.")
    if frame.is_empty():
        return _sentence(f"There are no rows yet. Columns: {', '.join(frame.columns)}.")
    head = frame.head(rows)
    shown = sortable([_column(head[name], now) for name in head.columns])
    left = frame.height - head.height
    more = f"<div class=cs-note>The first {head.height:,} of {frame.height:,} rows.</div>" if left else ""
    return Html(shown + more)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Table(Displayed):
    """A frame as it is shown in a notebook, such as what ``store.latest()`` or ``store.sql()`` gave.

    Parameters
    ----------
    frame
        Polars, pandas or Arrow.
    note
        A sentence below.

    Examples
    --------
    >>> import polars as pl
    >>> Table(pl.DataFrame({"expert": ["ana"], "cost_usd": [0.5]}))
    <Table of 1 row: expert, cost_usd>
    """

    frame: Any
    note: str = ""

    def to_polars(self) -> pl.DataFrame:
        """Return the frame in Polars."""
        import polars as pl

        if isinstance(self.frame, pl.DataFrame):
            return self.frame
        if isinstance(self.frame, pl.LazyFrame):
            return self.frame.collect()
        return pl.DataFrame(self.frame)

    def __repr__(self) -> str:
        frame = self.to_polars()
        rows = f"{frame.height:,} row{'' if frame.height == 1 else 's'}"
        return f"<Table of {rows}: {', '.join(frame.columns)}>"

    def _repr_html_(self) -> str:
        frame = self.to_polars()
        hidden = [name for name in frame.columns if _for_machines(frame[name])]
        hidden = hidden if len(hidden) < frame.width else []
        said = f"Not shown, ids and empty columns: {', '.join(hidden)}." if hidden else ""
        return page(frame_table(frame.drop(hidden)), note=" ".join(filter(None, (self.note, said))))


def _for_machines(series: pl.Series) -> bool:
    empty = len(series) > 0 and series.null_count() == len(series)
    return empty or series.name == "id" or series.name.endswith("_id")


def heading(name: str) -> str:
    """Return the name of a column with its unit.

    Examples
    --------
    >>> heading("cost_usd"), heading("latency_s"), heading("n_tasks")
    ('cost, USD', 'latency, s', 'n tasks')
    """
    first, _, last = name.rpartition("_")
    if first and last in _UNITS:
        return f"{first.replace('_', ' ')}, {_UNITS[last]}"
    return name.replace("_", " ")


def _sentence(text: str) -> Html:
    return Html(f"<div class=cs-m>{escape(text, 2_000)}</div>")


def _column(series: pl.Series, now: datetime | None) -> Column:
    values = series.to_list()
    numeric = series.dtype.is_numeric()
    show = _shower(series, values, now)
    keys = [_key(value) for value in values]
    return Column(heading(series.name), [_DASH if v is None else show(v) for v in values], keys, numeric)


def _shower(series: pl.Series, values: Sequence[Any], now: datetime | None) -> Callable[[Any], Html]:
    if series.dtype.is_float():
        return lambda value: escape(_float(value, _places(values, series.name)))
    if series.dtype.is_integer():
        return lambda value: escape(f"{value:,}")
    if series.name in _EXPERTS and values and all(isinstance(v, str) or v is None for v in values):
        return expert_mark
    if series.dtype.is_temporal() and all(isinstance(v, datetime) or v is None for v in values):
        return lambda value: moment(value, now)
    if any(isinstance(value, list) and value and _is_answer(value[0]) for value in values):
        return lambda value: Html("".join(expert_mark(str(each["expert"])) for each in value))
    return lambda value: escape(_said(value), _CELL)


def _is_answer(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("expert"), str)


def _places(values: Sequence[Any], name: str) -> int:
    known = [abs(value) for value in values if value is not None and math.isfinite(value)]
    most = max(known, default=0.0)
    if name.endswith("_usd"):
        return 4 if most >= 0.01 else 6
    if not most or most >= 1_000:
        return 0 if most >= 1_000 else 2
    # three digits of the largest, and never fewer than two places below 100
    return max(2 if most < 100 else 1, min(4, 2 - math.floor(math.log10(most))))


def _float(value: float, places: int) -> str:
    # adding 0.0 turns a rounded minus zero into zero
    return f"{round(value, places) + 0.0:,.{places}f}" if math.isfinite(value) else str(value)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_said(each) for each in value[:20]) + (" \u2026" if len(value) > 20 else "")
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_said(each)}" for name, each in value.items() if each is not None)
    return str(value)


def _key(value: Any) -> Any:
    """Return what a value is sorted by, comparable with the others of its column."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return _said(value)
    return value if isinstance(value, (int, float, str, date)) else _said(value)[:_CELL]
