"""Chooses once, at import, between the compiled kernels and their Python references.

The environment variable ``CONSILIENCE_KERNELS`` forces one: ``cython`` raises when the extension is absent,
``python`` leaves it alone. Without the variable the extension is used if it is installed. The choice is all or
nothing, and nothing changes it while the process runs.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from subprocess import CalledProcessError
from typing import Literal

from consilience.errors import KernelUnavailable

__all__ = [
    "arrow_columns",
    "backend",
    "dawid_skene",
    "glad",
    "jaccard_matrix",
    "layout",
    "majority",
    "multisets",
    "near_join",
    "scan",
    "token_sets",
    "trie",
    "two_rates",
    "union_find",
    "write_synced",
]

Backend = Literal["cython", "python"]

VARIABLE = "CONSILIENCE_KERNELS"
COMPILED = (
    "_arrow_columns",
    "_dawid_skene",
    "_glad",
    "_jaccard_matrix",
    "_layout",
    "_majority",
    "_multisets",
    "_near_join",
    "_scan",
    "_token_sets",
    "_trie",
    "_two_rates",
    "_union_find",
    "_write_synced",
)


def missing() -> list[str]:
    """Return the names of the compiled modules that are not installed."""
    try:
        return [name for name in COMPILED if find_spec(f"consilience.kernels.{name}") is None]
    except CalledProcessError as error:
        # Only an editable install builds while it looks for a module.
        raise KernelUnavailable(
            "The extension was rebuilt for this import and the build failed; mend what the compiler names above "
            f"in kernels_ext/, or set {VARIABLE}=python to work without the extension"
        ) from error


def choose(forced: str) -> Backend:
    """Return which implementation serves, given the value of the environment variable.

    Parameters
    ----------
    forced
        ``"cython"``, ``"python"``, or ``""`` for the extension if it is installed.

    Raises
    ------
    KernelUnavailable
        If the value is another one, or ``"cython"`` was forced and the extension is not installed.

    Examples
    --------
    >>> choose("python")
    'python'
    """
    wanted = forced.strip().lower()
    if wanted not in ("", "cython", "python"):
        raise KernelUnavailable(
            f"{VARIABLE} must be 'cython' or 'python', got {forced!r}; unset it to let Consilience choose"
        )
    if wanted == "python":
        return "python"
    absent = missing()
    if wanted == "cython" and absent:
        raise KernelUnavailable(
            f"{VARIABLE}=cython needs the compiled extension, and {', '.join(absent)} is not installed; "
            f"reinstall Consilience where a C compiler is present, or unset {VARIABLE} to use Python"
        )
    return "python" if absent else "cython"


backend: Backend = choose(os.environ.get(VARIABLE, ""))

if backend == "cython":
    from consilience.kernels._arrow_columns import arrow_columns
    from consilience.kernels._dawid_skene import dawid_skene
    from consilience.kernels._glad import glad
    from consilience.kernels._jaccard_matrix import jaccard_matrix
    from consilience.kernels._layout import layout
    from consilience.kernels._majority import majority
    from consilience.kernels._multisets import multisets
    from consilience.kernels._near_join import near_join
    from consilience.kernels._scan import scan
    from consilience.kernels._token_sets import token_sets
    from consilience.kernels._trie import trie
    from consilience.kernels._two_rates import two_rates
    from consilience.kernels._union_find import union_find
    from consilience.kernels._write_synced import write_synced
else:
    from consilience.kernels._reference import (
        arrow_columns,
        dawid_skene,
        glad,
        jaccard_matrix,
        layout,
        majority,
        multisets,
        near_join,
        scan,
        token_sets,
        trie,
        two_rates,
        union_find,
        write_synced,
    )
