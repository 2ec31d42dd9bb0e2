import csv
import gzip
import io
import subprocess
import sys

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.errors import InvalidFrame
from consilience.runs import parts

CELLS = st.text(st.sampled_from('ab1 ",\n\r\té😀'), max_size=9)


def read(source, columns=None, size=3):
    opened = parts.opened(source)
    found = list(opened.parts(columns or opened.schema.names(), size))
    assert all(0 < part.height <= size for part in found)
    return pl.concat([pl.DataFrame(schema=opened.schema).select(columns or pl.all()), *found])


def same(path, whole):
    found = read(path)
    return found.equals(whole) and found.schema == whole.schema


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(parts, "_CSV_BYTES", 40)


def line(n):
    return f"{n},word {n}"


@pytest.mark.parametrize(
    "text",
    [
        "id,text\n" + "\n".join(map(line, range(30))),
        "id,text\r\n" + "\r\n".join(map(line, range(30))) + "\r\n",
        "\ufeffid,text\n" + "\n".join(map(line, range(30))),
        "\n\nid,text\n" + "\n".join(map(line, range(30))) + "\n\n\n",
        "text\n" + "\n\n".join(map(str, range(30))),
        "text\n" + "\n" * 100 + "a\n",
        'id,text\n0,"a\n""b"", c"\n' * 1 + '1,"\r\n"\n' * 30,
        'id,text\n1,""\n2,\n' + '3,5" by 6" nail\n' * 30,
        '"i\nd","te""xt"\n' + "1,a\n" * 30,
        "a,a,\n" + "1,2.5,true\n" * 30,
        "id,text\n",
    ],
)
def test_a_csv_file_in_parts_is_what_polars_reads_at_once(tmp_path, small, text):
    (tmp_path / "rows.csv").write_text(text, newline="")
    assert same(tmp_path / "rows.csv", pl.scan_csv(tmp_path / "rows.csv").collect())


@settings(deadline=None, max_examples=200)
@given(st.data(), st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_any_csv_file_in_parts_is_what_polars_reads_at_once(tmp_path_factory, data, end, quoting):
    width = data.draw(st.integers(1, 3))
    rows = data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=20))
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator=end, quoting=quoting)
    writer.writerows([[f"c{n}" for n in range(width)], *rows])
    path = tmp_path_factory.mktemp("csv") / "rows.csv"
    path.write_text(sink.getvalue(), newline="")
    whole = pl.scan_csv(path).collect()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_CSV_BYTES", 16)
        assert same(path, whole)


def test_a_zipped_csv_file_is_read(tmp_path):
    (tmp_path / "rows.csv").write_bytes(gzip.compress(b"id,text\n1,a\n2,b\n"))
    assert read(tmp_path / "rows.csv").rows() == [(1, "a"), (2, "b")]


def test_a_folder_of_parquet_files_is_read(tmp_path):
    folder = tmp_path / "rows.parquet"
    folder.mkdir()
    for n in range(2):
        pl.DataFrame({"id": [n]}).write_parquet(folder / f"{n}.parquet")
    assert read(folder)["id"].to_list() == [0, 1]


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([1, 2**64 - 1], dtype=pl.UInt64),
        pl.Series([1, -1], dtype=pl.Int128),  # which Arrow has not
        pl.Series(["1.10", "2"]).cast(pl.Decimal(20, 2)),
        pl.Series(["2026-01-01", "2026-07-01"]).str.to_datetime(time_unit="ns").dt.replace_time_zone("Europe/Berlin"),
        pl.Series([1, 2], dtype=pl.Duration("ms")),
        pl.Series(["b", "a"], dtype=pl.Categorical),
        pl.Series(["b", "a"], dtype=pl.Enum(["a", "b"])),
        pl.Series([b"\x00", None]),
        pl.Series([True, None]),
        pl.Series([None, None]),
        pl.Series(["a", "x" * 100]),
    ],
    ids=lambda values: str(values.dtype),
)  # fmt: skip
def test_a_parquet_file_in_parts_is_what_polars_reads_at_once(tmp_path, values):
    whole = pl.DataFrame({"x": values, "a.b": ["c", "d"]})
    whole.write_parquet(tmp_path / "rows.parquet")
    assert same(tmp_path / "rows.parquet", whole)


def test_parquet_files_of_others_are_what_polars_reads(tmp_path):
    frame = pd.DataFrame({"x": pd.Categorical(["a", "b"]), "t": pd.to_datetime(["2026-01-01"] * 2)})
    frame.to_parquet(tmp_path / "pandas.parquet")
    assert same(tmp_path / "pandas.parquet", pl.read_parquet(tmp_path / "pandas.parquet"))
    table = pa.table(
        {"a.b": [1, 2], "a": [{"b": 3}, {"b": 4}], "c": pa.array(["x", "y"]).dictionary_encode()}
    )
    pq.write_table(table, tmp_path / "arrow.parquet")
    assert read(tmp_path / "arrow.parquet", ["c", "a.b"]).rows() == [("x", 1), ("y", 2)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.csv", b"", "rows.csv cannot be read: empty CSV"),
        (
            "rows.csv",
            b"id,text\n" + b"1,a\n" * 200 + b"x,b\n",
            "could not parse `x` as dtype `i64` at column 'id'",
        ),
        ("rows.csv", b"id,text\n1,a\n1,2,3\n", "found more fields than defined"),
        ("rows.csv", b"id,text\n1,caf\xe9\n", "invalid utf-8"),
        ("rows.parquet", b"PAR1", "rows.parquet cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidFrame, match=said) as refused:
        read(tmp_path / name)
    assert str(refused.value).endswith("or read it with Polars and give the frame.")
    assert len(str(refused.value)) < 500


def test_a_damaged_page_is_named(tmp_path):
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"id": range(20_000), "text": [f"{n} " * 50 for n in range(20_000)]}).write_parquet(path)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 2000] = bytes(2000)
    path.write_bytes(raw)
    with pytest.raises(InvalidFrame, match=r"rows\.parquet cannot be read"):
        read(path, size=4096)


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv"])
def test_a_file_of_one_row_group_is_not_held_whole(tmp_path, name):
    # as pandas writes them: up to a million rows a group, which Polars would read at once
    path = tmp_path / name
    frame = pl.DataFrame({"text": [f"{n} ".ljust(4096, "x") for n in range(100_000)]})
    frame.write_csv(path) if name == "rows.csv" else frame.write_parquet(path, row_group_size=100_000)
    held = subprocess.run([sys.executable, "-c", HELD, path], capture_output=True, text=True, check=True)
    assert int(held.stdout) < 200_000_000 < frame.estimated_size() / 2


HELD = """
import re, sys
from pathlib import Path
from consilience.runs.parts import opened
import polars, pyarrow.parquet

def peak():  # of this program; ru_maxrss counts what the process was before it became it
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

before = peak()
n = sum(part.height for part in opened(sys.argv[1]).parts(["text"], 512))
assert n == 100_000
print(peak() - before)
"""
