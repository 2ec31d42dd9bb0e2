"""Text that is safe to show, and the frame around it."""

from __future__ import annotations

import html

from consilience.markup.plain import plain
from consilience.markup.styles import BASE, SORTING


class Html(str):
    """Markup that was put together here; everything else is escaped."""

    __slots__ = ()


def escape(text: object, limit: int = 20_000) -> Html:
    """Return a value as text that a browser shows and never runs.

    Parameters
    ----------
    text
        Any value; `Html` passes unchanged.
    limit
        Characters shown, so that one answer cannot fill a notebook.

    Examples
    --------
    >>> escape("<script>")
    '&lt;script&gt;'
    """
    if isinstance(text, Html):
        return text
    return Html(html.escape(plain(text, limit)))


def page(*parts: str, note: str = "") -> str:
    """Return parts as one self-contained display: no script, nothing from the network, light and dark."""
    below = f"<div class=cs-note>{escape(note)}</div>" if note else ""
    shown = "".join(map(escape, parts))
    style = BASE + SORTING if "class=cs-t" in shown or "class=cs-frame" in shown else BASE
    return f"<div class=cs><style>{style}</style>{shown}{below}</div>"
