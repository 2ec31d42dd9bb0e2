"""What works here and what does not, each with the command that mends it."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    what
        Its name.
    works
        Whether it serves; ``None`` for plain information.
    found
        What was found.
    mend
        The command or sentence that helps; empty when nothing is wrong.
    """

    what: str
    works: bool | None
    found: str
    mend: str = ""


def checks() -> list[Check]:
    """Look at this installation; opens no connection and starts nothing."""
    return [_python(), *map(_package, ("polars", "duckdb", "pyarrow")), _kernels(), *_local()]


def servers() -> list[Check]:
    """Look for model servers at the usual ports of this machine; connects to nothing else."""
    from consilience.experts.llm.discovery import discover, usual
    from consilience.loop import background

    found = background.wait_sync(discover())
    if not found:
        ports = ", ".join(sorted({url.split(":")[2].partition("/")[0] for url in usual()}, key=int))
        return [
            Check("model servers", None, f"none at the ports {ports}", "start one, then name it in a circle")
        ]
    return [
        Check(
            f"server at {server.address}",
            None,
            "wants a key" if server.locked else ", ".join(server.models) or "has no model loaded",
            f"cs.Model('{server.services[0]}:...', key='...')" if server.locked else ", ".join(server.names),
        )
        for server in found
    ]


def _python() -> Check:
    return Check("Python", None, f"{platform.python_version()} at {sys.executable}")


def _package(name: str) -> Check:
    try:
        return Check(name, None, version(name))
    except PackageNotFoundError:
        return Check(name, False, "not installed", f"pip install {name}")


def _kernels() -> Check:
    from consilience.errors import KernelUnavailable

    try:
        from consilience import kernels
    except KernelUnavailable as error:
        return Check("kernels", False, "forced and missing", str(error))
    if kernels.backend == "cython":
        return Check("kernels", True, "cython (compiled)")
    return Check(
        "kernels",
        True,
        "python (the readable references: same results, slower)",
        "to compile them: pip install --force-reinstall --no-deps consilience, with a C compiler; "
        "unset CONSILIENCE_KERNELS if it says python",
    )


def _local() -> list[Check]:
    from consilience.experts.local import local_status

    status = local_status()
    extra = (
        Check("local extra", True, "xllamacpp is installed")
        if status.extra_installed
        else Check("local extra", False, "xllamacpp is not installed", "pip install 'consilience[local]'")
    )
    model = (
        Check("local model", True, f"{status.path} ({status.size / 1e6:.0f} MB)")
        if status.model_verified
        else Check("local model", False, f"not usable at {status.path}", "consilience setup-local")
    )
    return [extra, model]
