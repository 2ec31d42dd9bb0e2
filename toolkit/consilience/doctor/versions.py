"""What to paste into a report of a fault."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "consilience polars duckdb pyarrow numpy aiohttp httpx2 pandas anywidget ipywidgets jupyterlab ipykernel IPython "
    "itables panel panel-material-ui bokeh hvplot pydantic-ai-slim genai-prices openai anthropic xllamacpp hyperscan "
    "psycopg redis"
)


def show_versions(*, as_dict: bool = False) -> dict[str, str | None] | None:
    """Print the versions of what matters here, for a report of a fault: no key, no path of a user, no host name.

    Parameters
    ----------
    as_dict
        Whether to return them instead; ``None`` stands for what is not installed.

    Examples
    --------
    >>> versions = show_versions(as_dict=True)
    >>> sorted(versions)[:2], versions["kernels"] in ("cython", "python")
    (['CPUs', 'IPython'], True)
    """
    found = {**_system(), **{name: _version(name) for name in _PACKAGES.split()}}
    if as_dict:
        return found
    width = max(map(len, found))
    sys.stdout.write("INSTALLED VERSIONS\n------------------\n")
    for name, told in found.items():
        sys.stdout.write(f"{name:<{width}} : {told}\n")
    return None


def _system() -> dict[str, str | None]:
    from consilience.errors import KernelUnavailable

    try:
        from consilience import kernels

        backend: str = kernels.backend
    except KernelUnavailable:
        backend = "forced and missing"
    return {
        "python": platform.python_version(),
        "OS": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "CPUs": str(os.cpu_count()),
        "kernels": backend,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
