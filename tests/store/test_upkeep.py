"""What keeps a store small and movable."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from statistics import quantiles

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from consilience.errors import InvalidInput, StoreError, StoreTooNew
from consilience.models import Question
from consilience.store.schema import TABLES

NOON = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)
HISTORY = ("questions", "responses", "verdicts", "recommendations")


def metrics(*values, at=NOON - timedelta(hours=2), step=1.0, label="ok"):
    return pl.DataFrame(
        {
            "asked_at": [at + timedelta(seconds=step * n) for n in range(len(values))],
            "source": "openai",
            "name": "seconds",
            "value": [float(value) for value in values],
            "label": label,
        }
    )


def rolled(store, table):
    return store.sql(f"SELECT * FROM {table} ORDER BY bucket, label").drop("source", "name").rows()


def count(store, table):
    return store.sql(f"SELECT count(*) FROM {table}").item()


def everything(store):
    found = {table: store.sql(f"SELECT * FROM {table}", limit=None) for table in TABLES}
    return {table: rows.sort(rows.columns) for table, rows in found.items()}


def filled(store, asked):
    for text in ("Is water wet?", "Is it 'quoted'?\nüñ"):
        store.record(*asked(text))
    store.put_metrics(metrics(1, 2, 3, 2, at=NOON - timedelta(days=3), step=6 * 3600))
    store.put_metrics(metrics(5, 5, step=0))
    store.maintain(now=NOON)


def test_metrics_are_rolled_up_to_minutes_and_hours_with_exact_percentiles(store):
    values = [*range(100), 1000]
    at = datetime(2026, 3, 10, 10, tzinfo=UTC)
    store.put_metrics(metrics(*values, at=at, step=0.5))
    store.put_metrics(metrics(7, at=at + timedelta(minutes=59)))
    store.maintain(now=NOON)
    cuts = quantiles(values, n=100, method="inclusive")
    percentiles = tuple(pytest.approx(cuts[k - 1]) for k in (50, 95, 99))
    seven = (1, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0)
    assert rolled(store, "metrics_1m") == [
        (at, "ok", 101, 5950.0, 0.0, 1000.0, *percentiles),
        (at + timedelta(minutes=59), "ok", *seven),
    ]
    ((bucket, label, n, total, least, most, *_),) = rolled(store, "metrics_1h")
    assert (bucket, label, n, total, least, most) == (at, "ok", 102, 5957.0, 0.0, 1000.0)


def test_rolling_up_again_changes_nothing_and_late_rows_are_counted(store):
    store.put_metrics(metrics(1, 2))
    store.maintain(now=NOON)
    before = [rolled(store, table) for table in ("metrics_1m", "metrics_1h")]
    assert set(store.maintain(now=NOON).rolled.values()) == {0}
    assert [rolled(store, table) for table in ("metrics_1m", "metrics_1h")] == before
    store.put_metrics(metrics(6))
    assert store.maintain(now=NOON).rolled == {"metrics_1m": 1, "metrics_1h": 1}
    assert [row[2:7] for row in rolled(store, "metrics_1m")] == [(3, 9.0, 1.0, 6.0, 2.0)]


def test_a_bucket_that_has_not_ended_waits(store):
    store.put_metrics(metrics(1, at=NOON - timedelta(seconds=10)))
    store.put_metrics(metrics(1, at=NOON - timedelta(seconds=40)))
    store.maintain(now=NOON)
    assert [row[0].minute for row in rolled(store, "metrics_1m")] == [59]
    assert [row[0].hour for row in rolled(store, "metrics_1h")] == [11]


def test_unknown_values_are_not_rolled_up(store):
    store.put_metrics(metrics(float("nan"), 4))
    store.maintain(now=NOON)
    assert [row[2:4] for row in rolled(store, "metrics_1m")] == [(1, 4.0)]


def test_raw_days_go_by_retention_and_their_rollups_stay(store):
    store.put_metrics(metrics(1, 2, at=NOON - timedelta(days=3)))
    store.put_metrics(metrics(3))
    done = store.maintain(keep={"metrics": 2}, now=NOON)
    assert done.removed == {"metrics": 2}
    assert store.sql("SELECT value FROM metrics").rows() == [(3.0,)]
    assert [row[2:4] for row in rolled(store, "metrics_1m")] == [(2, 3.0), (1, 3.0)]
    assert store.maintain(keep={"metrics": 2}, now=NOON).removed == {"metrics": 0}
    assert [row[2:4] for row in rolled(store, "metrics_1h")] == [(2, 3.0), (1, 3.0)]


def test_what_comes_after_its_day_was_removed_is_added_once_without_percentiles(store):
    at = NOON - timedelta(days=3)
    store.put_metrics(metrics(1, 2, at=at))
    store.maintain(keep={"metrics": 2}, now=NOON)
    store.put_metrics(metrics(9, at=at))
    store.put_metrics(metrics(4, at=at, label="late"))
    for _ in range(2):
        store.maintain(keep={"metrics": 2}, now=NOON)
        assert [row[1:] for row in rolled(store, "metrics_1m")] == [
            ("late", 1, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0),
            ("ok", 3, 12.0, 1.0, 9.0, None, None, None),
        ]
        assert count(store, "metrics") == 0


def test_history_is_kept_unless_its_days_are_named_and_goes_together(store, asked):
    question, responses, verdict = asked()
    store.record(question, responses, verdict)
    later = datetime.now(UTC) + timedelta(days=400)
    store.maintain(now=later)
    assert count(store, "questions") == 1
    store.record(Question("Is ice wet?", asked_at=later), [], None)
    done = store.maintain(keep={"questions": 30}, now=later)
    assert done.removed == {"questions": 1, "responses": 3, "verdicts": 1, "recommendations": 0, "rounds": 0}
    assert store.latest()["question"].to_list() == ["Is ice wet?"]


@pytest.mark.parametrize(
    ("keep", "message"),
    [({"responses": 1}, "'responses' came"), ({"ingested": 1}, "came"), ({"metrics": -1}, "-1 came")],
)
def test_retention_of_what_cannot_be_removed_alone_is_refused(store, keep, message):
    with pytest.raises(InvalidInput, match=message):
        store.maintain(keep=keep)


def test_status_says_what_there_is(open_store, asked):
    empty = open_store().status()
    assert (empty.version, empty.size, empty.tables["rows"].sum()) == (None, 0, 0)
    store = open_store(interval=3600)
    question, responses, verdict = asked()
    store.record(question, responses, verdict)
    status = store.status()
    rows = {row["name"]: row for row in status.tables.iter_rows(named=True)}
    assert set(rows) == set(TABLES)
    assert rows["responses"]["rows"] == 3
    assert rows["questions"]["oldest"] == rows["questions"]["newest"] == question.asked_at
    assert (status.version, status.waiting) == (store.migrate(), 0)
    assert status.size > 0
    assert "5 rows" in repr(status)


def test_compaction_gives_space_back_and_changes_no_row(store, asked):
    filled(store, asked)
    for n in range(3):
        store.record(*asked(f"{n}" + "wet? " * 400_000))
    store.flush()
    store.maintain(keep={"questions": 0}, now=datetime.now(UTC) + timedelta(days=2))
    store.record(*asked("after"))
    before = everything(store)
    done = store.compact()
    assert done.after <= done.before
    for table, rows in everything(store).items():
        assert_frame_equal(rows, before[table])
    store.record(*asked("later"))
    assert store.latest()["question"].to_list() == ["later", "after"]


def test_an_export_is_read_back_by_polars_and_duckdb(store, asked, tmp_path):
    filled(store, asked)
    rows = store.export(tmp_path / "out")
    assert rows == {table: count(store, table) for table in TABLES}
    parts = sorted((tmp_path / "out" / "history").rglob("*.parquet"))
    assert all(part.parent.name.startswith("day=") and part.name.startswith("part-") for part in parts)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["history"]
    pattern = str(tmp_path / "out/history/metrics/**/*.parquet")
    days = ["2026-03-07", "2026-03-07", "2026-03-08", "2026-03-08", "2026-03-10", "2026-03-10"]
    polars = pl.scan_parquet(pattern, hive_partitioning=True).sort("asked_at").collect()
    assert [str(day) for day in polars["day"]] == days
    wanted = store.sql("SELECT * FROM metrics ORDER BY asked_at, value")
    assert_frame_equal(polars.drop("day").sort("asked_at", "value"), wanted)
    with duckdb.connect() as engine:
        found = engine.sql(
            f"SELECT day::TEXT FROM read_parquet('{pattern}', hive_partitioning=true) ORDER BY 1"
        )
        assert [day for (day,) in found.fetchall()] == days


def test_an_export_comes_back_whole_and_only_once(open_store, asked, tmp_path):
    from consilience.store import Store

    store = open_store()
    filled(store, asked)
    store.export(tmp_path)
    with Store(tmp_path / "other.duckdb") as other:
        first = other.import_(tmp_path)
        assert first["metrics"] == 6
        for table, rows in everything(store).items():
            assert_frame_equal(everything(other)[table], rows)
        assert set(other.import_(tmp_path).values()) == {0}
        assert set(store.import_(tmp_path).values()) == {0}
        for table, rows in everything(store).items():
            assert_frame_equal(everything(other)[table], rows)


def test_an_import_brings_back_no_raw_rows_that_the_rollups_hold(store, tmp_path):
    store.put_metrics(metrics(1, 2, at=NOON - timedelta(days=3)))
    store.export(tmp_path)
    store.maintain(keep={"metrics": 2}, now=NOON)
    assert store.import_(tmp_path) == {"metrics": 0}
    store.maintain(keep={"metrics": 2}, now=NOON)
    assert [row[2:4] for row in rolled(store, "metrics_1m")] == [(2, 3.0)]


def test_an_export_takes_days_and_refuses_those_that_are_there(store, tmp_path):
    store.put_metrics(metrics(1, 2, 3, at=datetime(2026, 3, 1, tzinfo=UTC), step=86400))
    assert store.export(tmp_path, until=date(2026, 3, 2))["metrics"] == 1
    with pytest.raises(InvalidInput, match="day=2026-03-01 is there"):
        store.export(tmp_path)
    assert store.export(tmp_path, since=date(2026, 3, 2), until=date(2026, 3, 3))["metrics"] == 1
    days = sorted(path.name for path in (tmp_path / "history" / "metrics").iterdir())
    assert days == ["day=2026-03-01", "day=2026-03-02"]


def test_what_cannot_be_imported_is_said(store, tmp_path):
    with pytest.raises(InvalidInput, match="with 'history' in it"):
        store.import_(tmp_path)
    part = tmp_path / "history" / "metrics" / "day=2026-03-01" / "part-1.parquet"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"no parquet")
    with pytest.raises(StoreError, match=r"part-1\.parquet cannot be imported"):
        store.import_(tmp_path)
    metrics(1).with_columns(later=1).write_parquet(part)
    with pytest.raises(InvalidInput, match="has later: upgrade"):
        store.import_(tmp_path)
    (tmp_path / "history" / "inventions").mkdir()
    with pytest.raises(InvalidInput, match="inventions came: upgrade"):
        store.import_(tmp_path)
    assert count(store, "metrics") == 0


def test_an_older_export_lacks_columns_and_comes_in(store, asked, tmp_path):
    part = tmp_path / "history" / "verdicts" / "day=2026-03-01" / "part-1.parquet"
    part.parent.mkdir(parents=True)
    pl.DataFrame({"id": ["1", "1"], "asked_at": [NOON, NOON]}).write_parquet(part)
    assert store.import_(tmp_path) == {"verdicts": 1}
    assert store.sql("SELECT id, asked_at, weights FROM verdicts").rows() == [("1", NOON, None)]


def test_upkeep_of_a_newer_file_is_refused_and_changes_nothing(asked, tmp_path):
    from consilience.store import Store

    store = Store(tmp_path / "history.duckdb")
    filled(store, asked)
    store.close()
    with duckdb.connect(str(tmp_path / "history.duckdb")) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99, now())")
    before = (tmp_path / "history.duckdb").read_bytes()
    (tmp_path / "history").mkdir()
    newer = Store(tmp_path / "history.duckdb")
    for call in (newer.maintain, newer.compact, newer.migrate, newer.status, lambda: newer.export(tmp_path)):
        with pytest.raises(StoreTooNew):
            call()
    assert (tmp_path / "history.duckdb").read_bytes() == before
