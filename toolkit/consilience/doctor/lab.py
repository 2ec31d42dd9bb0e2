"""The kernel's environment beside JupyterLab's: where they differ, widgets show as plain text.

A widget needs its Python part in the kernel and its script in JupyterLab. The script lies as a folder under
``share/jupyter/labextensions`` of the environment that JupyterLab runs from, so nothing has to be started to see it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from consilience.doctor.check import Check

#: The distribution that a kernel needs, and the extension that JupyterLab needs for it.
_NEEDED = {"anywidget": "anywidget", "ipywidgets": "@jupyter-widgets/jupyterlab-manager"}
_EXTENSIONS = Path("share", "jupyter", "labextensions")


@dataclass(frozen=True, slots=True)
class Lab:
    """A JupyterLab of this machine.

    Parameters
    ----------
    prefix
        Its environment.
    how
        How it was found.
    """

    prefix: Path
    how: str


def lab(
    labs: Iterable[Lab] | None = None,
    kernel: Path | None = None,
    versions: Mapping[str, str] | None = None,
) -> list[Check]:
    """Compare every JupyterLab with this kernel's environment.

    Parameters
    ----------
    labs
        Those to look at; by default the running ones, else the one on the PATH, else this environment's.
    kernel
        The environment of the kernel; by default the one that this runs in.
    versions
        Versions of the kernel's part of the widgets, by distribution; by default those that are installed.
    """
    here = kernel or Path(sys.prefix)
    mine = _installed() if versions is None else versions
    found = list(dict.fromkeys(labs if labs is not None else _labs()))
    if not found:
        none = Check("JupyterLab", None, "not found", "pip install 'consilience[notebook]'")
        return [_kernel(here, mine), none]
    return [_kernel(here, mine), *(_compared(each, here, mine) for each in found)]


def _kernel(here: Path, mine: Mapping[str, str]) -> Check:
    missing = [name for name in _NEEDED if name not in mine]
    if missing:
        lacking = f"{', '.join(missing)} not in {here}"
        return Check("widgets, kernel", False, lacking, "pip install 'consilience[notebook]'")
    told = ", ".join(f"{name} {mine[name]}" for name in _NEEDED)
    return Check("widgets, kernel", True, f"{told} in {here}")


def _compared(found: Lab, here: Path, mine: Mapping[str, str]) -> Check:
    theirs = {name: _extension(found.prefix, folder) for name, folder in _NEEDED.items()}
    lacking = [name for name, version in theirs.items() if version is None]
    # the script of ipywidgets has a numbering of its own
    pair = mine.get("anywidget"), theirs["anywidget"]
    if lacking:
        trouble = f"without {', '.join(lacking)}: widgets of this kernel show as plain text"
        wanted = " ".join(lacking)
    elif pair[0] and pair[1] and _major(pair[0]) != _major(pair[1]):
        trouble = f"with anywidget {pair[1]} beside {pair[0]} in this kernel: widgets can show as plain text"
        wanted = f"'anywidget=={pair[0]}'"
    else:
        same = "this environment" if found.prefix == here else f"{found.prefix}, which has what widgets need"
        return Check(f"JupyterLab {found.how}", True, f"runs from {same}")
    return Check(
        f"JupyterLab {found.how}",
        False,
        f"runs from {found.prefix}, {trouble}",
        f"{found.prefix / 'bin' / 'python'} -m pip install {wanted}, then restart JupyterLab and reload the page",
    )


def _installed() -> dict[str, str]:
    found = {}
    for name in _NEEDED:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _major(text: str) -> str:
    parts = text.split(".")
    return ".".join(parts[:2]) if parts[0] == "0" else parts[0]


def _extension(prefix: Path, folder: str) -> str | None:
    """Return the version of an extension that JupyterLab finds in its environment or the user's folder."""
    for base in (prefix / _EXTENSIONS, _user_data() / "labextensions"):
        try:
            told = json.loads((base / folder / "package.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # not there, or not whole: the next place may have it
        return str(told.get("version", ""))
    return None


def _user_data() -> Path:
    named = os.environ.get("JUPYTER_DATA_DIR")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Jupyter"
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "jupyter"


def _labs() -> list[Lab]:
    runtime = os.environ.get("JUPYTER_RUNTIME_DIR")
    running = list(running_labs(Path(runtime) if runtime else _user_data() / "runtime", Path("/proc")))
    if running:
        return running
    on_path = shutil.which("jupyter-lab")
    prefix = on_path and prefix_of_script(Path(on_path))
    if prefix:
        return [Lab(prefix, "on the PATH")]
    here = Path(sys.prefix)
    return [Lab(here, "beside this Python")] if (here / "bin" / "jupyter-lab").exists() else []


def running_labs(runtime: Path, proc: Path) -> Iterator[Lab]:
    """Yield the servers that are running, by the files that they write; of each the port is told, never its token."""
    for path in sorted(runtime.glob("jpserver-*.json")):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            words = (proc / str(told["pid"]) / "cmdline").read_bytes().split(b"\0")
            port = int(told["port"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it ended, or it belongs to somebody else, or the platform has no /proc
        python = Path(os.fsdecode(words[0]))
        if python.is_absolute():
            yield Lab(python.parent.parent, f"on port {port}")


def prefix_of_script(path: Path) -> Path | None:
    """Return the environment of a script that pip installed, by the interpreter in its first lines."""
    try:
        start = path.read_bytes()[:1_000].decode(errors="replace")
    except OSError:
        return None
    first, *rest = start.splitlines() or [""]
    # a long path stands in the second line, behind exec
    words = [first.removeprefix("#!").strip(), *(line.split('"')[0].strip("' ") for line in rest[:1])]
    for word in words:
        python = word.removeprefix("exec").strip("' ").split(" ")[0]
        if python.startswith("/") and "python" in Path(python).name:
            return Path(python).parent.parent
    return None
