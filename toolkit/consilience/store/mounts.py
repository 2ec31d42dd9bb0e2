"""Whether a path lies on a network file system, where locks between machines do not hold.

Linux says what is mounted where in ``/proc/self/mountinfo`` (proc_pid_mountinfo(5)). On a platform without it nothing
is known and nothing is refused. Folders that one machine shares with its own guests (9p, virtiofs, drvfs) are not
network file systems here: one kernel sees all writers, unless host and guest both write.
"""

from __future__ import annotations

import re
from pathlib import Path

from consilience.errors import NetworkFileSystem

NETWORK_TYPES = frozenset(
    [
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "pvfs2",
        "smb3",
        "smbfs",
        "fuse.ceph",
        "fuse.cephfs",
        "fuse.davfs",
        "fuse.davfs2",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.goofys",
        "fuse.juicefs",
        "fuse.mount.ceph",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.seaweedfs",
        "fuse.smbnetfs",
        "fuse.sshfs",
    ]
)

_MOUNTINFO = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


def file_system(mountinfo: str, path: Path) -> str:
    r"""Return the type of the file system that holds an absolute path; an empty text when no mount does.

    Parameters
    ----------
    mountinfo
        The text of ``/proc/self/mountinfo``.
    path
        An absolute path without symbolic links.

    Examples
    --------
    >>> text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:9 / /home rw shared:1 - nfs4 srv:/home rw\n"
    >>> file_system(text, Path("/home/ana/history.duckdb"))
    'nfs4'
    """
    depth, found = -1, ""
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        # Of two mounts on one point the later covers the earlier.
        if len(point.parts) >= depth and path.is_relative_to(point):
            depth, found = len(point.parts), after.split(" ", 1)[0]
    return found


def refuse_network(path: Path) -> None:
    """Raise `NetworkFileSystem` when the path lies on one."""
    try:
        mountinfo = _MOUNTINFO.read_text(errors="surrogateescape")
    except OSError:
        return
    kind = file_system(mountinfo, path)
    if kind in NETWORK_TYPES:
        raise NetworkFileSystem(
            f"A store needs a local disk, {path} lies on {kind}: locks between machines do not hold there, and two "
            "writers would damage the file. Put the store on a local disk; to take history elsewhere, copy the file "
            "when nothing writes to it."
        )
