"""What is installed: the interpreter, the packages, the kernels, the local model."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from consilience.doctor.check import Check


def installed() -> list[Check]:
    """Look at this installation."""
    return [_python(), *map(_package, ("polars", "duckdb", "pyarrow")), _kernels(), *_local()]


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
