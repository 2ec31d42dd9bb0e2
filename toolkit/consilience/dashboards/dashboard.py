"""The dashboard as an object: in a cell, under ``panel serve``, and behind ``consilience serve``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from consilience.dashboards.roles import Role, Viewer, role_named

if TYPE_CHECKING:
    from consilience.dashboards.frame import Frame
    from consilience.dashboards.reader import Reader
    from consilience.store import Store

__all__ = ["Dashboard", "app"]


class Dashboard:
    """Pages over a store, which go on changing while others write to it.

    In a notebook it shows itself as a cell's value. ``servable()`` in a script is for ``panel serve``.

    Parameters
    ----------
    store
        What is shown.
    roles
        Who has which role, by the name under which they sign in.
    role
        Who is not in `roles`, and whoever looks where nobody signs in; ``None`` may see nothing.
    title
        In the head of each page.
    """

    def __init__(
        self,
        store: Store,
        *,
        roles: Callable[[str], Role | None] | None = None,
        role: Role | None = Role.READER,
        title: str = "Consilience",
        leaves: str = "",
    ) -> None:
        self.store = store
        self.title = title
        self._roles = roles
        self._role = role
        self._leaves = leaves
        self._reader: Reader | None = None
        self._embedded: Frame | None = None

    @property
    def reader(self) -> Reader:
        """The reader that all sessions of this process share."""
        if self._reader is None:
            from consilience.dashboards.reader import reader_of

            self._reader = reader_of(self.store)
        return self._reader

    def view(self) -> Any:
        """Return the page of one session, as Panel shows it; a server calls this for each session."""
        from consilience.dashboards.frame import Frame

        return Frame(self.reader, self._person(), title=self.title, leaves=self._leaves).page()

    def rendered(self, document: Any) -> None:
        """Render the first page into a document, as somebody who may see it."""
        from panel.io.state import set_curdoc

        from consilience.dashboards.frame import Frame

        with set_curdoc(document):
            frame = Frame(self.reader, lambda: Viewer("", Role.READER), title=self.title)
            frame.page().server_doc(document)
            frame.close()

    def servable(self) -> Dashboard:
        """Serve these pages where ``panel serve`` runs this script.

        Returns
        -------
        Dashboard
            This one.
        """
        import panel as pn

        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            self.view().servable(title=self.title)
        return self

    def show(self, *, port: int = 0) -> Any:
        """Open a browser on these pages, served on this machine only, and return the server; ``stop()`` ends it."""
        import panel as pn

        owner = Dashboard(self.store, role=Role.OPERATOR, title=self.title)
        return pn.serve(
            owner.view,
            port=port,
            address="127.0.0.1",
            title=self.title,
            threaded=True,
            show=True,
            verbose=False,
        )

    def close(self) -> None:
        """End what keeps the view in a notebook up to date."""
        if self._embedded is not None:
            self._embedded.close()
            self._embedded = None

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        import panel as pn

        from consilience.dashboards.frame import Frame

        self.close()
        pn.extension()  # Brings the scripts into the notebook; a second time does nothing.
        # Whoever runs the kernel can read the file anyway.
        self._embedded = Frame(self.reader, lambda: Viewer("", Role.OPERATOR), title=self.title)
        return self._embedded.embedded()._repr_mimebundle_(include, exclude)

    def _person(self) -> Callable[[], Viewer]:
        import panel as pn

        # Taken here: a callback from the reader's thread has no session of its own.
        name = pn.state.user or ""

        def who() -> Viewer:
            if self._roles is None:
                return Viewer(name, self._role)
            return Viewer(name, self._roles(name))

        return who

    def __repr__(self) -> str:
        return f"<Dashboard over {self.store.address!r}>"


def app(
    store: Store | str | os.PathLike[str],
    *,
    roles: Mapping[str, str] | None = None,
    role: str = "reader",
    title: str = "Consilience",
) -> Dashboard:
    """Return the dashboard over a store.

    Parameters
    ----------
    store
        A `Store`, or the path of one.
    roles
        Who has which role (``"reader"``, ``"reviewer"``, ``"operator"``), by the name under which they sign in.
    role
        The role of everybody else, and of whoever looks where nobody signs in.
    title
        In the head of each page.

    Raises
    ------
    InvalidInput
        A role is none of the three.
    StoreError
        There can be no store at the path.

    Examples
    --------
    A script of one line for ``panel serve``::

        cs.dashboards.app("history.duckdb").servable()

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     app(f"{folder}/history.duckdb")
    <Dashboard over '.../history.duckdb'>
    """
    from consilience.store import Store

    held = store if isinstance(store, Store) else Store(store)
    otherwise = role_named(role)
    named = {name: role_named(word) for name, word in (roles or {}).items()}
    return Dashboard(
        held,
        roles=(lambda name: named.get(name, otherwise)) if named else None,
        role=otherwise,
        title=title,
    )
