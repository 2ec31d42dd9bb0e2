"""Regexes found with Polars, whose engine is Rust's regex crate: linear time, Unicode, no back-references."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.errors import InvalidInput

if TYPE_CHECKING:
    import polars as pl

    from consilience.patterns.row_filter import Rows

__all__ = ["checked", "find"]


def checked(name: str, regex: str, *, ignore_case: bool) -> str:
    """Return the regex as it is searched for, or raise.

    Raises
    ------
    InvalidInput
        It does not compile, or matches the empty text.

    Examples
    --------
    >>> checked("year", r"[0-9]{4}", ignore_case=True)
    '(?i:[0-9]{4})'
    """
    import polars as pl

    whole = f"(?i:{regex})" if ignore_case else f"(?:{regex})"
    try:
        empty = pl.Series([""]).str.contains(whole).item()
    except pl.exceptions.ComputeError as error:
        raise InvalidInput(
            f"The regex {name!r} is not one that Rust's regex crate takes, {regex!r} came: {error}; "
            "look-around and back-references are left out there"
        ) from error
    if empty:
        raise InvalidInput(_matches_nothing(name, regex))
    return whole


def find(series: pl.Series, name: str, regex: str, candidates: Rows | None = None) -> pl.DataFrame:
    """Return text, start and end of every match: leftmost-first, none overlapping, as Rust's ``find_iter``.

    Where candidates are given, only these rows are looked at.

    Polars gives the matched strings without their places. Asked for the shortest gap and the match together, it
    gives strings whose lengths add up to the ends of the same matches.
    """
    import polars as pl

    if candidates is None:
        rows = series.to_frame("value").with_row_index("text")
    else:
        rows = pl.DataFrame({"text": candidates, "value": series.gather(candidates)})
    hit, gap = pl.col("value").str.extract_all(regex), pl.col("value").str.extract_all(f"(?s:.*?){regex}")
    found = (
        rows.filter(pl.col("value").str.contains(regex))
        .select("text", hit.alias("hit"), gap.alias("gap"))
        .with_columns(pl.col("hit", "gap").list.eval(pl.element().str.len_bytes()))
    )
    if found.select((pl.col("hit").list.min() == 0).any()).item():
        raise InvalidInput(_matches_nothing(name, regex))
    return found.explode("hit", "gap").select(
        "text",
        start=pl.col("gap").cast(pl.Int64).cum_sum().over("text") - pl.col("hit"),
        end=pl.col("gap").cast(pl.Int64).cum_sum().over("text"),
    )


def _matches_nothing(name: str, regex: str) -> str:
    return (
        f"A regex must match at least one character, {name!r} matches the empty text, {regex!r} came; "
        "write + for *, or leave out what is optional"
    )
