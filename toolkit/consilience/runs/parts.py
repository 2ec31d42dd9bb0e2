"""Frames and files in parts of so many rows, of which one is held at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from consilience.errors import InvalidFrame
from consilience.frames import Frame, to_polars

if TYPE_CHECKING:
    import polars as pl

_FILES = (".parquet", ".csv")
_READ_AT_ONCE = 2**20
_CSV_BYTES = 4 * 2**20
_SAID = 300
_ZIPPED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78\x01", b"\x78\x9c", b"\x78\xda")


class Source(Protocol):
    """What rows come from."""

    schema: pl.Schema

    def parts(self, columns: Sequence[str], size: int) -> Iterator[pl.DataFrame]:
        """Yield these columns in the order of the rows, at most so many rows at once."""


def opened(frame: Frame | str | os.PathLike[str]) -> Source:
    """Return the source that a frame, lazy frame or path of a file is.

    Raises
    ------
    InvalidFrame
        It is none of them, or the file is not there or cannot be read.

    Examples
    --------
    >>> source = opened({"id": [1, 2, 3], "text": ["a", "b", "c"]})
    >>> [part["id"].to_list() for part in source.parts(["id"], 2)]
    [[1, 2], [3]]
    """
    import polars as pl

    if isinstance(frame, pl.LazyFrame):
        return _Lazy(frame)
    if not isinstance(frame, (str, os.PathLike)):
        return _Held(to_polars(frame))
    path = Path(frame)
    if path.suffix.lower() not in _FILES:
        raise InvalidFrame(
            f"A run reads {' and '.join(_FILES)} files, {path.name!r} came: read it with Polars and give the frame."
        )
    if not path.exists():
        raise InvalidFrame(f"A run reads a file that is there, {os.fspath(path)!r} is not: check the path.")
    try:
        return _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error) from error


class _Held:
    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self.schema = frame.schema

    def parts(self, columns: Sequence[str], size: int) -> Iterator[pl.DataFrame]:
        yield from self._frame.select(columns).iter_slices(size)


class _Lazy:
    def __init__(self, frame: pl.LazyFrame) -> None:
        self._frame = frame
        self.schema = frame.collect_schema()

    def parts(self, columns: Sequence[str], size: int) -> Iterator[pl.DataFrame]:
        for frame in self._frame.select(columns).collect_batches(chunk_size=size, maintain_order=True):
            yield from frame.iter_slices(size)


class _Parquet:
    """Page after page by Arrow: Polars holds row groups, and those that pandas writes have a million rows."""

    def __init__(self, path: Path, schema: pl.Schema) -> None:
        self._path = path
        self.schema = schema

    def parts(self, columns: Sequence[str], size: int) -> Iterator[pl.DataFrame]:
        import polars as pl
        import pyarrow as pa
        import pyarrow.parquet as pq

        wanted = {name: self.schema[name] for name in columns}
        try:
            with pq.ParquetFile(self._path, buffer_size=_READ_AT_ONCE, pre_buffer=False) as file:
                for batch in file.iter_batches(size, columns=list(columns), use_threads=False):
                    part = pl.DataFrame(pl.from_arrow(batch)).select(columns)
                    yield part if part.schema == wanted else part.cast(pl.Schema(wanted))
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(self._path, error) from error


class _Csv:
    """Some megabytes after the other: Polars holds hundreds of them."""

    def __init__(self, path: Path, schema: pl.Schema) -> None:
        self._path = path
        self.schema = schema

    def parts(self, columns: Sequence[str], size: int) -> Iterator[pl.DataFrame]:
        import polars as pl

        try:
            with self._path.open("rb") as file:
                head = b""
                for line in _records(file, 1):
                    head += line
                    if head.strip():
                        break
                for records in _records(file, _CSV_BYTES):
                    part = pl.read_csv(head + records, schema=self.schema, columns=list(columns))
                    yield from part.select(columns).iter_slices(size)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(self._path, error) from error


def _records(lines: Iterable[bytes], n_bytes: int) -> Iterator[bytes]:
    """Yield whole records of a CSV file, so many bytes or a few more: they end with a line outside of quotes."""
    held: list[bytes] = []
    size = n_quotes = 0
    for line in lines:
        held.append(line)
        size += len(line)
        n_quotes += line.count(b'"')
        if size >= n_bytes and n_quotes % 2 == 0:
            yield b"".join(held)
            held.clear()
            size = n_quotes = 0
    if held:
        yield b"".join(held)


def _parquet(path: Path) -> Source:
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    lazy = pl.scan_parquet(path)
    if path.is_dir():
        return _Lazy(lazy)
    schema = lazy.collect_schema()
    try:
        # Not by `empty_table`, which makes arrays and imports pandas for that.
        pl.DataFrame(pl.from_arrow(pa.Table.from_batches([], pq.read_schema(path)))).cast(schema)
    except (pa.ArrowException, pl.exceptions.PolarsError):  # a type that only Polars knows
        return _Lazy(lazy)
    return _Parquet(path, schema)


def _csv(path: Path) -> Source:
    import polars as pl

    lazy = pl.scan_csv(path)
    if path.is_dir():
        return _Lazy(lazy)
    with path.open("rb") as file:
        if file.read(4).startswith(_ZIPPED):
            return _Lazy(lazy)
    return _Csv(path, lazy.collect_schema())


def _unreadable(path: Path, error: Exception) -> InvalidFrame:
    # What follows in Polars' errors are its own options, and a place in the part that it was given.
    said = str(error).partition("\n\n")[0][:_SAID].rstrip(".")
    return InvalidFrame(
        f"{path.name} cannot be read: {said}. Mend it, or read it with Polars and give the frame."
    )
