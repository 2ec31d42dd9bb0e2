"""The dashboard for teammates: pages over a store that notebooks go on writing to.

``consilience serve`` serves it, ``panel serve`` serves a script with ``app("history.duckdb").servable()``, and a cell
shows it: the same pages everywhere. It needs the extra ``dashboard``.
"""

from consilience.dashboards.dashboard import Dashboard, app
from consilience.dashboards.roles import Role, Viewer

__all__ = ["Dashboard", "Role", "Viewer", "app"]
