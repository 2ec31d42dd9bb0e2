"""What works here and what does not, each with the command that mends it."""

from __future__ import annotations

from pathlib import Path

from consilience.doctor.check import Check
from consilience.doctor.installed import installed
from consilience.doctor.keys import keys
from consilience.doctor.lab import lab
from consilience.doctor.ports import dashboard_port, servers
from consilience.doctor.versions import show_versions

__all__ = ["Check", "checks", "servers", "show_versions"]


def checks(store: str | Path | None = None) -> list[Check]:
    """Look at this installation; opens no connection and starts nothing.

    Parameters
    ----------
    store
        A store to look at too: path or URL.
    """
    found = [*installed(), *lab(), *keys(), dashboard_port()]
    if store is not None:
        from consilience.doctor import kept

        found += kept.store(store)
    return found
