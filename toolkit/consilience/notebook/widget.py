"""What every widget here has in common: one way in, one way out, and an end.

The browser sends *actions*, each a method marked with `action`; it never sets state. Python publishes state as traits,
from any thread and at most ten times a second, so that a page that is loaded again finds everything as it was. Rows of
long lists are no state: the browser asks for those in sight (`Widget.reply`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import anywidget
import traitlets

from consilience.errors import ConsilienceError
from consilience.loop import background
from consilience.markup import page
from consilience.notebook.assets import assets
from consilience.notebook.cells import adopt

F = TypeVar("F", bound=Callable[..., None])

_INTERVAL = 0.1


def action(method: F) -> F:
    """Mark a method as one that the browser may call by its name, with keyword arguments."""
    method.__dict__["is_action"] = True
    return method


def drawn_by(name: str, *pieces: str) -> tuple[Any, Any]:
    """Return the traits that hold a widget's script and style: ``static/<name>.js`` and ``static/<name>.css``.

    Further pieces are those that several widgets share, such as ``verdict``.
    """
    script, style = assets(name, *pieces)
    return traitlets.Unicode(script).tag(sync=True), traitlets.Unicode(style).tag(sync=True)


class Widget(anywidget.AnyWidget):
    """A widget whose state belongs to Python.

    A subclass says ``_esm, _css = drawn_by("its script")``, declares traits with ``.tag(sync=True)`` for what is shown,
    and marks with `action` what the browser may call. A cell that is run again closes the widgets it made before.

    Attributes
    ----------
    error
        One sentence on what went wrong last; empty when nothing did.
    """

    error = traitlets.Unicode("").tag(sync=True)
    # where time comes from, and who calls later
    _monotonic: Callable[[], float] = staticmethod(time.monotonic)
    _later: Callable[[float, Callable[[], object]], None] = staticmethod(background.call_later)

    _made = False  # what a subclass raises before leaves nothing to close

    def __init__(self, **state: Any) -> None:
        self._lock = threading.RLock()
        self._pending: dict[str, Any] = {}
        self._waiting = False
        self._last = -_INTERVAL
        self._closed = False
        self._made = True
        super().__init__(**state)
        self.on_msg(self._receive)
        adopt(self)

    def publish(self, **state: Any) -> None:
        """Show state: at once when nothing was shown in the last tenth of a second, else with what follows.

        A value that is a function is called when it is shown, so that what changes often is put together seldom. May be
        called from any thread; after `close` it does nothing.
        """
        with self._lock:
            if self._closed:
                return
            self._pending.update(state)
            if self._waiting:
                return
            rest = _INTERVAL - (self._monotonic() - self._last)
            if rest <= 0:
                self._flush()
                return
            self._waiting = True
        self._later(rest, self._flush)

    def flush(self) -> None:
        """Show at once what waits to be shown."""
        self._flush()

    def reply(self, kind: str, **content: Any) -> None:
        """Send a message that is no state, such as the rows that are in sight."""
        with self._lock:
            if not self._closed:
                self.send({"kind": kind, **content})

    def stop(self) -> None:
        """End what the widget has under way; an interrupt of the kernel and `close` call it. Nothing by default."""

    def snapshot(self) -> str:
        """Return HTML that stands for the widget where nothing draws it, such as GitHub or a front end without widgets.

        ``jupyter nbconvert --to html`` prefers the widget, which a page then loads from the network; it takes this with
        ``--NbConvertBase.display_data_priority='["text/html", "application/javascript", "image/png", "text/plain"]'``.
        """
        name = type(self).__name__
        return page(note=f"{name} is drawn by a running notebook: run this cell to see it.")

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**options)
        if bundle is not None:
            bundle[0]["text/html"] = self.snapshot()
        return bundle

    def close(self) -> None:
        """Stop, and take the widget out of the kernel and the page."""
        if not self._made:
            return
        with self._lock:
            closed, self._closed = self._closed, True
        if closed:
            return
        self.stop()
        layout = self.layout
        super().close()
        if layout is not None:
            layout.close()  # a widget of its own, which ipywidgets keeps for ever

    def _flush(self) -> None:
        with self._lock:
            self._waiting = False
            self._last = self._monotonic()
            state, self._pending = self._pending, {}
            if state and not self._closed:
                with self.hold_sync():
                    for name, value in state.items():
                        setattr(self, name, value() if callable(value) else value)

    def _receive(self, _widget: object, content: Any, _buffers: object) -> None:
        try:
            self._act(content)
        except ConsilienceError as error:
            self._say(str(error))
        except Exception as error:  # noqa: BLE001 - the edge of a callback: the kernel would only log it, out of sight
            self._say(f"This is a fault in the widget: {type(error).__name__}: {error}")

    def _say(self, error: str) -> None:
        self.publish(error=error)
        self.flush()

    def _act(self, content: Any) -> None:
        sent = dict(content) if isinstance(content, Mapping) else {}
        name = sent.pop("action", None)
        method = getattr(type(self), name, None) if isinstance(name, str) else None
        if method is None or not getattr(method, "is_action", False):
            raise ConsilienceError(
                f"The page asked for {name!r}, which this widget does not do: run the cell again."
            )
        if self.error:
            self.publish(error="")
        method(self, **sent)
