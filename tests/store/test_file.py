"""What a store in a file does about its file, its folder and its spool."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.errors import InvalidInput, StoreBusy, StoreError, StoreFull, StoreTooNew
from consilience.store import Store, ingest, places
from consilience.store.leases import Leases


@pytest.fixture
def engine():
    """DuckDB: the module is about the file."""
    return "duckdb"


def files(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def stream(table):
    """The bytes of a segment with any columns."""
    import pyarrow as pa
    from pyarrow import ipc

    from consilience.store.segments import sealed

    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sealed(sink.getvalue().to_pybytes())


def test_making_and_reading_a_new_store_writes_nothing_and_starts_no_thread(tmp_path):
    code = (
        "import sys, threading\n"
        "from consilience.store import Store\n"
        "store = Store(sys.argv[1])\n"
        "assert not {'duckdb', 'pyarrow', 'polars'} & set(sys.modules)\n"
        "assert store.latest().height == 0\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "history.duckdb")], check=True)
    assert list(tmp_path.iterdir()) == []


def test_the_repr_says_where_and_how_much_waits(store, asked, monkeypatch):
    assert repr(store) == f"<Store {str(store.path)!r}, 0 rows pending>"
    monkeypatch.setattr(store._spool, "write", _full)
    with pytest.raises(StoreFull):
        store.record(*asked())
    assert repr(store).endswith(", 5 rows pending>")
    monkeypatch.undo()
    store.close()
    assert repr(store).endswith(", 0 rows pending, closed>")


def _full(_):
    raise StoreFull("no space")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: (p / "a").mkdir(), "is a folder: add a name"),
        (lambda p: (p / "a").write_text("Dear diary, today was fine."), "is something else"),
        (lambda p: (p / "a").write_text(""), "is something else"),
    ],
)
def test_something_else_at_the_path_is_refused_and_left_alone(tmp_path, make, message):
    make(tmp_path)
    before = files(tmp_path)
    with pytest.raises(StoreError, match=message):
        Store(tmp_path / "a")
    assert files(tmp_path) == before


def test_a_folder_that_is_missing_or_a_file_is_refused(tmp_path):
    with pytest.raises(StoreError, match="does not: make it, or mend the path"):
        Store(tmp_path / "missing" / "history.duckdb")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="is a file"):
        Store(tmp_path / "file" / "history.duckdb")
    for path in ("", "a\x00b"):
        with pytest.raises(StoreError, match="is a path to a file"):
            Store(path)


def test_a_url_of_something_else_is_refused_without_repeating_its_password():
    with pytest.raises(StoreError, match="a mysql:// URL came") as caught:
        Store("mysql://ana:hunter2@server/history")
    assert "hunter2" not in str(caught.value)


def test_times_must_be_positive(tmp_path):
    with pytest.raises(InvalidInput, match="above 0 s"):
        Store(tmp_path / "history.duckdb", timeout=0)


def test_two_names_of_one_file_share_a_spool(tmp_path, asked):
    real, link = tmp_path / "real.duckdb", tmp_path / "link.duckdb"
    link.symlink_to(real)
    with Store(link) as store:
        store.record(*asked())
    with Store(real) as store:
        assert store.latest().height == 1


def test_a_store_of_a_newer_version_is_refused_and_not_changed(tmp_path, asked):
    path = tmp_path / "history.duckdb"
    with Store(path) as store:
        store.record(*asked())
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99, now())")
    before = files(tmp_path)
    store = Store(path)
    for call in (lambda: store.record(*asked()), store.latest, store.check):
        with pytest.raises(StoreTooNew, match="has version 99: upgrade with pip"):
            call()
    store.close()
    assert files(tmp_path) == before


def test_a_segment_that_is_newer_than_the_reader_waits(tmp_path, asked):
    from consilience.store.segments import decode

    path = tmp_path / "history.duckdb"
    store = Store(path, interval=3600)
    store.record(*asked())
    (segment,) = store._spool.folder.glob("*.arrows")
    newer = decode(segment.read_bytes()).replace_schema_metadata({b"consilience.schema": b"99"})
    segment.write_bytes(stream(newer))
    assert store.latest().height == 0
    assert len(store._spool.waiting()) == 1
    store.close()


def test_somebody_elses_database_is_refused_and_not_changed(tmp_path, asked):
    path = tmp_path / "mine.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE orders (id INT)")
    before = path.read_bytes()
    with Store(path) as store, pytest.raises(StoreError, match="DuckDB file with other tables"):
        store.record(*asked())
    assert path.read_bytes() == before


def test_a_file_that_another_connection_holds_is_busy_and_nothing_is_lost(tmp_path, asked):
    path = tmp_path / "history.duckdb"
    with Store(path, timeout=0.2) as store:
        store.record(*asked())
        store.flush()
        with duckdb.connect(str(path)):
            with pytest.raises(StoreBusy, match="open in another program or connection"):
                store.latest()
            store.record(*asked())
        assert store.latest().height == 2


def test_the_first_record_of_a_process_needs_no_duckdb(tmp_path, asked):
    path = tmp_path / "history.duckdb"
    with Store(path) as store:
        store.record(*asked())
    with Store(path, timeout=0.2) as store:
        with duckdb.connect(str(path)):
            store.record(*asked())
        assert store.latest().height == 2


def test_a_process_that_writes_and_reads_imports_no_pandas(tmp_path):
    code = (
        "import sys\n"
        "from datetime import UTC, datetime\n"
        "import consilience as cs\n"
        "with cs.Circle([cs.Scripted('ana', ['yes'])], store=sys.argv[1]) as circle:\n"
        "    circle.ask_sync('Is it?', answer=cs.Label('yes', 'no'))\n"
        "    frame = {'id': [1, 2], 'text': ['a', 'b']}\n"
        "    circle.run(frame, 'Is it {text}?', answer=cs.Label('yes', 'no'), key='id', progress=False).wait_sync()\n"
        "    metrics = {'asked_at': [datetime.now(UTC)], 'source': ['s'], 'name': ['n'], 'value': [1.0]}\n"
        "    circle.store.put_metrics(metrics)\n"
        "    assert circle.store.latest().height == 3\n"
        "    assert circle.store.sql('SELECT 1 FROM metrics').height >= 1\n"
        "    assert 'pandas' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "h.duckdb")], check=True)


def test_a_held_ingester_makes_a_reader_wait_and_then_say_so(tmp_path, asked):
    with Store(tmp_path / "history.duckdb", timeout=0.1, interval=3600) as store:
        store.record(*asked())
        with (
            store._locks.ingesting(),
            pytest.raises(StoreBusy, match=r"within 0\.1 s, .* safe in the spool"),
        ):
            store.latest()
        assert store.latest().height == 1


def test_a_damaged_file_says_so(tmp_path, asked):
    path = tmp_path / "history.duckdb"
    with Store(path) as store:
        store.record(*asked())
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(StoreError, match="could not be used"):
        Store(path).latest()


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"not a segment",
        b"PAR1" + b"\x00" * 40 + b"PAR1",
        b"ARROW1\x00\x00" + b"\x00" * 40 + b"ARROW1",
        b"\xff\xff\xff\xff\x00\x00\x00\x00",
        b"\x00\x00\x00\x00",  # the checksum of nothing
    ],
)
def test_a_damaged_segment_goes_to_quarantine_and_stops_nothing(tmp_path, asked, caplog, junk):
    with Store(tmp_path / "history.duckdb", interval=3600) as store:
        store.record(*asked())
        name = "1000000000000000000-1-abc.arrows"
        (store._spool.folder / name).write_bytes(junk)
        with caplog.at_level(logging.WARNING, "consilience.store"):
            assert store.latest().height == 1
        assert (store._spool.folder / "quarantine" / name).read_bytes() == junk
        assert f"Segment {name} is damaged" in caplog.text
        assert store._spool.waiting() == []


def test_a_truncated_segment_and_foreign_files_go_to_quarantine(tmp_path, asked):
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import feather

    foreign = pa.table({"a": [1]})
    mistyped = pa.table({"table_name": ["questions"], "questions.asked_at": ["never"]})
    with Store(tmp_path / "history.duckdb", interval=3600) as store:
        store.record(*asked())
        (own,) = store._spool.waiting()
        data = store._spool.read(own.name)
        spool = store._spool.folder
        (spool / "1-cut.arrows").write_bytes(data[: len(data) // 2])
        (spool / "1-no-end.arrows").write_bytes(data[:-8])
        feather.write_feather(foreign, spool / "2-foreign.arrow")
        feather.write_feather(mistyped, spool / "3-types.arrow")
        pq.write_table(foreign, spool / "4-foreign.parquet")
        pq.write_table(mistyped, spool / "5-types.parquet")
        assert store.latest().height == 1
        aside = {path.name for path in (spool / "quarantine").iterdir()}
        assert aside == {
            "1-cut.arrows",
            "1-no-end.arrows",
            "2-foreign.arrow",
            "3-types.arrow",
            "4-foreign.parquet",
            "5-types.parquet",
        }


@settings(max_examples=60, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_refused(where, bit):
    from consilience.models import Label, Question
    from consilience.store.rows import bundle
    from consilience.store.segments import DamagedSegment, decode, encode

    data = bytearray(encode([bundle(Question("Is it?", Label("yes", "no")), [], None)]))
    data[int(where * len(data))] ^= 1 << bit
    with pytest.raises(DamagedSegment):
        decode(bytes(data))


@pytest.mark.parametrize("n", [1, 5000])
def test_any_reader_of_streams_reads_a_segment_small_or_packed(n):
    from datetime import UTC, datetime

    from pyarrow import ipc

    from consilience.store.rows import Bundle
    from consilience.store.segments import encode

    at = datetime(2026, 1, 1, tzinfo=UTC)
    data = encode([Bundle({"answers": [(f"a{number}", at, "key" * 9, None, at) for number in range(n)]})])
    assert ipc.open_stream(data).read_all()["answers.id"].to_pylist() == [f"a{each}" for each in range(n)]
    assert len(pl.read_ipc_stream(data)) == n


@pytest.mark.parametrize("n", [3, 10_001])
def test_few_rows_beside_few_or_many_of_another_table_come_back(n):
    from datetime import UTC, datetime

    from consilience.store.rows import Bundle
    from consilience.store.segments import by_table, decode, encode

    at = datetime(2026, 1, 1, tzinfo=UTC)
    answers = [(f"a{number}", at, "key", None, at) for number in range(n)]
    settings_rows = [("s", at, "name", "value", None)]
    parts = [Bundle({"answers": answers}), Bundle({"settings": settings_rows})]
    found = {name: rows.to_pylist() for name, rows in by_table([decode(encode(parts))])}
    assert [tuple(row.values()) for row in found["answers"]] == answers
    assert [tuple(row.values()) for row in found["settings"]] == settings_rows
    assert set(found) == {"answers", "settings"}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["table_name", "questions.id", "questions.id"], "two columns of one name"),
        (["table_name"], "rows without columns"),
        (["questions.id"], "no column table_name"),
    ],
)
def test_a_segment_whose_columns_cannot_be_is_damaged(names, said):
    import pyarrow as pa

    from consilience.store.segments import DamagedSegment, decode

    with pytest.raises(DamagedSegment, match=said):
        decode(stream(pa.table([["questions"]] * len(names), names=names)))


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_segments_of_an_earlier_version_are_taken(tmp_path, asked, suffix):
    import pyarrow.parquet as pq
    from pyarrow import feather

    from consilience.store.segments import decode

    with Store(tmp_path / "history.duckdb", interval=3600) as store:
        store.record(*asked("earlier"))
        (own,) = store._spool.waiting()
        write = pq.write_table if suffix == "parquet" else feather.write_feather
        write(decode(store._spool.read(own.name)), store._spool.folder / f"1-earlier.{suffix}")
        store._spool.remove([own.name])
        assert store.latest()["question"].to_list() == ["earlier"]
        assert store._spool.waiting() == []


def test_a_segment_that_the_engine_refuses_is_found_among_good_ones(tmp_path, asked, monkeypatch):
    with Store(tmp_path / "history.duckdb", interval=3600) as store:
        bad, good = asked("bad"), asked("good")
        store.record(*good)
        store.record(*bad)
        plain = ingest._insert_rows

        def insert(connection, name, rows):
            if "bad" in rows.column_names or "bad" in rows[0].to_pylist() + rows[2].to_pylist():
                raise duckdb.ConversionException("bad")
            plain(connection, name, rows)

        monkeypatch.setattr(ingest, "_insert_rows", insert)
        assert store.latest()["question"].to_list() == ["good"]
        assert len(list((store._spool.folder / "quarantine").iterdir())) == 1


def test_a_segment_that_was_taken_but_not_removed_is_not_taken_twice(tmp_path, asked, monkeypatch):
    path = tmp_path / "history.duckdb"
    first = Store(path, interval=3600)
    first.record(*asked())

    def killed(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(first._spool, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        first.flush()
    monkeypatch.undo()
    assert len(first._spool.waiting()) == 1
    inserted = []
    monkeypatch.setattr(ingest, "_insert_rows", lambda *given: inserted.append(given))
    with Store(path) as second:
        assert second.latest().height == 1
        assert second.sql("SELECT count(*) FROM ingested").item() == 1
        assert second._spool.waiting() == []
    assert inserted == []
    first.close()


def test_a_reader_takes_what_a_dead_process_left(tmp_path, asked):
    path = tmp_path / "history.duckdb"
    writer = Store(path, interval=3600)
    writer.record(*asked())  # As if killed here: nothing is closed.
    with Store(path) as reader:
        assert reader.latest().height == 1
    writer.close()


def test_latest_is_one_statement(open_store, asked, monkeypatch):
    seen, executed = [], []
    store = open_store(observer=seen.append)
    for n in range(20):
        store.record(*asked(f"Question {n}?"))
    store.flush()

    class Counted:
        def __init__(self, connection):
            self._connection = connection

        def execute(self, *given, **named):
            executed.append(given)
            return self._connection.execute(*given, **named)

        def sql(self, *given, **named):
            executed.append(given)
            return self._connection.sql(*given, **named)

        def interrupt(self):
            self._connection.interrupt()

    plain = Leases.reading

    @contextmanager
    def reading(leases, timeout):
        with plain(leases, timeout) as connection:
            yield Counted(connection)

    monkeypatch.setattr(Leases, "reading", reading)
    assert store.latest(20)["responses"].list.len().to_list() == [3] * 20
    assert len(executed) == 1
    assert [(statement.sql, statement.rows) for statement in seen] == [(executed[0][0], 20)]


def test_a_folder_that_cannot_be_written_reads_but_does_not_record(tmp_path, asked, monkeypatch):
    path = tmp_path / "history.duckdb"
    with Store(path) as store:
        store.record(*asked())
    shutil.rmtree(tmp_path / "history.duckdb.spool")
    allowed = os.access
    for module in (places, sys.modules["consilience.store.locks"]):
        monkeypatch.setattr(
            module.os, "access", lambda p, mode: False if mode & os.W_OK else allowed(p, mode)
        )
    with Store(path) as store:
        assert store.latest().height == 1
        with pytest.raises(StoreError, match="needs a folder that can be written"):
            store.record(*asked())
    assert [entry.name for entry in tmp_path.iterdir()] == ["history.duckdb"]


def test_nothing_is_lost_when_the_process_ends_without_close(tmp_path, asked):
    code = (
        "import sys\n"
        "from consilience.models import Question\n"
        "from consilience.store import Store\n"
        "Store(sys.argv[1], interval=3600).record(Question('Is water wet?'), [], None)\n"
        "store = Store(sys.argv[1], interval=3600)\n"
        "store.record(Question('Is ice water?'), [], None)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "history.duckdb")], check=True)
    with duckdb.connect(str(tmp_path / "history.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM questions").fetchone() == (2,)


def test_a_store_that_nobody_holds_ends_its_thread(tmp_path, asked, until):
    store = Store(tmp_path / "history.duckdb", interval=0.01)
    store.record(*asked())
    worker = store._loaded()[1]
    assert worker.running
    del store
    import gc

    gc.collect()
    until(lambda: not worker.running)


def test_what_is_no_path_is_refused():
    with pytest.raises(StoreError, match="a NoneType came: write Store"):
        Store(None)
