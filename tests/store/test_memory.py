"""How much memory the engine takes for the rows that come in."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import duckdb
import pytest

from consilience.errors import StoreError
from consilience.store import Store
from consilience.store import leases as module
from consilience.store.failures import translated
from consilience.store.keeper import Load, MemoryShort
from consilience.store.rows import Bundle


@pytest.fixture
def engine():
    """DuckDB: a server's memory is its own."""
    return "duckdb"


def answer(number: int, size: int) -> Bundle:
    return Bundle(
        {"answers": [(str(number), datetime.now(UTC), f"key {number}", f"{number} ".ljust(size), None)]}
    )


def setting(store: Store, load: Load | None, sql: str) -> object:
    leases = store._keeper._leases
    with leases.writing(5, load) as connection:
        return connection.execute(sql).fetchall()


def test_rows_beside_which_the_file_needs_more_are_taken_and_nothing_is_lost(
    tmp_path, monkeypatch, caplog, asked
):
    monkeypatch.chdir(tmp_path)
    with Store(tmp_path / "history.duckdb", interval=3600) as store:
        with caplog.at_level(logging.INFO, "consilience.store"):
            for number in range(60):
                store.write(answer(number, 2_000_000))
            store.flush()
            # The checkpoint after this one row writes the 120 MB before it anew.
            store.write(answer(60, 10))
            store.flush()
        assert "taken again, with more memory" in caplog.text
        assert store.sql("SELECT count(*) AS n, sum(length(value)) AS size FROM answers").row(0) == (
            61,
            120_000_010,
        )
        caplog.clear()
        with caplog.at_level(logging.INFO, "consilience.store"):
            store.write(answer(61, 10))
            store.flush()
        assert "taken again" not in caplog.text, "what was learned is kept"
        store.record(*asked())
        assert store.latest().height == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.duckdb", "history.duckdb.spool"]


def test_the_limit_goes_by_the_rows_and_holds_for_them_alone(store, asked):
    store.record(*asked())
    store.flush()
    sql = "SELECT current_setting('memory_limit'), current_setting('temp_directory')"
    assert setting(store, Load(1, 100), sql) == [("40.0 MiB", "")]
    assert setting(store, Load(1, 2**27), sql) == [("512.0 MiB", "")]
    ((own, folder),) = setting(store, None, sql)
    assert own not in ("40.0 MiB", "512.0 MiB")
    assert folder
    ((most, _),) = setting(store, Load(1, 2**50), sql)
    assert most.split()[1] == own.split()[1]
    assert float(most.split()[0]) == pytest.approx(float(own.split()[0]), rel=0.02)
    assert setting(store, Load(1, 100), sql) == [("40.0 MiB", "")]


def test_row_groups_are_small_and_only_compacting_joins_them(store, asked):
    def groups():
        return setting(store, None, "SELECT max(count), sum(count) FROM pragma_storage_info('answers')")[0]

    store.record(*asked())
    store.flush()
    setting(
        store, Load(40_000, 40_000), "INSERT INTO answers (id) SELECT CAST(range AS TEXT) FROM range(40000)"
    )
    most, rows = groups()
    assert most == 4096
    store.write(answer(40_000, 10))  # under a larger size its checkpoint would join them, in much memory
    store.flush()
    store.maintain()
    assert groups()[0] == 4096
    store.compact()
    assert groups()[0] > 4096
    store.write(answer(40_001, 10))
    store.flush()
    assert groups()[0] > 4096
    assert groups()[1] > rows
    assert store.sql("SELECT count(DISTINCT id) AS n FROM answers").item() == 40_002


@pytest.mark.parametrize(
    "told",
    [
        "Checkpoint failed: failed to allocate data of size 3.0 MiB (93.4 MiB/96.0 MiB used)",
        "Checkpoint failed: failed to pin block of size 256.0 KiB (47.9 MiB/48.0 MiB used)",
        "Out of Memory Error: could not allocate block",
    ],
)
def test_each_way_in_which_memory_is_short_is_known(tmp_path, told):
    assert isinstance(translated(duckdb.IOException(told), tmp_path), MemoryShort)


def test_when_there_is_no_more_memory_it_is_said_and_the_rows_wait(tmp_path, monkeypatch):
    with Store(tmp_path / "history.duckdb", interval=3600) as store:
        store.write(answer(0, 10))
        store.flush()
        leases = store._keeper._leases
        limited = leases._limited

        def small():
            engine = limited()
            leases._most = 2**20
            return engine

        leases._writers.close()
        monkeypatch.setattr(leases._writers, "_start", small)
        store.write(answer(1, 3_000_000))
        with pytest.raises(StoreError, match="needs more memory than DuckDB may take"):
            store.flush()
        assert len(store._spool.waiting()) == 1
        leases._writers.close()
        monkeypatch.undo()
        store.flush()
        assert store.sql("SELECT count(*) AS n FROM answers").item() == 2


def test_memory_that_is_short_while_the_file_is_opened_grows_too(tmp_path, monkeypatch):
    with Store(tmp_path / "history.duckdb", interval=3600) as store:
        store.write(answer(0, 10))
        store.flush()
        plain, limits = module._attached, []

        def attached(engine, statement):
            limits.append(engine.execute("SELECT current_setting('memory_limit')").fetchall()[0][0])
            if len(limits) < 3:
                raise duckdb.OutOfMemoryException("Out of Memory Error: replaying the log")
            plain(engine, statement)

        monkeypatch.setattr(module, "_attached", attached)
        store.write(answer(1, 10))
        store.flush()
        assert limits == ["40.0 MiB", "80.0 MiB", "160.0 MiB"]
