"""The dashboard's theme: one accent, the platform's font, light and dark."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["FONT", "INK", "THEME", "figure", "span", "template"]

FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Liberation Sans', sans-serif"
INK = "#6366f1"
"""The accent where one colour has to serve light and dark pages, such as a line in a figure."""

_SHARED: dict[str, Any] = {
    "typography": {"fontFamily": FONT, "fontSize": 14, "button": {"textTransform": "none"}},
    "shape": {"borderRadius": 8},
    "components": {
        "MuiLinearProgress": {"defaultProps": {"aria-label": "Working"}},
        "MuiPaper": {"styleOverrides": {"root": {"backgroundImage": "none"}}},
    },
}


def _bar(colour: str) -> dict[str, Any]:
    head = {"styleOverrides": {"root": {"backgroundColor": colour, "color": "#ffffff", "boxShadow": "none"}}}
    return {**_SHARED["components"], "MuiAppBar": head}


THEME: dict[str, Any] = {
    "light": {
        **_SHARED,
        "components": _bar("#4338ca"),
        "palette": {
            "primary": {"main": "#4338ca"},
            "text": {"primary": "#1f2328", "secondary": "#57606a"},
            "background": {"default": "#ffffff", "paper": "#ffffff"},
            "divider": "#d8dee4",
        },
    },
    "dark": {
        **_SHARED,
        "components": _bar("#312e81"),
        "palette": {
            "primary": {"main": "#a5b4fc"},
            "text": {"primary": "#e6e8eb", "secondary": "#a3abb5"},
            "background": {"default": "#16181d", "paper": "#16181d"},
            "divider": "#343a42",
        },
    },
}


@cache
def template() -> Any:
    """Return the page around everything: the base of Panel's material pages, and the scripts of links and theme."""
    from panel_material_ui.base import BASE_TEMPLATE

    own = files("consilience.dashboards")
    script = "".join(own.joinpath(name).read_text(encoding="utf-8") for name in ("links.js", "theme.js"))
    text = (
        f'{{% extends "{BASE_TEMPLATE.name}" %}}{{% block postamble %}}{{{{ super() }}}}'
        f"<style>{_GLOBAL}</style><script>{script}</script>{{% endblock %}}"
        "{% block title %}{{ (page_title or title) | e }}{% endblock %}"
    )
    return BASE_TEMPLATE.environment.from_string(text)


_GLOBAL = f"""
html,body{{font-family:{FONT}}}
.sidebar::-webkit-scrollbar{{width:8px}}
"""


def span(**length: float) -> Any:
    """Return the range of an axis of time that is at least so long, also around a single point."""
    from datetime import timedelta

    from bokeh.models import DataRange1d

    return DataRange1d(default_span=timedelta(**length) / timedelta(milliseconds=1))


def figure(x: str, y: str, *, height: int = 220, **options: Any) -> Any:
    """Return an empty Bokeh figure in this look: light grid, axis titles with units, no toolbar.

    Parameters
    ----------
    x, y
        Titles of the axes, with their units.
    height
        In pixels; the width is the page's.
    **options
        For `bokeh.plotting.figure`.
    """
    from bokeh.plotting import figure as bare

    options.setdefault("tools", "")
    plot = bare(
        height=height,
        sizing_mode="stretch_width",
        toolbar_location=None,
        x_axis_label=x,
        y_axis_label=y,
        **options,
    )
    plot.outline_line_color = None
    plot.grid.grid_line_alpha = 0.5
    plot.xgrid.grid_line_color = None
    for axis in plot.axis:
        axis.axis_line_color = axis.major_tick_line_color = None
        axis.axis_label_text_font_style = "normal"
        axis.minor_tick_line_color = None
        axis.axis_label_text_font = axis.major_label_text_font = "system-ui"
    return plot
