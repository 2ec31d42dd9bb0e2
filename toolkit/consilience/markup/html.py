"""Text that is safe to show, and the frame around it."""

from __future__ import annotations

import html

from consilience.markup.plain import plain


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
    return f"<div class=cs><style>{_STYLE}</style>{''.join(map(escape, parts))}{below}</div>"


def style() -> str:
    """Return the style sheet of every display, for faces that keep it apart from their markup."""
    return _STYLE


_STYLE = """
.cs{--t:var(--jp-ui-font-color1,var(--vscode-foreground,#1f2328));--m:var(--jp-ui-font-color2,#57606a);
--l:var(--jp-border-color2,#d8dee4);--b:var(--jp-layout-color1,transparent);--s:var(--jp-layout-color2,#f6f8fa);
--a:#4338ca;--w:#8a4b00;--wb:#fff4e0;color:var(--t);font:14px/1.5 var(--jp-ui-font-family,system-ui,sans-serif);
max-width:760px}
[data-jp-theme-light=false] .cs,.vscode-dark .cs{--a:#a5b4fc;--w:#ffd08a;--wb:#3a2c14}
.cs .cs-card{border:1px solid var(--l);border-radius:8px;padding:16px;background:var(--b)}
.cs .cs-q{color:var(--m);white-space:pre-wrap;overflow-wrap:anywhere}
.cs .cs-a{font-size:20px;font-weight:600;margin:8px 0 0;white-space:pre-wrap;overflow-wrap:anywhere}
.cs .cs-banner{background:var(--wb);color:var(--w);border-left:4px solid currentColor;padding:8px 16px;margin:8px 0}
.cs .cs-row{margin:4px 0;overflow-wrap:anywhere}
.cs .cs-m,.cs .cs-note{color:var(--m)}
.cs .cs-note{margin-top:8px}
.cs .cs-foot{color:var(--m);border-top:1px solid var(--l);margin-top:16px;padding-top:8px;font-size:13px}
.cs .cs-dot{display:inline-block;width:10px;height:10px;border-radius:5px;margin:0 4px 0 0;
border:1px solid rgba(128,128,128,.6)}
.cs .cs-who{white-space:nowrap;margin-right:8px}
.cs table{border-collapse:collapse;margin:8px 0;font-size:13px;color:var(--t)}
.cs th,.cs td{text-align:left!important;vertical-align:top;padding:4px 16px 4px 0;border-bottom:1px solid var(--l);
overflow-wrap:anywhere;white-space:pre-wrap;background:none}
.cs th{color:var(--m);font-weight:600}
.cs td.cs-n,.cs th.cs-n{text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}
.cs details{margin-top:8px}
.cs summary{cursor:pointer;color:var(--a)}
.cs summary:focus-visible{outline:2px solid var(--a);outline-offset:2px}
.cs svg{vertical-align:middle}
.cs .cs-mark{fill:none;stroke:var(--m);stroke-width:1.2}
.cs .cs-conflict{color:var(--w)}
.cs .cs-conflict .cs-mark{stroke:currentColor}
.cs svg text{fill:var(--t);font-size:12px}
""".replace("\n", "")
