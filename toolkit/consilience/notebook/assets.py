"""The script and the style of a widget: shared pieces first, its own after; nothing comes from a network."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from consilience.markup.styles import BASE


class Assets(NamedTuple):
    """What the browser gets.

    Parameters
    ----------
    script
        One ES module, whose default export renders the widget.
    style
        Its style sheet.
    """

    script: str
    style: str


@cache
def assets(name: str) -> Assets:
    """Return what draws the widget of a name: ``static/<name>.js`` and, where there is one, ``static/<name>.css``."""
    own = _read(f"{name}.css")
    return Assets(
        _read("parts.js") + _read("rows.js") + _required(f"{name}.js"), BASE + _read("widget.css") + own
    )


def _read(name: str) -> str:
    file = files("consilience.notebook").joinpath("static", name)
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _required(name: str) -> str:
    return files("consilience.notebook").joinpath("static", name).read_text(encoding="utf-8")
