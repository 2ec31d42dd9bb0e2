"""What a page is given: who looks, at what, and how to stay up to date."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from consilience.dashboards.address import written_address
from consilience.dashboards.audit import record
from consilience.dashboards.query import Known, Query
from consilience.dashboards.roles import Role, Viewer
from consilience.dashboards.section import Section, failed, skeleton
from consilience.errors import ConsilienceError

if TYPE_CHECKING:
    from consilience.dashboards.reader import Reader
    from consilience.store import Store

__all__ = ["Visit"]

_LOG = logging.getLogger("consilience.dashboards")
T = TypeVar("T")


class Visit:
    """One person on one page. The frame makes it, gives it to the page's ``build``, and ends it.

    Parameters
    ----------
    reader
        The reader that all sessions share.
    who
        Returns who looks, as of now: a role that was taken away is gone at the next action.
    params
        The parameters of the URL.
    go
        Puts other parameters into the URL and, if ``True`` comes with them, builds the page anew.
    schedule
        Runs a function in the session, under its lock.
    notify
        Shows a sentence for a moment.
    """

    def __init__(
        self,
        reader: Reader,
        who: Callable[[], Viewer],
        params: Mapping[str, str],
        *,
        go: Callable[[Mapping[str, str], bool], object],
        schedule: Callable[[Callable[[], None]], object],
        notify: Callable[[str, str], object],
        address: str = "",
    ) -> None:
        self.reader = reader
        self.params: dict[str, str] = dict(params)
        self._who, self._go, self._schedule, self._notify = who, go, schedule, notify
        self._address = address
        self._stops: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._news: dict[int, Callable[[], object]] = {}
        self._ended = False

    @property
    def store(self) -> Store:
        """The store, for what an action writes; what a page shows comes through `section` and `live`."""
        return self.reader.store

    @property
    def viewer(self) -> Viewer:
        """Who looks, with the role that they have now."""
        return self._who()

    def require(self, role: Role, doing: str) -> None:
        """Raise `NotAllowed` unless the viewer has the role; a page calls it in each action, on the server."""
        self.viewer.require(role, doing)

    def link(self, page: str, **params: object) -> str:
        """Return the address of a page, for ``href``: it can be sent to a teammate.

        Examples
        --------
        >>> Visit.link(None, "questions", q="5%")
        '?page=questions&q=5%25'
        """
        return written_address({"page": page, **params})

    def put(self, **params: object) -> None:
        """Put parameters into the URL without building the page anew, such as a filter; empty ones leave it."""
        told = {name: str(value) for name, value in params.items() if value not in (None, "")}
        self.params = {name: value for name, value in self.params.items() if name not in params} | told
        self._go(self.params, False)

    def go(self, page: str, **params: object) -> None:
        """Go to a page."""
        told = {name: str(value) for name, value in params.items() if value not in (None, "")}
        self._go({"page": page, **told}, True)

    def live(self, query: Query[T], show: Callable[[Known[T]], object]) -> Callable[[], None]:
        """Call `show` in this session with what the query brings, and again whenever that changes.

        Returns
        -------
        Callable
            Ends it before the page is left, for instance when another filter takes its place.
        """

        def news(known: Known[T]) -> None:
            with self._lock:
                waiting = bool(self._news)
                self._news[id(show)] = partial(show, known)
            if not waiting:
                self._schedule(self._tell)

        first = self.reader.known(query)
        if first is not None:
            show(first)
        stop = self.reader.subscribe(query, _unless(first, news))
        self._stops.append(stop)
        return stop

    def section(
        self, query: Query[T], render: Callable[[T], str], *, rows: int = 3, **params: Any
    ) -> Section:
        """Return a part of the page that shows what the query brings, and keeps up with it.

        Parameters
        ----------
        query
            What to read. Give it a key that holds every filter.
        render
            Returns `Html`, or text that is escaped. It runs in the session: let the query itself return the markup
            where all sessions see the same.
        rows
            Lines of the skeleton that stands there until the first reading.
        **params
            For the pane.
        """
        pane = Section(skeleton(rows), **params)
        self.live(query, lambda known: pane.draw(_drawn(known, render)))
        return pane

    def act(self, role: Role, doing: str, action: Callable[[], T]) -> T | None:
        """Do what a button asks for: the role is looked at here, on the server, and an error becomes a sentence."""
        try:
            self.require(role, doing)
            return action()
        except ConsilienceError as error:
            self._notify(str(error), "error")
            return None

    def notify(self, sentence: str) -> None:
        """Show a sentence for a moment."""
        self._notify(sentence, "info")

    def audit(self, action: str, target: str = "", detail: str = "") -> None:
        """Keep who did what in the store: a review, an export, a setting."""
        record(self.store, self.viewer, action, target, detail, self._address)

    def end(self) -> None:
        """End all subscriptions; the frame calls this when the page is left or the session closes."""
        self._ended = True
        while self._stops:
            self._stops.pop()()

    def _tell(self) -> None:
        with self._lock:
            news, self._news = self._news, {}
        if self._ended:
            return
        for each in news.values():
            each()


def _unless(first: Known[T] | None, listener: Callable[[Known[T]], None]) -> Callable[[Known[T]], None]:
    """Return the listener without the news that were shown already."""

    def listen(known: Known[T]) -> None:
        if known is not first:
            listener(known)

    return listen


def _drawn(known: Known[T], render: Callable[[T], str]) -> str:
    if known.error is not None:
        return failed(str(known.error))
    try:
        return render(known.value)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - one part of a page that cannot be drawn must not take the others with it
        _LOG.exception("A part of a page could not be drawn")
        return failed("This part could not be drawn; the log of the server says why.")
