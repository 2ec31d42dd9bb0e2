"""A result that is best said in a sentence."""

from __future__ import annotations

from consilience.markup.displayed import Displayed
from consilience.markup.html import Html, escape, page


class SentenceDisplayed(Displayed):
    """A result whose ``explain()``, or whose text, is what there is to show."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        explain = getattr(self, "explain", None)
        said = explain() if explain else str(self)
        return page(Html(f"<div class=cs-row>{escape(said, 4_000)}</div>"))
