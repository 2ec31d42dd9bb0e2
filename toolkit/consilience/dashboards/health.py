"""Whether the dashboard can show its pages, for whoever starts and stops processes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from bokeh.document import Document
from tornado.web import RequestHandler

from consilience.dashboards.dashboard import Dashboard
from consilience.dashboards.query import sql

__all__ = ["Health", "Liveness", "Readiness"]

_LOG = logging.getLogger("consilience.dashboards")
_LOOK = 5.0
_PATIENCE = 10.0
_ASKED = sql("readiness", "SELECT count(*) AS n FROM schema_version")


class Health:
    """Looks at what a page needs: the store, the page itself as it is rendered, and the files that browsers load.

    What was found holds for five seconds, so that asking often costs nothing.

    Parameters
    ----------
    dashboard
        What is served.
    clock
        Monotonic seconds.
    """

    def __init__(self, dashboard: Dashboard, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._dashboard, self._clock = dashboard, clock
        self._found: dict[str, str] = {}
        self._at: float | None = None

    async def look(self) -> dict[str, str]:
        """Return what is wrong, by what it is wrong with; empty when all is well."""
        if self._at is None or self._clock() - self._at >= _LOOK:
            self._found = {
                name: wrong
                for name, wrong in (
                    ("store", await self._store()),
                    ("page", self._page()),
                    ("assets", _assets()),
                )
                if wrong
            }
            self._at = self._clock()
        return self._found

    async def _store(self) -> str:
        try:
            async with asyncio.timeout(_PATIENCE):
                known = await asyncio.to_thread(self._dashboard.reader.now, _ASKED)
        except TimeoutError:
            return f"It did not answer within {_PATIENCE:g} s."
        if known.error is not None:
            _LOG.warning("The store cannot be read: %s", known.error)
            return "It cannot be read; the log says why."
        return ""

    def _page(self) -> str:
        from panel.io.document import _cleanup_doc

        document = Document()
        try:
            self._dashboard.rendered(document)
            text = str(document.to_json())
        except Exception:  # noqa: BLE001 - whatever keeps the page from being rendered is what is looked for
            _LOG.exception("The first page cannot be rendered")
            return "It cannot be rendered; the log says why."
        finally:
            _cleanup_doc(document, destroy=True)
        return "It shows an error." if "could not be built" in text else ""


def _assets() -> str:
    import bokeh
    import panel as pn
    import panel_material_ui as pmu

    static = Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js"
    ours = files("consilience.dashboards")
    wanted = (
        static,
        Path(pn.__file__).parent / "dist" / "panel.min.js",
        Path(pmu.__file__).parent / "dist" / "panel-material-ui.bundle.js",
        *(Path(str(ours.joinpath(name))) for name in ("sections.css", "links.js", "templates/login.html")),
    )
    missing = [path.name for path in wanted if not path.is_file()]
    return f"{', '.join(missing)} missing: install the extra dashboard again." if missing else ""


class Liveness(RequestHandler):
    """Answers while the server's loop runs."""

    def get(self) -> None:
        """Say so."""
        self.write({"alive": True})


class Readiness(RequestHandler):
    """Answers 200 when a page can be shown, and 503 with what is wrong otherwise."""

    def initialize(self, health: Health) -> None:
        """Take what looks."""
        self._health = health

    async def get(self) -> None:
        """Look, and say."""
        wrong: dict[str, Any] = dict(await self._health.look())
        self.set_status(503 if wrong else 200)
        self.write({"ready": not wrong, "wrong": wrong})
