"""The spool holds finished segments only."""

from __future__ import annotations

import errno
import os
import shutil

import pytest

from consilience.errors import StoreError, StoreFull
from consilience.store import Store
from consilience.store import spool as spools
from consilience.store.rows import Bundle, slow_statement
from consilience.store.spool import Spool


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "history.duckdb.spool")


def test_segments_come_back_in_the_order_of_writing(tmp_path):
    times = iter([2.0, 1.0, 3.0])
    spool = Spool(tmp_path / "spool", now=lambda: 1e9 + next(times))
    names = [spool.write(bytes([n])) for n in range(3)]
    assert [segment.name for segment in spool.waiting()] == sorted(names)
    assert [spool.read(segment.name) for segment in spool.waiting()] == [b"\x01", b"\x00", b"\x02"]


def test_an_unfinished_file_is_no_segment(spool):
    spool.write(b"x")
    (spool.folder / ".writing-1-2-3.parquet").write_bytes(b"half")
    assert len(spool.waiting()) == 1


def test_only_orphans_are_swept(spool):
    spool.write(b"x")
    fresh, orphan = (spool.folder / f".writing-{name}.parquet" for name in ("fresh", "orphan"))
    for file in (fresh, orphan):
        file.write_bytes(b"half")
    os.utime(orphan, (0, 0))
    assert spool.sweep() == 1
    assert fresh.exists()
    assert not orphan.exists()
    assert len(spool.waiting()) == 1


def failing(monkeypatch, error, times=1):
    """Let the next writes fail as the system would."""
    left = [error] * times
    plain = spools.write_synced

    def write_synced(folder, temporary, name, data):
        if left:
            raise left.pop()
        plain(folder, temporary, name, data)

    monkeypatch.setattr(spools, "write_synced", write_synced)
    return left


def test_a_writer_whose_file_was_swept_writes_it_again(spool, monkeypatch):
    spool.write(b"first")
    left = failing(monkeypatch, FileNotFoundError(errno.ENOENT, "No such file or directory"))
    assert spool.read(spool.write(b"x")) == b"x"
    assert not left


def test_a_folder_that_was_removed_is_made_again(spool):
    spool.write(b"x")
    shutil.rmtree(spool.folder)
    assert spool.read(spool.write(b"y")) == b"y"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_how_much_is_needed_and_leaves_nothing(spool, monkeypatch, code):
    spool.write(b"x")
    failing(monkeypatch, OSError(code, os.strerror(code)))
    with pytest.raises(StoreFull, match=r"needs 1,000 bytes in .*\.spool, [\d,]+ are free: make space"):
        spool.write(b"x" * 1000)
    assert len(list(spool.folder.iterdir())) == 1


def test_another_failure_is_named(spool, monkeypatch):
    failing(monkeypatch, OSError(errno.EIO, "Input/output error"))
    with pytest.raises(StoreError, match="it cannot: Input/output error"):
        spool.write(b"x")


def test_rows_that_cannot_be_written_are_refused_and_do_not_stand_in_the_way_of_others(tmp_path):
    with Store(tmp_path / "h.duckdb") as store:
        outbox = store._outbox
        good = slow_statement("SELECT 1", 1.0, 1, "")
        bad = Bundle({"statements": [(*good.tables["statements"][0][:3], object(), 1, "")]})
        with pytest.raises(StoreError, match="cannot keep, and is not written"):
            outbox.put(bad)
        outbox.put(good)
        assert outbox.n_pending == 0
        assert store.sql("SELECT text FROM statements").rows() == [("SELECT 1",)]
