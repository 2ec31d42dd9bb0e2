"""Files as a source: in chunks, off the loop, no faster than they are asked for."""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidInput
from consilience.loop import call_in_thread
from consilience.policies import Policy
from consilience.sources.reading import COMPRESSED, BadLine, Block, as_frame, as_text, blocks

if TYPE_CHECKING:
    import polars as pl

_JSON = (".jsonl", ".ndjson")
_END = object()


class Files:
    r"""Text or JSON lines in files, also ``.gz``, ``.zst``, ``.bz2`` and ``.xz``.

    Parameters
    ----------
    *patterns
        Paths, with ``*`` and ``**`` where several are meant; read in alphabetical order. Files whose name says
        ``.jsonl`` or ``.ndjson`` give the columns of their objects, others ``file``, ``line`` and ``text``.
    schema
        Names and Polars types of the columns of JSON lines. By default each batch is looked at as a whole, and two
        batches may differ.
    bad
        Called with a `BadLine` for each line that cannot be read, which is then left out; by default it is raised.
    max_bytes
        Longest line, and about the most that one batch holds before it is parsed. 8 MiB keep the whole under 200 MB.
    policy
        A `policies.Policy` under which each batch is read, to say how many at once; none by default. It cannot retry:
        what was read is not read again.

    Raises
    ------
    InvalidInput
        A setting is out of its range.

    Examples
    --------
    >>> import asyncio, tempfile
    >>> async def rows(pattern):
    ...     return [batch.height async for batch in Files(pattern).batches(rows=2)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.jsonl").write_text('{"id": 1}\n{"id": 2}\n{"id": 3}\n')
    ...     asyncio.run(rows(f"{folder}/*.jsonl"))
    [2, 1]
    """

    def __init__(
        self,
        *patterns: str | os.PathLike[str],
        schema: Any | None = None,
        bad: Callable[[BadLine], object] | None = None,
        max_bytes: int = 8 * 2**20,
        policy: Policy | None = None,
    ) -> None:
        if not patterns:
            raise InvalidInput("Files takes at least one path, none came: Files('answers/*.jsonl.gz').")
        if max_bytes < 1:
            raise InvalidInput(f"max_bytes is at least 1, {max_bytes} came.")
        self._patterns = [os.fspath(pattern) for pattern in patterns]
        self._schema, self._bad, self._max_bytes, self._policy = schema, bad, max_bytes, policy

    def __repr__(self) -> str:
        return f"Files({', '.join(map(repr, self._patterns))})"

    def paths(self) -> tuple[Path, ...]:
        """Return the files that the patterns mean now, sorted, each once.

        Raises
        ------
        InvalidInput
            There is none.
        """
        found = {
            name
            for pattern in self._patterns
            for name in glob.glob(os.path.expanduser(pattern), recursive=True)  # noqa: PTH111, PTH207 - patterns may be absolute
        }
        files = tuple(sorted(path for path in map(Path, found) if path.is_file()))
        if not files:
            raise InvalidInput(f"At least one file is required, {', '.join(self._patterns)} names none.")
        return files

    async def batches(self, rows: int = 10_000) -> AsyncGenerator[pl.DataFrame, None]:
        """Yield frames of at most so many rows, none across two files; the next is read when it is asked for.

        Raises
        ------
        BadLine
            A line cannot be read, unless ``bad`` takes it.
        InvalidInput
            A file cannot be read, or there is none.
        """
        if rows < 1:
            raise InvalidInput(f"rows is at least 1, {rows} came.")
        reader = _Reader(self._frames(rows))
        try:
            while (frame := await self._next(reader)) is not _END:
                yield frame  # type: ignore[misc]
        finally:
            await call_in_thread(reader.close)

    async def lines(self) -> AsyncGenerator[str, None]:
        """Yield the lines of text files one by one, and of JSON lines the text of each.

        Raises
        ------
        BadLine, InvalidInput
            As in `batches`.
        """
        reader = _Reader(self._texts())
        try:
            while (frame := await self._next(reader)) is not _END:
                for line in frame["text"]:  # type: ignore[index]
                    yield line
        finally:
            await call_in_thread(reader.close)

    async def frame(self, limit: int | None = None) -> pl.DataFrame:
        """Return all rows, or the first ``limit``, as one frame; columns that a batch lacks are null."""
        import polars as pl

        parts: list[pl.DataFrame] = []
        async with aclosing(self.batches()) as batches:
            async for batch in batches:
                parts.append(batch)
                if limit is not None and sum(part.height for part in parts) >= limit:
                    break
        joined = pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame(schema=self._schema)
        return joined if limit is None else joined.head(limit)

    async def context(self, max_chars: int = 20_000) -> str:
        """Return the beginning of the text, at whole lines, for a question's ``context``."""
        kept: list[str] = []
        left = max_chars
        async with aclosing(self.lines()) as lines:
            async for line in lines:
                left -= len(line) + 1
                if left < 0:
                    break
                kept.append(line)
        return "\n".join(kept)

    async def _next(self, reader: _Reader) -> object:
        if self._policy is None:
            return await call_in_thread(reader.read)
        return await self._policy.call(call_in_thread, reader.read)

    def _frames(self, rows: int) -> Iterator[pl.DataFrame]:
        for block, is_json in self._blocks(rows):
            frame = as_frame(block, self._bad, self._schema) if is_json else as_text(block, self._bad)
            if frame.height:
                yield frame

    def _texts(self) -> Iterator[pl.DataFrame]:
        return (as_text(block, self._bad) for block, _ in self._blocks(10_000))

    def _blocks(self, rows: int) -> Iterator[tuple[Block, bool]]:
        for path in self.paths():
            is_json = _plain_suffix(path) in _JSON
            for block in blocks(path, rows, self._max_bytes):
                yield block, is_json


class _Reader:
    """A generator that is read in threads: one at a time, and not past an error."""

    def __init__(self, frames: Iterator[pl.DataFrame]) -> None:
        self._frames = frames
        self._lock = threading.Lock()
        self._failed: BaseException | None = None

    def read(self) -> object:
        with self._lock:
            if self._failed is not None:  # the generator is over, which would look like the end of the files
                raise self._failed
            try:
                return next(self._frames, _END)
            except BaseException as error:  # also one that ends the thread: the generator is over either way
                self._failed = error
                raise

    def close(self) -> None:
        """End the generator, which closes its file, after a read that is under way."""
        with self._lock:
            self._frames.close()  # type: ignore[attr-defined]


def _plain_suffix(path: Path) -> str:
    suffixes: Sequence[str] = [suffix for suffix in path.suffixes if suffix not in COMPRESSED]
    return suffixes[-1].lower() if suffixes else ""
