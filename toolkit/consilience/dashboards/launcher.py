"""The dashboard in Jupyter's launcher, through jupyter-server-proxy."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["launcher"]


def launcher() -> dict[str, object]:
    """Return how jupyter-server-proxy starts the dashboard; it calls this by the package's entry point.

    The store is ``CONSILIENCE_STORE``, or ``history.duckdb`` in the folder where Jupyter was started.

    Examples
    --------
    >>> launcher()["launcher_entry"]["title"]
    'Consilience'
    """
    store = os.environ.get("CONSILIENCE_STORE", "history.duckdb")
    start = "from consilience.cli import app; app()"
    command = [sys.executable, "-c", start, "serve", store, "--port", "{port}", "--behind-jupyter"]
    return {
        "command": command,
        "timeout": 60,
        "absolute_url": False,
        "launcher_entry": {
            "title": "Consilience",
            "path_info": "consilience/",
            "icon_path": str(Path(__file__).with_name("launcher.svg")),
        },
    }
