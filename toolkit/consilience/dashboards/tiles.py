"""Figures in a row: what it is, how much, and whether that is too much."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from consilience.markup import Html, escape

__all__ = ["Tile", "amount", "share", "tiles", "usd"]


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure.

    Parameters
    ----------
    what
        What it is.
    figure
        The number with its unit, or a dash.
    more
        A line below: span of time, parts, what is unknown.
    over
        What is wrong with it, in words; empty when nothing is.
    """

    what: str
    figure: str
    more: str = ""
    over: str = ""


def tiles(row: Iterable[Tile]) -> Html:
    """Return figures in a row that wraps.

    Examples
    --------
    >>> "4.0 s" in tiles([Tile("Latency", "4.0 s")])
    True
    """
    return Html(f"<div class=cs-tiles>{''.join(map(_tile, row))}</div>")


def _tile(tile: Tile) -> str:
    over = f"<div class=cs-verdict>{escape(tile.over)}</div>" if tile.over else ""
    return (
        f"<div class='cs-tile{' cs-over' if tile.over else ''}'><div class=cs-what>{escape(tile.what)}</div>"
        f"<div class=cs-figure>{escape(tile.figure)}</div><div class=cs-more>{escape(tile.more)}</div>{over}</div>"
    )


def amount(value: float | None, unit: str = "", digits: int = 2) -> str:
    """Return a number with its unit, and a dash for an unknown one.

    Examples
    --------
    >>> amount(1234.5, "s", 1), amount(None)
    ('1,234.5 s', '\u2013')
    """
    return "\u2013" if value is None else f"{value:,.{digits}f} {unit}".rstrip()


def share(value: float | None) -> str:
    """Return a share of 1 in per cent.

    Examples
    --------
    >>> share(0.125)
    '12.5 %'
    """
    return amount(None if value is None else 100 * value, "%", 1)


def usd(value: float | None) -> str:
    """Return US dollars, with as many digits as tell something.

    Examples
    --------
    >>> usd(12.345), usd(0.0004)
    ('$12.35', '$0.0004')
    """
    if value is None:
        return "\u2013"
    return f"${value:,.2f}" if value >= 0.1 or value == 0 else f"${value:.2g}"
