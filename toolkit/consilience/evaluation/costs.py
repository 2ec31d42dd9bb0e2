"""What a right answer costs, with the part that nobody knows named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from consilience.evaluation.marks import Marks

    Array = np.ndarray[Any, np.dtype[np.float64]]


def cost_per_right(marks: Marks, methods: dict[str, int]) -> pl.DataFrame | None:
    """Return what members and circle cost; None without the column ``cost_usd``.

    Parameters
    ----------
    marks
        Answers with costs.
    methods
        How many tasks each method got right; each of them pays for every member.

    Returns
    -------
    polars.DataFrame
        ``who``, ``kind``, ``cost_usd`` (the known part), ``priced`` and ``unpriced`` answers, ``right``,
        ``usd_per_right`` (a lower bound where answers are unpriced; null when none is priced or none is right) and
        ``lower_bound``.
    """
    import numpy as np
    import polars as pl

    if marks.cost is None:
        return None
    priced = (~np.isnan(marks.cost) & marks.asked).sum(axis=0)
    unpriced = marks.asked.sum(axis=0) - priced
    known = np.nansum(marks.cost, axis=0)
    right = marks.right.sum(axis=0)
    rows = [
        _row(name, "member", float(known[k]), int(priced[k]), int(unpriced[k]), int(right[k]))
        for k, name in enumerate(marks.members)
    ]
    whole = float(known.sum()), int(priced.sum()), int(unpriced.sum())
    rows += [_row(name, "circle", *whole, n) for name, n in methods.items()]
    return pl.DataFrame(rows, schema_overrides={"usd_per_right": pl.Float64})


def _row(who: str, kind: str, known: float, priced: int, unpriced: int, right: int) -> dict[str, object]:
    return {
        "who": who,
        "kind": kind,
        "cost_usd": known if priced else None,
        "priced": priced,
        "unpriced": unpriced,
        "right": right,
        "usd_per_right": known / right if priced and right else None,
        "lower_bound": unpriced > 0,
    }


def cost_by_provider(answers: pl.DataFrame) -> pl.DataFrame | None:
    """Return what each provider was paid; ``None`` without the columns ``provider`` and ``cost_usd``.

    Parameters
    ----------
    answers
        A row an answer with ``provider``, ``expert`` and ``cost_usd``; a null provider stands as *unknown*.

    Returns
    -------
    polars.DataFrame
        ``provider``, ``experts``, ``answers``, ``priced``, ``unpriced``, ``cost_usd`` (the known part, null where none
        is known) and ``lower_bound``; the dearest first.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame(
    ...     {"provider": ["x", "x", "y"], "expert": list("abc"), "cost_usd": [0.5, None, None]}
    ... )
    >>> cost_by_provider(frame).select("provider", "answers", "unpriced", "cost_usd").rows()
    [('x', 2, 1, 0.5), ('y', 1, 1, None)]
    """
    import polars as pl

    if not {"provider", "cost_usd"} <= set(answers.columns):
        return None
    cost = pl.col("cost_usd").cast(pl.Float64)
    priced = cost.is_not_null().sum().cast(pl.Int64)
    return (
        answers.with_columns(pl.col("provider").cast(pl.String).fill_null("unknown"))
        .group_by("provider")
        .agg(
            experts=pl.col("expert").n_unique().cast(pl.Int64),
            answers=pl.len().cast(pl.Int64),
            priced=priced,
            unpriced=pl.len().cast(pl.Int64) - priced,
            cost_usd=pl.when(priced > 0).then(cost.sum()),
        )
        .with_columns(lower_bound=pl.col("unpriced") > 0)
        .sort("cost_usd", "provider", descending=[True, False], nulls_last=True)
    )


def by_provider(providers: pl.DataFrame) -> str:
    """Return the costs by provider as a sentence that names what is unknown."""
    parts = []
    for row in providers.iter_rows(named=True):
        said = "unknown" if row["cost_usd"] is None else dollars(row["cost_usd"])
        open_part = f", {row['unpriced']:,} without a price" if row["unpriced"] else ""
        parts.append(f"{row['provider']} {said} ({row['answers']:,} answers{open_part})")
    return f"Cost by provider: {'; '.join(parts)}."


def provider_table(providers: pl.DataFrame) -> str:
    """Return the costs by provider as HTML."""
    from consilience.markup import details, table

    rows = [
        (
            row["provider"],
            row["experts"],
            row["answers"],
            None if row["cost_usd"] is None else dollars(row["cost_usd"]),
            row["unpriced"],
        )
        for row in providers.iter_rows(named=True)
    ]
    columns = ("provider", "experts", "answers", "cost, USD", "answers without a price")
    return details("Cost by provider, known part", table(columns, rows, numeric=columns[1:]))


def dollars(amount: float) -> str:
    """Return an amount of US dollars with the digits that tell.

    Examples
    --------
    >>> dollars(0), dollars(0.000123456), dollars(1234.5)
    ('$0', '$0.0001235', '$1,234')
    """
    return f"${amount:,.4g}"


def priced(row: Mapping[str, Any]) -> str:
    """Return a row of the costs as a phrase that names the unknown part."""
    if row["cost_usd"] is None:
        return f"unknown for all {row['unpriced']:,} answers"
    said = dollars(row["cost_usd"])
    if row["usd_per_right"] is not None:
        said += f", {dollars(row['usd_per_right'])} a right answer"
    if row["lower_bound"]:
        asked = row["priced"] + row["unpriced"]
        said += f", at least: {row['unpriced']:,} of {asked:,} answers have no known price"
    return said


def price_a_task(marks: Marks) -> Array:
    """Return what each member costs a task, in US dollars; nan where any of the answers is unpriced."""
    import numpy as np

    if marks.cost is None:
        return np.full(len(marks.members), np.nan)
    cost = np.where(marks.asked, marks.cost, 0.0)
    price: Array = cost.sum(axis=0) / np.maximum(marks.asked.sum(axis=0), 1)
    return price
