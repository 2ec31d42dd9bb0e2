"""What arrow_columns promises, on both implementations; pyarrow.array is the peer."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.kernels import ArrowColumn, _reference, _selector

TYPES = {
    "t": pa.string(),
    "i": pa.int64(),
    "f": pa.float64(),
    "b": pa.bool_(),
    "m": pa.timestamp("us", tz="UTC"),
}
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11))])
CELLS = (
    st.text(st.characters(exclude_categories=("Cs",))),
    st.integers(-(2**63), 2**63 - 1),
    st.floats() | st.integers(-(2**53), 2**53),
    st.booleans(),
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES),  # noqa: DTZ001 - hypothesis wants them so
)
ROWS = st.lists(st.tuples(*(st.none() | cell for cell in CELLS)), max_size=30)
FEW = st.integers(0, 20)


def arrays(columns, kinds, n):
    """The columns as Arrow has them."""
    for kind, column in zip(kinds, columns, strict=True):
        if column is None:
            yield pa.nulls(n, TYPES[kind])
        else:
            yield pa.Array.from_buffers(
                TYPES[kind], n, [pa.py_buffer(each) for each in column.buffers], column.n_null
            )


@given(ROWS, FEW, FEW)
def test_both_forms_are_what_pyarrow_makes_of_the_same_cells(rows, before, after):
    n = before + len(rows) + after
    for form in (_selector.arrow_columns, _reference.arrow_columns):
        columns = [each and ArrowColumn(*each) for each in form(rows, "tifbm", before, after)]
        for place, (kind, found) in enumerate(zip("tifbm", arrays(columns, "tifbm", n), strict=True)):
            cells = [*[None] * before, *(row[place] for row in rows), *[None] * after]
            found.validate(full=True)
            # by their text: NaN is not equal to itself
            assert repr(found.to_pylist()) == repr(pa.array(cells, TYPES[kind]).to_pylist())
            assert found.null_count == cells.count(None)


@given(ROWS, FEW, FEW)
def test_the_forms_agree_byte_by_byte(rows, before, after):
    one, two = (
        [each and tuple(each) for each in form(rows, "tifbm", before, after)]
        for form in (_selector.arrow_columns, _reference.arrow_columns)
    )
    assert one == two


def test_a_column_without_values_is_none(kernels):
    assert kernels.arrow_columns([], "ti") == [None, None]
    assert kernels.arrow_columns([(None, 1)], "ti", 2, 3)[0] is None


@pytest.mark.parametrize(
    ("cell", "kind", "error", "said"),
    [
        (1, "t", TypeError, "a column of text came with int"),
        (b"x", "t", TypeError, "came with bytes"),
        ("\ud800", "t", UnicodeEncodeError, "surrogates not allowed"),
        (1.5, "i", TypeError, "a column of integers came with float"),
        (2**63, "i", OverflowError, "."),
        ("1", "f", TypeError, "a column of numbers came with str"),
        (2**2000, "f", OverflowError, "."),
        (1, "b", TypeError, "a column of truths came with int"),
        (0, "m", TypeError, "a column of times with a zone came with int"),
        (datetime(2026, 1, 1), "m", TypeError, "times with a zone came with datetime"),  # noqa: DTZ001 - the point
        ("x", "z", ValueError, "a kind is one of bfimt, 'z' came"),
    ],
)
def test_a_cell_of_another_kind_is_refused(kernels, cell, kind, error, said):
    with pytest.raises(error, match=said):
        kernels.arrow_columns([(cell,)], kind)


@pytest.mark.parametrize("row", [("a",), ("a", 1, 2), ["a", 1]])
def test_a_row_of_another_form_is_refused(kernels, row):
    with pytest.raises(ValueError, match="a row is a tuple of 2 cells"):
        kernels.arrow_columns([("a", 1), row], "ti")
