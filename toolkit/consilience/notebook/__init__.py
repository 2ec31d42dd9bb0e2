"""Widgets, magics and displays for notebooks.

>>> from consilience import notebook
>>> notebook.Ask  # doctest: +SKIP

Names are loaded on first use: they need the extra ``notebook``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from consilience.notebook.agreement import Agreement
    from consilience.notebook.ask import Ask
    from consilience.notebook.duplicates import Duplicates
    from consilience.notebook.history import History
    from consilience.notebook.operations import Operations
    from consilience.notebook.review import Review
    from consilience.notebook.run import Run
    from consilience.notebook.widget import Widget

_HOMES = {
    "Agreement": "agreement",
    "Ask": "ask",
    "Operations": "operations",
    "Run": "run",
    "History": "history",
    "Duplicates": "duplicates",
    "Review": "review",
    "Widget": "widget",
}

__all__ = [
    "Agreement",
    "Ask",
    "Duplicates",
    "History",
    "Operations",
    "Review",
    "Run",
    "Widget",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'consilience.notebook' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"consilience.notebook.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
