"""A part of a page that is written here, escaped, and kept up to date."""

from __future__ import annotations

from typing import ClassVar

import panel as pn

from consilience.markup import Html, escape

__all__ = ["Section"]


class Section(pn.pane.HTML):  # type: ignore[misc]
    """Markup in the dashboard's look. Whatever is not `Html` is escaped, so that a model's answer stays text.

    Examples
    --------
    >>> Section("<script>").object
    '&lt;script&gt;'
    """

    _stylesheets: ClassVar[list[str]] = ["sections.css"]
    _rename: ClassVar[dict[str, str | None]] = {}

    def __init__(self, content: object = "", **params: object) -> None:
        params.setdefault("sizing_mode", "stretch_width")
        params.setdefault("margin", 0)
        self._drawn = str(escape(content, 1_000_000))
        super().__init__(self._drawn, **params)

    def draw(self, content: object) -> None:
        """Put something else in its place; the same again sends nothing."""
        text = str(escape(content, 1_000_000))
        if text != self._drawn:
            self._drawn = self.object = text


def skeleton(rows: int = 3) -> Html:
    """Return the shape of what is being read."""
    bars = "<div class=cs-bone></div>" * rows
    return Html(f"<div class=cs-skeleton role=status aria-label='Reading the store'>{bars}</div>")


def empty(sentence: str, hint: str = "") -> Html:
    """Return the picture of nothing yet, and a sentence with what to do; `hint` is code to type."""
    code = f"<pre><code>{escape(hint)}</code></pre>" if hint else ""
    return Html(f"<div class=cs-state>{_EMPTY}<p>{escape(sentence)}</p>{code}</div>")


def failed(sentence: str) -> Html:
    """Return the picture of a failure, and what happened."""
    return Html(f"<div class='cs-state cs-failed' role=alert>{_FAILED}<p>{escape(sentence)}</p></div>")


_PICTURE = (
    "<svg aria-hidden=true width=48 height=48 viewBox='0 0 48 48' fill=none stroke=currentColor "
    "stroke-width=1.5>"
)
_EMPTY = (
    f"{_PICTURE}<circle cx=16 cy=20 r=8 stroke-dasharray='3 3' /><circle cx=32 cy=20 r=8 stroke-dasharray='3 3' />"
    "<circle cx=24 cy=32 r=8 stroke-dasharray='3 3' /></svg>"
)
_FAILED = f"{_PICTURE}<circle cx=16 cy=20 r=8 /><circle cx=32 cy=20 r=8 /><path d='M19 27l10 10M29 27l-10 10' /></svg>"
