"""A disk that is really full: a small file system in memory, where mounting is allowed."""

from __future__ import annotations

import pytest

from consilience.errors import StoreFull
from consilience.store import Store


def test_rows_stay_in_memory_while_the_disk_is_full_and_go_on_when_there_is_space(small_disk, fill, asked):
    with Store(small_disk / "history.duckdb", interval=3600) as store:
        store.record(*asked("before"))
        fill(small_disk)
        for n in range(3):
            with pytest.raises(StoreFull, match="make space"):
                store.record(*asked(f"while {n}"))
        assert "15 rows pending" in repr(store)
        (small_disk / "filler").unlink()
        store.record(*asked("after"))
        assert "0 rows pending" in repr(store)
        assert store.latest()["question"].to_list() == ["after", "while 2", "while 1", "while 0", "before"]
        assert store.sql("SELECT count(*) FROM responses").item() == 15


def test_the_background_thread_writes_what_a_full_disk_left(small_disk, fill, asked, until):
    with Store(small_disk / "history.duckdb", interval=0.02) as store:
        store.record(*asked())
        store.flush()
        fill(small_disk)
        with pytest.raises(StoreFull):
            store.record(*asked())
        (small_disk / "filler").unlink()
        until(lambda: "0 rows pending" in repr(store))
        assert store.latest().height == 2


@pytest.mark.parametrize("made", [False, True], ids=["new file", "file with rows"])
def test_segments_wait_while_the_ingester_finds_the_disk_full(small_disk, fill, asked, made):
    with Store(small_disk / "history.duckdb", interval=3600) as store:
        if made:
            store.record(*asked("first"))
            store.flush()
        for n in range(5):
            store.record(*asked(f"{n} " + "wet " * 20_000))
        fill(small_disk)
        with pytest.raises(StoreFull, match="make space"):
            store.flush()
        (small_disk / "filler").unlink()
        assert store.latest().height == 5 + made
        for table, each in (("questions", 1), ("responses", 3), ("verdicts", 1)):
            assert store.sql(f"SELECT count(*) FROM {table}").item() == each * (5 + made)
        assert store._spool.waiting() == []


def test_a_compaction_that_finds_the_disk_full_leaves_the_old_file(small_disk, fill, asked):
    with Store(small_disk / "history.duckdb", interval=3600) as store:
        for n in range(5):
            store.record(*asked(f"{n} " + "".join(map(chr, range(40, 40_000)))))
        store.flush()
        fill(small_disk)
        with pytest.raises(StoreFull, match="make space"):
            store.compact()
        assert store.latest().height == 5
        (small_disk / "filler").unlink()
        store.compact()
        assert store.latest().height == 5
        assert [path.name for path in store.path.parent.rglob("*.duckdb*")].count("history.duckdb") == 1
        assert not list(store.path.parent.rglob(".writing-*"))
