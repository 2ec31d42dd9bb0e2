"""How many processors this process may use: its affinity and its control group, not the machine's count."""

from __future__ import annotations

import math
import os
from pathlib import Path

# More threads than this do not make a model of 135 M parameters faster; they wait for each other.
_MOST = 8


def threads(root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> int:
    """Return the number of threads the local model computes with: at least 1, at most 8.

    Parameters
    ----------
    root, membership
        Where the control groups are mounted, and the file that names this process's own.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    quota = cpu_quota(root, membership)
    if quota is not None:
        count = min(count, math.ceil(quota))
    return max(1, min(count, _MOST))


def cpu_quota(root: Path, membership: Path) -> float | None:
    """Return the smallest processor quota on the way from the process's control group to the root.

    Both layouts are read: ``cpu.max`` of version 2, ``cpu.cfs_quota_us`` of version 1. ``None`` is no limit.
    """
    quotas = [q for folder in _folders(root, membership) if (q := _quota_of(folder)) is not None]
    return min(quotas, default=None)


def _folders(root: Path, membership: Path) -> list[Path]:
    found = [root, root / "cpu"]
    for line in _text(membership).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, place = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "cpu" if controllers else root
        own = Path(place.lstrip("/"))
        found += [base / folder for folder in (own, *own.parents)]
    return found


def _quota_of(folder: Path) -> float | None:
    quota, period = [*_text(folder / "cpu.max").split(), "", ""][:2]
    if not quota:
        quota, period = (
            _text(folder / "cpu.cfs_quota_us").strip(),
            _text(folder / "cpu.cfs_period_us").strip(),
        )
    if not (quota.isdigit() and period.isdigit()) or int(period) == 0:
        return None  # "max" and -1 mean that there is no limit
    return int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
