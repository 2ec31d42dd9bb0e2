"""Segments: the rows of several tables in one Parquet file, so that they are taken together or not at all.

A segment has the column ``table_name`` and, for each table it carries, that table's columns as ``questions.id``,
``questions.text`` and so on; a row fills the columns of its own table. It is flat, so that any reader of Parquet can
look into it, and it lacks what an older version did not know, which is read as NULL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consilience.store.rows import storable
from consilience.store.schema import SCHEMA_VERSION, TABLES, Columns

if TYPE_CHECKING:
    from consilience.store.rows import Bundle

_TABLE = "table_name"
_VERSION = b"consilience.schema"
TYPES: Mapping[str, pa.DataType] = {
    "TEXT": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE PRECISION": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
}
# Names that repeat by the thousand go from writer to engine as a dictionary, which halves what a row costs.
_REPEATED = ("metrics.source", "metrics.name", "metrics.label")
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


class DamagedSegment(Exception):
    """A file in the spool is not a segment. It never leaves this package."""


def encode(bundles: Sequence[Bundle]) -> bytes:
    """Return the bundles as one Parquet file in memory."""
    rows = {name: [row for b in bundles for row in b.tables.get(name, ())] for name in TABLES}
    total = sum(map(len, rows.values()))
    names = pa.array(list(rows), pa.string())
    which = pa.array([n for n, own in enumerate(rows.values()) for _ in own], pa.int32())
    arrays: dict[str, pa.Array | pa.ChunkedArray] = {_TABLE: names.take(which)}
    before = 0
    for name, own in rows.items():
        after = total - before - len(own)
        # Beside its own rows a column is NULL, which takes no Python object a cell.
        for (column, kind), cells in zip(TABLES[name].items(), zip(*own, strict=True), strict=bool(own)):
            parts = [
                pa.nulls(before, TYPES[kind]),
                pa.array(cells, TYPES[kind]),
                pa.nulls(after, TYPES[kind]),
            ]
            arrays[f"{name}.{column}"] = pa.chunked_array(parts)
        before += len(own)
    table = pa.table(arrays).replace_schema_metadata({_VERSION: str(SCHEMA_VERSION)})
    sink = pa.BufferOutputStream()
    # Statistics and dictionaries help a reader that skips; a segment is read once and whole, half a second later.
    pq.write_table(table, sink, compression="lz4", use_dictionary=False, write_statistics=False)
    return bytes(sink.getvalue())


def encode_columns(name: str, rows: pa.Table) -> bytes:
    """Return rows of one table as a segment, from columns and without a Python object for each cell."""
    columns = TABLES[name]
    arrays: dict[str, pa.Array] = {_TABLE: pa.repeat(pa.scalar(name, pa.string()), rows.num_rows)}
    for column in rows.column_names:
        full = f"{name}.{column}"
        values = rows[column].cast(TYPES[columns[column]])
        arrays[full] = _words(values) if full in _REPEATED else values
    table = pa.table(arrays).replace_schema_metadata({_VERSION: str(SCHEMA_VERSION)})
    sink = pa.BufferOutputStream()
    texts = [_TABLE, *(full for full in _REPEATED if full in arrays)]
    pq.write_table(table, sink, compression="lz4", use_dictionary=texts, write_statistics=False)
    return bytes(sink.getvalue())


def _words(values: pa.ChunkedArray) -> pa.DictionaryArray:
    coded = values.combine_chunks().dictionary_encode()
    words = pa.array([storable(word) for word in coded.dictionary.to_pylist()], pa.string())
    return pa.DictionaryArray.from_arrays(coded.indices, words)


def decode(data: bytes) -> pa.Table:
    """Return the table of a segment.

    Raises
    ------
    DamagedSegment
        The bytes are not Parquet, the columns are not a segment's, or a text is not UTF-8.
    """
    try:
        table = pq.read_table(pa.BufferReader(data), use_threads=False, read_dictionary=[*_REPEATED])
        table.validate(full=True)
        return table.cast(_segment_schema(table.schema))
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise DamagedSegment(f"{type(error).__name__}: {error}") from error


def version(segment: pa.Table) -> int:
    """Return the schema version of the writer."""
    return int((segment.schema.metadata or {}).get(_VERSION, b"1"))


def by_table(segments: Sequence[pa.Table]) -> Iterator[tuple[str, pa.Table]]:
    """Yield each table that the segments have rows for, with all of its columns."""
    whole = pa.concat_tables(segments, promote_options="default").unify_dictionaries()
    for name, columns in TABLES.items():
        chosen = pc.equal(whole[_TABLE], name)
        if not pc.any(chosen).as_py():
            continue
        own = whole.select([full for full in whole.column_names if full.startswith(f"{name}.")])
        if not pc.all(chosen).as_py():
            own = own.filter(chosen)
        if own.num_rows:
            yield name, pa.table({c: _column(own, f"{name}.{c}", kind) for c, kind in columns.items()})


def _column(table: pa.Table, name: str, kind: str) -> pa.ChunkedArray:
    if name in table.column_names:
        return table[name]
    return pa.chunked_array([pa.nulls(table.num_rows, TYPES[kind])])


def _segment_schema(found: pa.Schema) -> pa.Schema:
    # A column that this version does not know is kept as it is: the segment is then a newer version's, and waits.
    if _TABLE not in found.names:
        raise KeyError(f"no column {_TABLE}")
    return pa.schema([_field(field) for field in found], metadata=found.metadata)


def _field(field: pa.Field) -> pa.Field:
    if field.name == _TABLE:
        return pa.field(_TABLE, pa.string())
    if field.name in _REPEATED:
        return pa.field(field.name, _DICTIONARY)
    name, _, column = field.name.partition(".")
    columns: Columns = TABLES.get(name, {})
    return pa.field(field.name, TYPES[columns[column]]) if column in columns else field
