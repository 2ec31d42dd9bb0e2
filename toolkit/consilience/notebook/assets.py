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
def assets(name: str, *pieces: str) -> Assets:
    """Return what draws the widget of a name: ``static/<name>.js`` and, where there is one, ``static/<name>.css``.

    Further pieces, such as ``verdict``, are files of the same form that several widgets share.
    """
    script = [_required(f"{part}.js") for part in ("parts", "rows", *pieces, name)]
    return Assets("".join(script), BASE + "".join(_read(f"{part}.css") for part in ("widget", *pieces, name)))


def _read(name: str) -> str:
    file = files("consilience.notebook").joinpath("static", name)
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _required(name: str) -> str:
    return files("consilience.notebook").joinpath("static", name).read_text(encoding="utf-8")
