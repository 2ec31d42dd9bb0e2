"""Files line by line, in blocks of bounded size, compressed or not."""

from __future__ import annotations

import io
import json
import lzma
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from consilience.errors import InvalidFrame
from consilience.models import quoted

if TYPE_CHECKING:
    import polars as pl

_CHUNK = 2**20
_CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
COMPRESSED = (*_CODECS, ".xz")


class BadLine(InvalidFrame):
    """A line cannot be read; the message names the file, the line and what to do.

    Attributes
    ----------
    path, line
        The file, and the line's number from 1.
    """

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}, line {line:,}: {problem}")
        self.path, self.line, self._problem = path, line, problem

    def __reduce__(self) -> tuple[type[BadLine], tuple[Path, int, str]]:
        return BadLine, (self.path, self.line, self._problem)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one file that follow each other.

    Parameters
    ----------
    path
        The file.
    first
        The number of the first line, from 1.
    lines
        Without their ends; empty ones too.
    """

    path: Path
    first: int
    lines: Sequence[bytes]


def blocks(path: Path, rows: int, max_bytes: int) -> Iterator[Block]:
    """Yield the lines of a file, at most so many and about so many bytes at a time.

    Raises
    ------
    BadLine
        A line is longer than ``max_bytes``, or the compressed data end too early.
    InvalidFrame
        The file cannot be read.
    """
    first, held, size, tail = 1, list[bytes](), 0, b""
    for chunk in _chunks(path):
        *lines, tail = (tail + chunk).split(b"\n")
        if len(tail) > max_bytes:
            raise BadLine(
                path,
                first + len(held) + len(lines),
                f"a line of at most {max_bytes:,} bytes is required, a longer one came: raise max_bytes.",
            )
        for line in lines:
            held.append(line)
            size += len(line) + 1
            if len(held) >= rows or size >= max_bytes:
                yield Block(path, first, held)
                first, held, size = first + len(held), [], 0
    if tail:
        held.append(tail)
    if held:
        yield Block(path, first, held)


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with _opened(path) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise InvalidFrame(
            f"A file that can be read to its end is required, {path} cannot: {error}. Fetch or write it again."
        ) from error


def _opened(path: Path) -> IO[bytes]:
    """Open a file as its last suffix says; of a compressed one, every member that follows another."""
    if path.suffix == ".xz":
        return lzma.open(path)
    codec = _CODECS.get(path.suffix)
    if codec is None:
        return path.open("rb", buffering=0)
    import pyarrow as pa

    stream: Any = pa.CompressedInputStream(pa.OSFile(str(path)), codec)
    return stream  # type: ignore[no-any-return]


def as_text(block: Block, bad: Callable[[BadLine], object] | None) -> pl.DataFrame:
    """Return lines as rows ``file, line, text``; a line that is not UTF-8 goes to ``bad``, or is raised."""
    import polars as pl

    numbers, texts = [], []
    for number, line in enumerate(block.lines, block.first):
        try:
            texts.append(line.removesuffix(b"\r").decode())
        except UnicodeDecodeError as error:
            problem = (
                f"UTF-8 is required, byte {error.start + 1} is something else: convert the file with iconv."
            )
            _complain(BadLine(block.path, number, problem), bad)
            continue
        numbers.append(number)
    return pl.DataFrame(
        {"file": [str(block.path)] * len(texts), "line": numbers, "text": texts},
        schema={"file": pl.String, "line": pl.Int64, "text": pl.String},
    )


def as_frame(block: Block, bad: Callable[[BadLine], object] | None, schema: Any | None) -> pl.DataFrame:
    """Return lines of JSON objects as rows; a line that is none goes to ``bad``, or is raised."""
    import polars as pl

    lines = [line for line in block.lines if line.strip()]
    if not lines:
        return pl.DataFrame(schema=schema)
    try:
        return _parsed(lines, schema)
    except pl.exceptions.PolarsError as error:
        good = [
            line for number, line in enumerate(block.lines, block.first) if _is_row(block, number, line, bad)
        ]
        if len(good) < len(lines):
            return _parsed(good, schema) if good else pl.DataFrame(schema=schema)
        last = block.first + len(block.lines) - 1
        problem = f"these lines to {last:,} do not form a table ({error}): give their types with schema=."
        raise BadLine(block.path, block.first, problem) from error


def _parsed(lines: Sequence[bytes], schema: Any | None) -> pl.DataFrame:
    import polars as pl

    return pl.read_ndjson(io.BytesIO(b"\n".join(lines)), schema=schema, infer_schema_length=None)


def _is_row(block: Block, number: int, line: bytes, bad: Callable[[BadLine], object] | None) -> bool:
    if not line.strip():
        return False
    try:
        row = json.loads(line, parse_constant=_refuse)
        problem = None if isinstance(row, dict) else "a JSON object is required"
    except UnicodeDecodeError:
        problem = "UTF-8 is required"
    except (ValueError, RecursionError) as error:
        problem = f"a JSON object is required ({error})"
    if problem is None:
        return True
    shown = quoted(line[:400].decode(errors="replace"))
    _complain(
        BadLine(
            block.path, number, f"{problem}, {shown} came: mend the line, or pass bad= to go on without it."
        ),
        bad,
    )
    return False


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _complain(error: BadLine, bad: Callable[[BadLine], object] | None) -> None:
    if bad is None:
        raise error
    bad(error)
