"""One session of the dashboard: the frame around a page, and the way from page to page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import panel as pn
import panel_material_ui as pmu
from panel.util import edit_readonly

from consilience.dashboards.address import read_address, written_address
from consilience.dashboards.look import THEME, template
from consilience.dashboards.page import Page, page_named, pages_for
from consilience.dashboards.reader import Reader
from consilience.dashboards.roles import Viewer
from consilience.dashboards.section import Section, empty, failed
from consilience.dashboards.visit import Visit
from consilience.errors import ConsilienceError
from consilience.markup import Html, escape

__all__ = ["Frame"]

_LOG = logging.getLogger("consilience.dashboards")


class Frame:
    """What one browser tab, or one cell, shows.

    Parameters
    ----------
    reader
        Shared by all sessions.
    who
        Returns who looks, as of now.
    title
        Of the dashboard.
    leaves
        Address that signs out; empty where nobody signs in.
    """

    def __init__(
        self, reader: Reader, who: Callable[[], Viewer], *, title: str = "Consilience", leaves: str = ""
    ) -> None:
        self._reader, self._who, self._title, self._leaves = reader, who, title, leaves
        self._location = pn.state.location if pn.state.curdoc else None
        self._doc = pn.state.curdoc
        self._params = _asked_for()
        if _chose_dark():
            pn.config.theme = "dark"
        self._nav = Section(sizing_mode="stretch_width")
        self._notice = Section()
        self._body = pn.Column(sizing_mode="stretch_width", margin=(8, 24, 48, 24))
        self._visit: Visit | None = None
        if self._location is not None:
            self._location.param.watch(self._moved, "search")
        if self._doc is not None and self._doc.session_context is not None:
            self._doc.on_session_destroyed(lambda _context: self.close())
        self._build()

    def page(self) -> Any:
        """Return the whole page, with sidebar and switch for dark."""
        made = pmu.Page(
            title=self._title,
            sidebar=[self._nav],
            sidebar_width=224,
            sidebar_resizable=False,
            sidebar_open=not _on_a_telephone(),
            header=[Section(_person(self._who(), self._leaves), align="center", margin=(0, 8))],
            main=[self._body],
            theme_config=THEME,
            template=template(),
            busy_indicator=None,
            favicon=_ICON,
            meta_description="What the circle of experts was asked, what it answered, and how it does.",
        )
        # It follows the busy state of the whole server: a click of anybody would go through the models of all sessions.
        with edit_readonly(made):
            made.busy = False
        return made

    def embedded(self) -> Any:
        """Return what a cell of a notebook shows: the pages' names above the page."""
        pages = pages_for(self._who())
        choose = pmu.RadioButtonGroup(
            options={page.title: page.name for page in pages}, value=self._params.get("page") or pages[0].name
        )
        choose.param.watch(lambda event: self._go({"page": event.new}, True), "value")
        return pn.Column(choose, self._body, sizing_mode="stretch_width")

    def close(self) -> None:
        """End the page's subscriptions."""
        if self._visit is not None:
            self._visit.end()
            self._visit = None

    def _moved(self, event: Any) -> None:
        params = read_address(event.new)
        if params != self._params:
            self._params = params
            self._build()

    def _go(self, params: Mapping[str, str], anew: bool) -> None:
        self._params = dict(params)
        if self._location is not None:
            self._location.search = written_address(self._params)
        if anew:
            self._build()

    def _build(self) -> None:
        self.close()
        page = page_named(self._params.get("page", ""))
        self._notice.draw("")
        self._nav.draw(_links(pages_for(self._who()), page))
        self._body[:] = [self._notice, *self._content(page)]
        if self._doc is not None:
            title = f"{page.title if page else 'Not found'} \u00b7 {self._title}"
            # Panel gives the document its own title after this; the template knows this one, and the script later ones.
            self._doc.title = self._doc.template_variables["page_title"] = title

    def _content(self, page: Page | None) -> list[Any]:
        if page is None:
            return [Section(empty("There is no page of this name. Choose one on the left."))]
        self._visit = Visit(
            self._reader,
            self._who,
            self._params,
            go=self._go,
            schedule=self._schedule,
            notify=self._tell,
            address=_address(),
        )
        heading = Section(Html(f"<h1>{escape(page.title)}</h1>"))
        try:
            return [heading, page.build(self._visit)]
        except ConsilienceError as error:
            return [heading, Section(failed(str(error)))]
        except Exception:  # noqa: BLE001 - the edge of a session: the frame stays usable, and the log has the trace
            _LOG.exception("The page %s could not be built", page.name)
            return [
                heading,
                Section(failed("This page could not be built; the log of the server says why.")),
            ]

    def _schedule(self, action: Callable[[], None]) -> None:
        if self._doc is not None and self._doc.session_context is not None:
            self._doc.add_next_tick_callback(lambda: self._show(action))
        else:
            action()

    def _show(self, action: Callable[[], None]) -> None:
        session = self._doc.session_context.session
        if session is None or not session.connection_count:
            action()  # the browser has not come for the page yet, and gets it with this
        else:
            # One that still builds the page takes no notice of new children (Bokeh connects a view to its model only
            # when all others of its parent are there): what comes then is shown when it says that it has drawn.
            pn.state.onload(action)

    def _tell(self, sentence: str, kind: str) -> None:
        mark = "alert" if kind == "error" else "status"
        self._notice.draw(
            Html(f"<div class='cs-banner cs-{escape(kind)}' role={mark}>{escape(sentence)}</div>")
        )


def _asked_for() -> dict[str, str]:
    args = pn.state.session_args if pn.state.curdoc else {}
    told = {name: values[-1].decode(errors="replace") for name, values in args.items() if values}
    return read_address(written_address({name: value for name, value in told.items() if name != "theme"}))


def _chose_dark() -> bool:
    """Return whether this browser was left dark, and its address does not say otherwise; see ``theme.js``."""
    if not pn.state.curdoc or "theme" in pn.state.session_args:
        return False
    return str(pn.state.cookies.get("consilience-theme", "")).startswith("dark")


def _address() -> str:
    headers = pn.state.headers if pn.state.curdoc else {}
    return str(headers.get("X-Real-Ip", ""))


def _on_a_telephone() -> bool:
    headers = pn.state.headers if pn.state.curdoc else {}
    return headers.get("Sec-Ch-Ua-Mobile") == "?1" or "Mobi" in headers.get("User-Agent", "")


def _links(pages: tuple[Page, ...], current: Page | None) -> Html:
    links = "".join(
        f"<a href='{escape(written_address({'page': page.name}))}'{' aria-current=page' if page is current else ''}>"
        f"<svg aria-hidden=true width=20 height=20 viewBox='0 0 24 24'><path d='{escape(page.icon)}'/></svg>"
        f"{escape(page.title)}</a>"
        for page in pages
    )
    return Html(f"<nav class=cs-nav aria-label=Pages>{links}</nav>")


def _person(viewer: Viewer, leaves: str) -> Html:
    if not viewer.name:
        return Html("")
    role = "no role" if viewer.role is None else viewer.role.word
    out = f"<a href='{escape(leaves)}'>Sign out</a>" if leaves else ""
    return Html(
        f"<div class=cs-person><span>{escape(viewer.name, 40)} <span class=cs-role>({role})</span></span>{out}</div>"
    )


_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 48 48' fill='none' "
    "stroke='%234338ca' stroke-width='4'%3E%3Ccircle cx='16' cy='18' r='10'/%3E%3Ccircle cx='32' cy='18' r='10'/%3E"
    "%3Ccircle cx='24' cy='32' r='10'/%3E%3C/svg%3E"
)
