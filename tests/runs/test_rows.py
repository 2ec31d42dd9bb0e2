from datetime import date, time, timedelta
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from consilience.errors import InvalidFrame, InvalidInput
from consilience.runs.rows import Rows
from consilience.runs.template import Template

TABLE = {"id": [1, 2, 3], "text": ["a", "b", "a"]}


def read(frame, prompt="Say {text}", key="id", size=2):
    rows = Rows(frame, Template(prompt), key)
    return [row for batch in rows.batches(size) for row in batch]


@pytest.fixture(params=["dict", "polars", "lazy", "pandas", "arrow", "csv", "parquet"])
def source(request, tmp_path):
    frame = pl.DataFrame(TABLE)
    if request.param == "csv":
        frame.write_csv(tmp_path / "rows.csv")
        return tmp_path / "rows.csv"
    if request.param == "parquet":
        frame.write_parquet(tmp_path / "rows.parquet")
        return str(tmp_path / "rows.parquet")
    made = {
        "dict": TABLE,
        "polars": frame,
        "lazy": frame.lazy(),
        "pandas": pd.DataFrame(TABLE),
        "arrow": pa.table(TABLE),
    }
    return made[request.param]


def test_every_make_of_frame_gives_the_same_rows_in_order(source):
    assert read(source) == [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}, {"id": 3, "text": "a"}]


def test_equal_prompts_are_known_before(source):
    rows = Rows(source, Template("Say {text}"), "id")
    assert rows.n_distinct == 2
    assert [rows.repeated(n) for n in range(3)] == [True, False, True]


def test_columns_that_the_prompt_does_not_need_are_not_read():
    assert set(read({**TABLE, "big": ["x"] * 3})[0]) == {"id", "text"}


def test_rows_without_a_key_are_numbered():
    assert [row["row"] for row in read(TABLE, key=None)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"id": [1], "other": ["a"]}, "text is missing from id, other"),
        ({"id": [], "text": []}, "the frame has none"),
        ({"id": [1, None], "text": ["a", "b"]}, "Column 'id' of the key must be filled, row 1 is null"),
        ({"id": [1, 2], "text": ["a", None]}, "Column 'text' of the prompt must be filled, row 1 is null"),
        ({"id": [7, 8, 7], "text": ["a", "b", "c"]}, "7 stands in rows 0, 2"),
        ({"id": [1], "text": [["a"]]}, "make a text of it"),
        (
            {"id": [1], "text": [b"a"]},
            r"holds Binary: make a text of it, for example with .cast\(pl.String\)",
        ),
        (pl.DataFrame({"id": [1], "text": [object()]}), "holds Object"),
        ("rows.xlsx", "read it with Polars"),
        ("absent.csv", "is not: check the path"),
        (3, "frame is required"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_column_row_and_remedy(frame, said):
    with pytest.raises(InvalidFrame, match=said):
        Rows(frame, Template("Say {text}"), "id")


@pytest.mark.parametrize(
    "keys",
    [
        ["a", "b", "a"],
        [0.0, 1.0, -0.0],
        [float("nan"), 1.0, float("nan")],
        [True, False, True],
        [b"x", b"y", b"x"],
        [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 1)],
        [time(1), time(2), time(1)],
        [timedelta(1), timedelta(2), timedelta(1)],
        [Decimal("1.1"), Decimal(2), Decimal("1.1")],
        pl.Series(["a", "b", "a"], dtype=pl.Categorical),
        pl.Series(["a", "b", "a"], dtype=pl.Enum(["a", "b"])),
    ],
)
def test_keys_of_every_type_tell_rows_apart(keys):
    frame = pl.DataFrame({"id": keys, "text": ["x", "y", "x"]})
    with pytest.raises(InvalidFrame, match="stands in rows 0, 2: "):
        Rows(frame, Template("Say {text}"), "id")
    assert Rows(frame.head(2), Template("Say {text}"), "id").n == 2


@pytest.mark.parametrize("key", [["id"], 5, b"id"])
def test_a_key_is_the_name_of_one_column(key):
    with pytest.raises(InvalidInput, match="the name of one column, or None to number the rows"):
        Rows({"id": [1], "text": ["a"]}, Template("Say {text}"), key)


@pytest.mark.parametrize(
    "cells",
    [
        [timedelta(1), timedelta(1, microseconds=1), timedelta(1)],
        [0.1, 0.1 + 2**-56, 0.1],
        [0.0, -0.0, 0.0],
        [True, False, True],
        [Decimal("1.10"), Decimal("1.20"), Decimal("1.10")],
        [time(1), time(2), time(1)],
        pl.Series(["a", "b", "a"], dtype=pl.Categorical),
    ],
)
@pytest.mark.parametrize("prompt", ["How long is {cell}?", "{cell}"])
def test_equal_cells_of_every_type_are_one_prompt_and_others_are_others(cells, prompt):
    rows = Rows({"id": [1, 2, 3], "cell": cells}, Template(prompt), "id")
    assert [rows.repeated(number) for number in range(3)] == [True, False, True]
    first, second, third = (Template(prompt).fill(row) for batch in rows.batches(9) for row in batch)
    assert first == third != second


def test_equal_prompts_are_counted_once_over_several_columns():
    frame = {"id": [1, 2, 3, 4], "a": ["x", "xy", "x", "x"], "b": ["yz", "z", "yz", None]}
    rows = Rows(pl.DataFrame(frame).head(3), Template("{a} {b}"), "id")
    assert (rows.n, rows.n_distinct) == (3, 2)
    assert [rows.repeated(n) for n in range(3)] == [True, False, True]


@pytest.mark.parametrize("key", ["at", "row", "prompt"])
def test_keys_and_prompts_that_stand_far_apart_are_told_apart(key):
    frame = pl.DataFrame(
        {key: [f"k{n}" for n in range(9_000)], "text": [f"t{n % 8_000}" for n in range(9_000)]}
    )
    rows = Rows(frame, Template("Say {text}"), key)
    assert (rows.n, rows.n_distinct) == (9_000, 8_000)
    assert [rows.repeated(n) for n in (0, 999, 1_000, 7_999, 8_000)] == [True, True, False, False, True]
    assert rows.of(["k8500", "k3"]).rows() == [("k3", "t3"), ("k8500", "t500")]
    twice = frame.with_columns(pl.col(key).replace("k8500", "k3"))
    with pytest.raises(InvalidFrame, match="'k3' stands in rows 3, 8500: "):
        Rows(twice, Template("Say {text}"), key)


@pytest.mark.parametrize(("text", "said"), [(None, "null"), (" ", "empty")])
def test_a_cell_far_down_that_has_no_text_is_named_by_its_row(text, said):
    table = pl.DataFrame({"id": range(5_000), "text": ["a"] * 4_000 + [text] + ["b"] * 999})
    with pytest.raises(InvalidFrame, match=f"row 4000 is {said}"):
        Rows(table, Template("{text}"), "id")


def test_a_prompt_that_is_only_an_empty_cell_is_named():
    with pytest.raises(InvalidFrame, match="row 1 is empty in text"):
        Rows({"id": [1, 2], "text": ["a", "  "]}, Template("{text}"), "id")


def test_rows_that_go_by_their_place_must_stay_there():
    frame = pl.LazyFrame({"text": [f"t{n}" for n in range(2000)]})
    turned = []

    def another_order(part):
        turned.append(part)
        return part.reverse() if len(turned) > 1 else part

    rows = Rows(frame.map_batches(another_order), Template("Say {text}"), None)
    with pytest.raises(InvalidFrame, match="row 0 is another one than before"):
        list(rows.batches(100))
    kept = Rows(frame, Template("Say {text}"), None)
    assert sum(map(len, kept.batches(100))) == 2000


def test_a_file_that_changed_after_its_rows_were_numbered_is_refused(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text\na\nb\n")
    rows = Rows(path, Template("Say {text}"), None)
    path.write_text("text\na\nb\nc\n")
    with pytest.raises(InvalidFrame, match="row 2 is another one than before"):
        list(rows.batches(10))


def test_a_file_with_another_separator_is_said_to_have_one(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("id;text\n1;a\n")
    with pytest.raises(InvalidFrame, match="its cells are parted by ';', read it with pl.read_csv"):
        Rows(path, Template("Say {text}"), "id")
