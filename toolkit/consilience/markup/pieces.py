"""Marks, bars and tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from consilience.markup.html import Html, escape
from consilience.markup.palette import colour

_WIDTH = 200.0
# drawn, since the glyphs for them are missing from common fonts
_TAPE = "<circle cx=4 cy=5 r=3 /><circle cx=12 cy=5 r=3 /><path d='M4 8h8' />"
_PERSON = "<circle cx=8 cy=3 r=2 /><path d='M4 9a4 4 0 0 1 8 0' />"
_STEPS = "<path d='M3 2h10M3 5h10M3 8h6' />"
_FUNCTION = "<path d='M10 1c-3-1-2 3-3 5s-1 4-3 3M5 4h5' />"
_JURY = "<circle cx=3 cy=3 r=2 /><circle cx=8 cy=3 r=2 /><circle cx=13 cy=3 r=2 /><path d='M1 8h14' />"
_MARKS = {
    "jury": (_JURY, "a jury"),
    "person": (_PERSON, "a person"),
    "recorded": (_TAPE, "recorded"),
    "scripted": (_STEPS, "scripted"),
    "function": (_FUNCTION, "a function"),
}


def expert_mark(name: str, source: str = "") -> Html:
    """Return an expert's dot, name and, where it is not a live model, the mark of what it is."""
    drawing, meaning = _MARKS.get(source, ("", ""))
    named = f"<title>{meaning}</title>{drawing}"
    mark = (
        f" <svg role=img aria-label='{meaning}' class=cs-mark width=16 height=10>{named}</svg>"
        if drawing
        else ""
    )
    dot = f"<span class=cs-dot style='background:{colour(name)}'></span>"
    return Html(f"<span class=cs-who>{dot}{escape(name, 80)}{mark}</span>")


def outcome_mark(glyph: str, word: str) -> Html:
    """Return an outcome as glyph and word."""
    return Html(f"<span class=cs-who><span aria-hidden=true>{escape(glyph)}</span> {escape(word)}</span>")


def conflict_mark(text: str) -> Html:
    """Return what stands against something: two arrows that meet, and the words."""
    arrows = "<path d='M1 5h5M4 3l2 2-2 2M15 5h-5M12 3l-2 2 2 2' />"
    mark = f"<svg role=img aria-label=conflict class=cs-mark width=16 height=10><title>conflict</title>{arrows}</svg>"
    return Html(f"<span class=cs-conflict>{mark} {escape(text, 200)}</span>")


def interval_bar(value: float, low: float, high: float) -> Html:
    """Return a coefficient as a bar from 0 to 1, growing to the left below chance, its interval as a lighter band."""
    if math.isnan(value):
        return Html("<span class=cs-m>undefined</span>")
    label = f"{value:.2f}" if math.isnan(low) else f"{value:.2f} [{low:.2f}, {high:.2f}]"
    floor = -1.0 if min(value, low if not math.isnan(low) else value) < 0 else 0.0
    return _bar(value, low, high, floor, label)


def accuracy_bar(value: float, low: float, high: float) -> Html:
    """Return a share as a bar from 0 to 1 with its interval."""
    return _bar(value, low, high, 0.0, f"{value:.2f} [{low:.2f}, {high:.2f}]")


def _bar(value: float, low: float, high: float, floor: float, label: str) -> Html:
    def x(point: float) -> float:
        return round((min(max(point, floor), 1.0) - floor) / (1 - floor) * _WIDTH, 1)

    zero, at = x(0.0), x(value)
    parts = [f"<rect x=0 y=7 width={_WIDTH:g} height=6 fill='var(--l)' />"]
    parts.append(
        f"<rect x={min(zero, at)} y=7 width={max(abs(at - zero), 1):.1f} height=6 fill='var(--a)' />"
    )
    if not math.isnan(low):
        width = max(x(high) - x(low), 2.0)
        parts.append(f"<rect x={x(low)} y=2 width={width:.1f} height=16 fill='var(--a)' opacity=.25 />")
    if floor < 0:
        parts.append(f"<line x1={zero} x2={zero} y1=0 y2=20 stroke='var(--t)' />")
    text = f"<text x={_WIDTH + 8:g} y=14>{escape(label)}</text>"
    return Html(
        f"<svg role=img aria-label='{escape(label)}' width=360 height=20>{''.join(parts)}{text}</svg>"
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], numeric: Sequence[str] = ()) -> Html:
    """Return a table; cells are escaped, ``None`` is shown as a dash, numeric columns are aligned to the right."""
    at_right = [" class=cs-n" if column in numeric else "" for column in columns]
    head = "".join(f"<th{mark}>{escape(name)}</th>" for name, mark in zip(columns, at_right, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{mark}>{_cell(v)}</td>" for v, mark in zip(row, at_right, strict=True))
        + "</tr>"
        for row in rows
    )
    return Html(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _cell(value: object) -> Html:
    if value is None or value == "":
        return Html("<span class=cs-m>\u2013</span>")
    return escape(f"{value:.2f}" if isinstance(value, float) else value)


def details(summary: str, body: Html) -> Html:
    """Return a fold that opens without script."""
    return Html(f"<details><summary>{escape(summary)}</summary>{body}</details>")
