"""How much memory is used of what there is: by the process, and by the control group that it runs in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = ["MemoryUse", "read_memory"]

# Version 1 writes "no limit" as the largest multiple of a page below 2 ** 63.
_NO_LIMIT = 2**60


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Memory that is used, of the memory that may be.

    Parameters
    ----------
    scope
        Whose: ``"process"``, or ``"cgroup"`` and its path.
    used, limit
        Bytes. Of a control group, file pages that the kernel can drop at once do not count as used.

    Examples
    --------
    >>> MemoryUse("process", 2**30, 2**32).share
    0.25
    """

    scope: str
    used: int
    limit: int

    @property
    def share(self) -> float:
        """Used bytes of the limit, from 0."""
        return self.used / self.limit


@dataclass(frozen=True, slots=True)
class _Version:
    """Where a version of control groups keeps what."""

    folder: str
    limit: str
    used: str
    droppable: str


_V1 = _Version(
    "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
)
_V2 = _Version("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")


def read_memory(*, limit: int | None = None, root: Path = Path("/")) -> MemoryUse | None:
    """Return the use that is closest to its limit.

    Parameters
    ----------
    limit
        Bytes that this process may use; by default all that the machine has.
    root
        Where ``proc`` and ``sys`` are.

    Returns
    -------
    MemoryUse or None
        ``None`` where the system does not tell (it has no ``/proc``).
    """
    uses = [*_groups(root), *_process(root, limit)]
    return max(uses, key=lambda use: use.share, default=None)


def _process(root: Path, limit: int | None) -> Iterator[MemoryUse]:
    pages = _text(root / "proc/self/statm").split()
    machine = _table(_text(root / "proc/meminfo").replace(":", "")).get("MemTotal", 0) * 1024
    allowed = min((known for known in (limit, machine) if known), default=0)
    if len(pages) > 1 and allowed:
        yield MemoryUse("process", int(pages[1]) * os.sysconf("SC_PAGE_SIZE"), allowed)


def _groups(root: Path) -> Iterator[MemoryUse]:
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _limits(root, _V2, path)
        elif "memory" in controllers.split(","):
            yield from _limits(root, _V1, path)


def _limits(root: Path, version: _Version, path: str) -> Iterator[MemoryUse]:
    """Yield the group and the groups around it that have a limit; each of them can end the process."""
    group = PurePosixPath(path)
    for ancestor in (group, *group.parents):
        folder = root / version.folder / ancestor.relative_to("/")
        limit, used = _text(folder / version.limit).strip(), _text(folder / version.used).strip()
        if limit.isdigit() and used.isdigit() and 0 < int(limit) < _NO_LIMIT:
            droppable = _table(_text(folder / "memory.stat")).get(version.droppable, 0)
            yield MemoryUse(f"cgroup {ancestor}", max(0, int(used) - droppable), int(limit))


def _table(text: str) -> dict[str, int]:
    rows = (line.split() for line in text.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:  # this system, this version or this group has no such file
        return ""
