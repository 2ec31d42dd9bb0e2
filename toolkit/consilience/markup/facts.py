"""A thing and its state: a name, a line that says how it is, and figures with their units."""

from __future__ import annotations

import math
from collections.abc import Iterable

from consilience.markup.html import Html, escape, page

_WIDTH = 120


def facts(rows: Iterable[tuple[str, object]]) -> Html:
    """Return names with their values, one pair a row; a value of ``None`` or nothing leaves its row out.

    Examples
    --------
    >>> facts([("size", "3 MB"), ("limit", None)])
    '<dl class=cs-facts><dt>size</dt><dd>3 MB</dd></dl>'
    """
    pairs = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value, 2_000)}</dd>"
        for name, value in rows
        if value not in (None, "")
    )
    return Html(f"<dl class=cs-facts>{pairs}</dl>" if pairs else "")


def thing(kind: str, name: str, state: str, *parts: Html, note: str = "", troubled: bool = False) -> str:
    """Return a display of something that has a state.

    Parameters
    ----------
    kind, name
        What it is, and what it is called; a name can be empty.
    state
        How it is, in a few words.
    *parts
        Below.
    note
        A sentence at the foot.
    troubled
        Whether the state is one to look at.
    """
    look = "cs-banner" if troubled else "cs-row"
    called = f" <b>{escape(name, 200)}</b>" if name else ""
    return page(
        Html(
            f"<div class=cs-card><div class=cs-q>{escape(kind)}{called}</div>"
            f"<div class={look}{' role=note' if troubled else ''}>{escape(state, 500)}</div>{''.join(parts)}"
            f"{f'<div class=cs-foot>{escape(note, 2_000)}</div>' if note else ''}</div>"
        )
    )


def share_bar(used: float, of: float, label: str) -> Html:
    """Return how much of something is used, as a bar and in words; without a limit, the words."""
    if not (of > 0 and math.isfinite(of)):
        return escape(label)
    width = min(max(used / of, 0.0), 1.0) * _WIDTH
    # the words stand beside it, so a reader's screen need not name the bar
    return Html(
        f"<svg aria-hidden=true width={_WIDTH} height=12><rect y=3 width={_WIDTH} height=6 fill='var(--l)' />"
        f"<rect y=3 width={width:.1f} height=6 fill='var(--a)' /></svg> {escape(label)}"
    )


def size(n_bytes: float) -> str:
    """Return bytes for people.

    Examples
    --------
    >>> size(512), size(3_400_000), size(7 * 2**30)
    ('512 bytes', '3.4 MB', '7.5 GB')
    """
    if n_bytes < 1_000:
        return f"{n_bytes:.0f} bytes"
    power = min(int(math.log10(n_bytes) // 3), 4)
    return f"{n_bytes / 1_000**power:,.1f} {['kB', 'MB', 'GB', 'TB'][power - 1]}"
