"""Segments: the rows of several tables in one Arrow stream, so that they are taken together or not at all.

A segment has the column ``table_name`` and, for each table it carries, that table's columns as ``questions.id``,
``questions.text`` and so on; a row fills the columns of its own table. It is flat, so that any reader of Arrow streams
can look into it, and it lacks what an older version did not know, which is read as NULL. After the stream come four
bytes, the CRC-32 of all before them, least significant first; readers of Arrow streams stop before them. Arrow files
and Parquet, in which segments were written before, are still read.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from consilience.kernels.buffers import arrow_columns
from consilience.store.rows import storable
from consilience.store.schema import ALL_TABLES, SCHEMA_VERSION, TABLES, Columns

if TYPE_CHECKING:
    from consilience.store.rows import Bundle, Row

_TABLE = "table_name"
_VERSION = b"consilience.schema"
_METADATA = {_VERSION: str(SCHEMA_VERSION)}
_PARQUET = b"PAR1"
_ARROW_FILE = b"ARROW1"
_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_SEAL = 4
# Below this, packing and unpacking each column's bytes takes longer than writing and reading them.
_PACKED_BYTES = 2**18
TYPES: Mapping[str, pa.DataType] = {
    "TEXT": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE PRECISION": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
}
_KINDS = {"TEXT": "t", "BIGINT": "i", "DOUBLE PRECISION": "f", "BOOLEAN": "b", "TIMESTAMPTZ": "m"}
# Names that repeat by the thousand go from writer to engine as a dictionary, which halves what a row costs.
_REPEATED = ("metrics.source", "metrics.name", "metrics.label")
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())
POOL = pa.system_memory_pool()
"""Where rows lie: Arrow's own pool keeps what a thread gave back for that thread, and rows are written by many."""


class DamagedSegment(Exception):
    """A file in the spool is not a segment. It never leaves this package."""


def encode(bundles: Sequence[Bundle]) -> bytes:
    """Return the bundles as one Arrow stream in memory."""
    rows = {name: [row for b in bundles for row in b.tables.get(name, ())] for name in TABLES}
    n = sum(map(len, rows.values()))
    arrays = _table_names([(name,) for name, own in rows.items() for _ in own])
    before = 0
    for name, own in rows.items():
        if own:
            columns = {f"{name}.{column}": kind for column, kind in TABLES[name].items()}
            arrays |= _arrays(columns, own, before, n - before - len(own))
            before += len(own)
    schema, head = _head(tuple((name, array.type) for name, array in arrays.items()))
    batch = pa.RecordBatch.from_arrays(list(arrays.values()), schema=schema)
    # What a stream's writer would write, in one turn of the interpreter in place of four.
    data = b"".join((head, batch.serialize(memory_pool=POOL), _END))
    return sealed(data) if len(data) < _PACKED_BYTES else _packed(batch)


def _arrays(
    columns: Columns, rows: Sequence[Row], before: int = 0, after: int = 0
) -> Iterator[tuple[str, pa.Array]]:
    """Yield columns, NULL before and after their rows; what no row knows is left out, and read as NULL."""
    n = before + len(rows) + after
    found = arrow_columns(rows, "".join(_KINDS[kind] for kind in columns.values()), before, after)
    for (name, kind), column in zip(columns.items(), found, strict=True):
        if column is not None:
            buffers = [pa.py_buffer(each) for each in column.buffers]
            yield name, pa.Array.from_buffers(TYPES[kind], n, buffers, column.n_null)


def _table_names(names: list[Row]) -> dict[str, pa.Array]:
    return {_TABLE: pa.nulls(0, pa.string()), **dict(_arrays({_TABLE: "TEXT"}, names))}


def table_of(name: str, rows: list[Row]) -> pa.Table:
    """Return rows of one table; columns that no row knows are left out."""
    return pa.table(dict(_arrays(ALL_TABLES[name], rows)))


def encode_columns(name: str, rows: pa.Table) -> bytes:
    """Return rows of one table as a segment, from columns and without a Python object for each cell."""
    columns = TABLES[name]
    arrays = _table_names([(name,)] * rows.num_rows)
    for column in rows.column_names:
        full = f"{name}.{column}"
        values = rows[column].cast(TYPES[columns[column]])
        arrays[full] = _words(values) if full in _REPEATED else values.combine_chunks()
    return _packed(pa.RecordBatch.from_pydict(arrays))


def _packed(batch: pa.RecordBatch) -> bytes:
    """Return a stream by its writer, which knows dictionaries and compression."""
    whole = batch.replace_schema_metadata(_METADATA)
    sink = pa.BufferOutputStream(memory_pool=POOL)
    packing = ipc.IpcWriteOptions(compression="lz4" if whole.nbytes > _PACKED_BYTES else None)
    with ipc.new_stream(sink, whole.schema, options=packing) as writer:
        writer.write_batch(whole)
    return sealed(bytes(sink.getvalue()))


def sealed(stream: bytes) -> bytes:
    """Return a stream with its checksum."""
    return stream + zlib.crc32(stream).to_bytes(_SEAL, "little")


@lru_cache(maxsize=64)
def _head(columns: tuple[tuple[str, pa.DataType], ...]) -> tuple[pa.Schema, bytes]:
    schema = pa.schema(columns, _METADATA)
    return schema, bytes(schema.serialize())


def _words(values: pa.ChunkedArray) -> pa.DictionaryArray:
    coded = values.combine_chunks().dictionary_encode()
    words: list[Row] = [(storable(word),) for word in coded.dictionary.to_pylist()]
    if not words:
        return coded
    ((_, stored),) = _arrays({"word": "TEXT"}, words)
    return pa.DictionaryArray.from_arrays(coded.indices, stored)


def decode(data: bytes) -> pa.Table:
    """Return the table of a segment.

    Raises
    ------
    DamagedSegment
        The bytes are not those that were written, or the columns are not a segment's.
    """
    try:
        table = _read(data)
        version(table)
        own = _segment_schema(tuple(table.schema))
        if table.num_rows and len(own) == 1:
            raise ValueError("rows without columns")
        return table if table.schema.equals(own) else table.cast(own.with_metadata(table.schema.metadata))
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise DamagedSegment(f"{type(error).__name__}: {error}") from error


def version(segment: pa.Table) -> int:
    """Return the schema version of the writer."""
    return int((segment.schema.metadata or {}).get(_VERSION, b"1"))


def by_table(segments: Sequence[pa.Table]) -> Iterator[tuple[str, pa.Table]]:
    """Yield each table that the segments have rows for, with all of its columns; their cells are not copied."""
    whole = pa.concat_tables(segments, promote_options="default").unify_dictionaries()
    spans = _spans(whole[_TABLE])
    for name, columns in TABLES.items():
        if name in spans:
            chosen = whole.select([full for full in whole.column_names if full.startswith(f"{name}.")])
            own = pa.concat_tables([chosen.slice(start, end - start) for start, end in spans[name]])
            yield name, pa.table({c: _column(own, f"{name}.{c}", kind) for c, kind in columns.items()})


def _spans(names: pa.ChunkedArray) -> dict[str, list[tuple[int, int]]]:
    """Return from where to where rows of each table lie together."""
    encoded = names.combine_chunks(memory_pool=POOL).dictionary_encode(null_encoding="encode")
    words = encoded.dictionary.to_pylist()
    codes = np.from_dlpack(encoded.indices)  # to_numpy() would import pandas
    starts = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
    spans: dict[str, list[tuple[int, int]]] = {}
    for start, end in itertools.pairwise([*starts, len(codes)]):
        spans.setdefault(words[codes[start]], []).append((start, end))
    return spans


def _column(table: pa.Table, name: str, kind: str) -> pa.ChunkedArray:
    if name in table.column_names:
        return table[name]
    return pa.chunked_array([pa.nulls(table.num_rows, TYPES[kind])])


def _read(data: bytes) -> pa.Table:
    earlier = _read_earlier(data)
    if earlier is not None:
        earlier.validate(full=True)  # it has no checksum
        return earlier
    if zlib.crc32(memoryview(data)[:-_SEAL]).to_bytes(_SEAL, "little") != data[-_SEAL:]:
        raise ValueError("the checksum is another one")
    return ipc.open_stream(data, memory_pool=POOL).read_all()


def _read_earlier(data: bytes) -> pa.Table | None:
    if data.startswith(_PARQUET):
        return _read_parquet(data)
    if data.startswith(_ARROW_FILE):
        return ipc.open_file(data, memory_pool=POOL).read_all()
    return None


def _read_parquet(data: bytes) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(pa.BufferReader(data), use_threads=False, read_dictionary=[*_REPEATED])


@lru_cache(maxsize=64)
def _segment_schema(found: tuple[pa.Field, ...]) -> pa.Schema:
    # A column that this version does not know is kept as it is: the segment is then a newer version's, and waits.
    fields = [_field(field) for field in found]
    names = [field.name for field in fields]
    if _TABLE not in names:
        raise KeyError(f"no column {_TABLE}")
    if len(set(names)) < len(names):
        raise KeyError("two columns of one name")
    return pa.schema(fields)


def _field(field: pa.Field) -> pa.Field:
    if field.name == _TABLE:
        return pa.field(_TABLE, pa.string())
    if field.name in _REPEATED:
        return pa.field(field.name, _DICTIONARY)
    name, _, column = field.name.partition(".")
    columns: Columns = TABLES.get(name, {})
    return pa.field(field.name, TYPES[columns[column]]) if column in columns else field
