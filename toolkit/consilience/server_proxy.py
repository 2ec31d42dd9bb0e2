"""The dashboard in JupyterLab's launcher, on Binder and JupyterHub too, by jupyter-server-proxy.

Jupyter signs its users in and checks where a request comes from before it passes anything on; the dashboard itself
listens on this machine alone, and sees requests as coming from there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

#: Names the store that the dashboard shows; ``history.duckdb`` in Jupyter's folder without it.
STORE = "CONSILIENCE_STORE"
NAME = "consilience"


def dashboard() -> dict[str, Any]:
    """Return how the dashboard is started and reached; jupyter-server-proxy finds this by its entry point.

    Examples
    --------
    >>> dashboard()["launcher_entry"]["title"]
    'Consilience'
    """
    here = "localhost:{port}"
    return {
        "command": [
            str(Path(sys.executable).with_name("consilience")),
            "serve",
            os.environ.get(STORE, "history.duckdb"),
            "--port",
            "{port}",
            "--prefix",
            "{base_url}" + NAME,
        ],
        "absolute_url": True,
        "timeout": 60,
        "request_headers_override": {"Host": here, "Origin": f"http://{here}"},
        "launcher_entry": {
            "title": "Consilience",
            "icon_path": str(Path(__file__).with_name("launcher.svg")),
        },
    }
