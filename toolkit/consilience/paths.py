"""Folders of the user that Consilience writes to."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return the folder for what can be fetched again: the local model.

    ``CONSILIENCE_CACHE`` names another one; by default it is the platform's cache folder
    (``~/.cache/consilience`` on Linux, ``XDG_CACHE_HOME`` honoured). The folder is not made here.
    """
    named = os.environ.get("CONSILIENCE_CACHE")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("consilience", appauthor=False))


def config_dir() -> Path:
    """Return the folder for what the user wrote down: keys.

    The platform's own (``~/.config/consilience`` on Linux, ``XDG_CONFIG_HOME`` honoured). The folder is not made here.
    """
    import platformdirs

    return Path(platformdirs.user_config_dir("consilience", appauthor=False))


def spools_dir() -> Path:
    """Return the folder for what was written and has not reached a server yet: the spools of stores with a URL.

    ``CONSILIENCE_SPOOLS`` names another one, on a local disk; by default it is in the platform's folder for data
    (``~/.local/share/consilience/spools`` on Linux, ``XDG_DATA_HOME`` honoured). The folder is not made here.
    """
    named = os.environ.get("CONSILIENCE_SPOOLS")
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("consilience", appauthor=False)) / "spools"
