"""The rows that a run goes through: frames of any make and files, read in batches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import InvalidFrame
from consilience.frames import Frame, require_columns, to_polars
from consilience.runs.template import Template

if TYPE_CHECKING:
    import polars as pl

ROW = "row"
_HASH = "__prompt__"
_FILES = (".parquet", ".csv")


class Rows:
    """The rows of a frame or file that a prompt needs, checked before anybody is asked.

    Files and lazy frames are read twice: once for keys and for equal prompts, of which one number a row is kept, and
    once in batches while the run goes on.

    Parameters
    ----------
    frame
        Polars (eager or lazy), pandas, Arrow, a mapping of columns, or the path of a Parquet or CSV file.
    template
        The prompt.
    key
        The column that tells the rows apart; ``None`` numbers them in a column ``row``.
    beside
        Columns that are read as well; they may hold nulls.

    Raises
    ------
    InvalidFrame
        It is no frame, it has no rows, a column is missing, a key is null or stands twice, or a cell of the prompt is
        null or holds a list.

    Examples
    --------
    >>> rows = Rows({"id": [7, 9], "text": ["a", "a"]}, Template("Say {text}"), "id")
    >>> rows.n, rows.n_distinct
    (2, 1)
    """

    def __init__(
        self,
        frame: Frame | str | os.PathLike[str],
        template: Template,
        key: str | None,
        beside: Sequence[str] = (),
    ) -> None:
        import polars as pl

        lazy = _lazy(frame)
        schema = lazy.collect_schema()
        self.key = ROW if key is None else key
        wanted = template.columns if key is None else (key, *template.columns)
        require_columns(pl.DataFrame(schema=schema), tuple(dict.fromkeys((*wanted, *beside))))
        _require_plain(schema, tuple(dict.fromkeys(wanted)))
        if key is None:
            if ROW in schema and ROW in template.columns:
                raise InvalidFrame(
                    f"Rows without key= are numbered in a column {ROW!r}, and the prompt uses one of that name: give "
                    f"key=, or rename it."
                )
            lazy = lazy.drop(ROW, strict=False).with_row_index(ROW)
        self.lazy = lazy
        self.key_type: pl.DataType = schema[key] if key is not None else pl.UInt32()
        self.columns = list(dict.fromkeys((self.key, *template.columns)))
        self._beside = [name for name in dict.fromkeys(beside) if name not in self.columns]
        seen = self._checked(template)
        self.n = seen.height
        twice, self.n_distinct = _repeated(seen[_HASH])
        self._repeated = seen[_HASH].is_in(twice.implode()) if twice.len() else None

    def repeated(self, number: int) -> bool:
        """Whether another row may have the same prompt as the row of this number."""
        return self._repeated is not None and bool(self._repeated[number])

    def batches(self, size: int) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows as mappings, at most so many at once, in the order of the frame."""
        wanted = self.lazy.select([*self.columns, *self._beside])
        for frame in wanted.collect_batches(chunk_size=size, maintain_order=True):
            for part in frame.iter_slices(size):
                yield part.to_dicts()

    def of(self, keys: list[object]) -> pl.DataFrame:
        """Return the whole rows of some keys."""
        import polars as pl

        wanted = pl.Series(keys, dtype=self.lazy.collect_schema()[self.key])
        return self.lazy.filter(pl.col(self.key).is_in(wanted.implode())).collect()

    def _checked(self, template: Template) -> pl.DataFrame:
        import polars as pl

        # Each text is hashed and looked through where it lies: lists and stripped copies of them take its memory again.
        texts = [pl.col(c).cast(pl.String) for c in template.columns]
        shown = pl.concat_list(text.hash() for text in texts)
        blank = pl.all_horizontal(~text.str.contains(r"\S") for text in texts)
        empty = blank if template.blank else pl.lit(False)
        seen = self.lazy.select(
            pl.col(self.key),
            shown.hash().alias(_HASH),
            *(pl.col(c).is_null().alias(f"null {c}") for c in self.columns),
            empty.alias("empty"),
        ).collect(engine="streaming")
        if not seen.height:
            raise InvalidFrame("A run needs at least one row, the frame has none.")
        for column in self.columns:
            if (null := seen[f"null {column}"]).any():
                what = "key" if column == self.key else "prompt"
                raise InvalidFrame(
                    f"Column {column!r} of the {what} must be filled, row {null.arg_max()} is null: "
                    f"frame.drop_nulls({column!r}), or fill it."
                )
        if template.blank and seen["empty"].any():
            raise InvalidFrame(
                f"A prompt needs a text, row {seen['empty'].arg_max()} is empty in {', '.join(template.columns)}: "
                "drop the row."
            )
        self._require_distinct(seen[self.key])
        return seen.select(_HASH)

    def _require_distinct(self, keys: pl.Series) -> None:
        import polars as pl

        hashes = keys.hash()
        alike, _ = _repeated(hashes)
        if not alike.len():
            return
        some = keys.filter(hashes.is_in(alike.implode()))  # two keys of one hash are next to never different
        twice = some.is_duplicated()
        if twice.any():
            value = some[int(twice.arg_max() or 0)]
            same = keys.is_in(pl.Series([value], dtype=keys.dtype).implode())
            rows = ", ".join(map(str, same.arg_true().head(5).to_list()))
            raise InvalidFrame(
                f"Column {self.key!r} tells rows apart, {value!r} stands in rows {rows}: "
                f"frame.unique({self.key!r}), another column, or key=None to number the rows."
            )


def _repeated(hashes: pl.Series) -> tuple[pl.Series, int]:
    """Return the values that stand more than once, and how many different ones there are.

    Sorting a million of them takes a tenth of the memory of a table of them, which is what ``is_duplicated`` makes.
    """
    ordered = hashes.sort()
    again = ordered.slice(1) == ordered.slice(0, max(ordered.len() - 1, 0))
    return ordered.slice(1).filter(again).unique(), hashes.len() - int(again.sum())


def _lazy(frame: Frame | str | os.PathLike[str]) -> pl.LazyFrame:
    import polars as pl

    if isinstance(frame, pl.LazyFrame):
        return frame
    if not isinstance(frame, (str, os.PathLike)):
        return to_polars(frame).lazy()
    path = Path(frame)
    if path.suffix.lower() not in _FILES:
        raise InvalidFrame(
            f"A run reads {' and '.join(_FILES)} files, {path.name!r} came: read it with Polars and give the frame."
        )
    if not path.exists():
        raise InvalidFrame(f"A run reads a file that is there, {os.fspath(path)!r} is not: check the path.")
    return pl.scan_parquet(path) if path.suffix.lower() == ".parquet" else pl.scan_csv(path)


def _require_plain(schema: pl.Schema, columns: tuple[str, ...]) -> None:
    for column in columns:
        if schema[column].is_nested():
            raise InvalidFrame(
                f"Column {column!r} must hold texts, numbers, dates or truth values, it holds {schema[column]}: make a "
                "text of it, for example with .list.join(', ')."
            )
