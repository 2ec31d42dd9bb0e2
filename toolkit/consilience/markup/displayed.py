"""What every result is in a notebook: text, HTML, and both in one bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.markup.plain import plain

if TYPE_CHECKING:
    import polars as pl


class Displayed:
    """A value that a front end can show: a class says how by ``_repr_html_``, and the bundle follows.

    Examples
    --------
    >>> from consilience.markup import page
    >>> class Greeting(Displayed):
    ...     def __repr__(self):
    ...         return "<Greeting>"
    ...
    ...     def _repr_html_(self):
    ...         return page(note="hello")
    >>> sorted(Greeting()._repr_mimebundle_())
    ['text/html', 'text/plain']
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return text and HTML; a front end takes the richest that it can show, and leaves out what it was told to."""
        wanted = {"text/plain": lambda: plain(repr(self)), "text/html": self._repr_html_}
        names = [name for name in wanted if (not include or name in include) and name not in (exclude or ())]
        return {name: wanted[name]() for name in names}


class FrameDisplayed(Displayed):
    """A result that is a frame at heart: the table of ``to_polars()`` over a line that says what it is."""

    __slots__ = ()

    def to_polars(self) -> pl.DataFrame:
        """Return the frame."""
        raise NotImplementedError

    def _note(self) -> str:
        return repr(self).strip("<>")

    def _repr_html_(self) -> str:
        from consilience.markup.frames import frame_table
        from consilience.markup.html import page

        return page(frame_table(self.to_polars()), note=self._note())
