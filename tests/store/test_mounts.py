"""Network file systems are found in what Linux says about its mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from consilience.errors import NetworkFileSystem
from consilience.store import Store, mounts

SAMPLE = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 0:40 / /home rw,relatime shared:5 master:1 - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/ana/local rw - xfs /dev/sdb1 rw
32 27 0:42 / /mnt/team\\040share rw - cifs //server/team rw
33 27 0:43 / /mnt/both rw - ext4 /dev/sdc1 rw
34 27 0:44 / /mnt/both rw - fuse.sshfs ana@server: rw
35 27 0:45 / /mnt/c rw - 9p drvfs rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/history.duckdb", "ext4"),
        ("/home/ana/history.duckdb", "nfs4"),
        ("/home/ana/local/history.duckdb", "xfs"),
        ("/homes/history.duckdb", "ext4"),
        ("/mnt/team share/history.duckdb", "cifs"),
        ("/mnt/both/history.duckdb", "fuse.sshfs"),
        ("/mnt/c/history.duckdb", "9p"),
    ],
)
def test_the_deepest_and_latest_mount_decides(path, kind):
    assert mounts.file_system(SAMPLE, Path(path)) == kind


def test_without_a_mount_nothing_is_known():
    assert mounts.file_system("", Path("/data")) == ""


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "lustre", "ceph", "fuse.glusterfs", "afs"]
)
def test_a_store_on_a_network_file_system_is_refused_with_the_remedy(tmp_path, monkeypatch, kind):
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(f"1 0 0:1 / / rw - {kind} server:/ rw\n")
    monkeypatch.setattr(mounts, "_MOUNTINFO", mountinfo)
    with pytest.raises(NetworkFileSystem, match=rf"lies on {kind}: locks .* local disk"):
        Store(tmp_path / "history.duckdb")


def test_an_unknown_platform_is_not_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(mounts, "_MOUNTINFO", tmp_path / "absent")
    Store(tmp_path / "history.duckdb")
