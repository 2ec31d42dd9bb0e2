"""What a page is, and which there are."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.dashboards.roles import Role, Viewer

if TYPE_CHECKING:
    from consilience.dashboards.visit import Visit

__all__ = ["PAGES", "Page", "page_named", "pages_for"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the dashboard; its module is loaded when somebody first opens it.

    Parameters
    ----------
    name
        In the URL: ``?page=name``.
    title
        In the sidebar and above the page.
    home
        Module with a function ``build(visit)`` that returns what Panel shows, and does not wait for the store.
    icon
        Path of a 24 by 24 drawing, as SVG's ``d``.
    role
        Who may see it: this role, and those above.
    listed
        Whether it stands in the sidebar.
    """

    name: str
    title: str
    home: str
    icon: str = ""
    role: Role = Role.READER
    listed: bool = True

    def build(self, visit: Visit) -> Any:
        """Return the page for one visit.

        Raises
        ------
        NotAllowed
            The visitor's role does not reach it.
        """
        visit.require(self.role, f"The page {self.title}")
        return importlib.import_module(self.home).build(visit)


_HOME = "consilience.dashboards.pages."
PAGES: tuple[Page, ...] = (
    Page("overview", "Overview", _HOME + "overview", "M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z"),
    Page("questions", "Questions", _HOME + "questions", "M4 5h16v11H9l-5 4zM8 9h8M8 12h5"),
    Page(
        "experts",
        "Experts",
        _HOME + "experts",
        "M9 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6M3 20a6 6 0 0 1 12 0M16 6a3 3 0 0 1 0 5M18 14a6 6 0 0 1 3 6",
    ),
    Page("runs", "Runs", _HOME + "runs", "M4 5h16v4H4zM4 12h10v4H4zM4 19h6"),
    Page(
        "recommendations",
        "Recommendations",
        _HOME + "recommendations",
        "M4 6l2 2l3-4M12 6h8M4 13l2 2l3-4M12 13h8M12 19h8",
    ),
    Page("review", "Review", _HOME + "review", "M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3", Role.REVIEWER),
    Page(
        "operations",
        "Operations",
        _HOME + "operations",
        "M4 8h8M16 8h4M4 16h3M11 16h9M12 8a2 2 0 1 0 4 0a2 2 0 1 0-4 0M7 16a2 2 0 1 0 4 0a2 2 0 1 0-4 0",
        Role.OPERATOR,
    ),
)


def page_named(name: str) -> Page | None:
    """Return the page of this name, the first one for no name, and ``None`` where there is none."""
    if not name:
        return PAGES[0]
    return next((page for page in PAGES if page.name == name), None)


def pages_for(viewer: Viewer) -> tuple[Page, ...]:
    """Return the pages that stand in this person's sidebar."""
    return tuple(page for page in PAGES if page.listed and viewer.may(page.role))
