"""The rows that a run goes through: frames of any make and files, read in batches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from consilience.errors import InvalidFrame, InvalidInput, LoopError
from consilience.frames import Frame, require_columns
from consilience.runs.parts import opened
from consilience.runs.template import Template

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Hashes: TypeAlias = npt.NDArray[np.uint64]

ROW = "row"
_at_work: int | None = None  # the process in which Polars has threads
_AT = "__at__"
_PART = 1024


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

    Attributes
    ----------
    key, numbered
        The column that tells the rows apart, and whether it was made here.
    n, n_distinct
        Rows, and different prompts among them.

    Raises
    ------
    InvalidFrame
        It is no frame, it has no rows, a column is missing, a key is null or stands twice, or a cell of the prompt is
        null or holds a list.
    InvalidInput
        The key is no name.
    LoopError
        The process was forked from one that had rows before.

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

        _require_threads()
        if key is not None and not isinstance(key, str):
            raise InvalidInput(
                f"key= takes the name of one column, or None to number the rows; {key!r} came."
            )
        self._source = opened(frame)
        schema = self._source.schema
        self.key = ROW if key is None else key
        wanted = template.columns if key is None else (key, *template.columns)
        require_columns(pl.DataFrame(schema=schema), tuple(dict.fromkeys((*wanted, *beside))))
        for column in dict.fromkeys(wanted):
            _require_plain(column, schema[column], prompt=column in template.columns)
        self.numbered = key is None
        if self.numbered and ROW in template.columns:
            raise InvalidFrame(
                f"Rows without key= are numbered in a column {ROW!r}, and the prompt uses one of that name: give "
                f"key=, or rename it."
            )
        self.key_type: pl.DataType = schema[key] if key is not None else pl.UInt32()
        self.columns = list(dict.fromkeys((self.key, *template.columns)))
        self._beside = [name for name in dict.fromkeys(beside) if name not in self.columns]
        self._prompt = pl.concat_list(self._text(c).hash() for c in template.columns).hash()
        self._template = template
        self._seen: Hashes | None = None
        keys, prompts = self._checked(template)
        if not self.numbered:
            self._require_distinct(keys)
        self.n = len(keys)
        twice, self.n_distinct = _repeated(prompts)
        self._repeated = _among(prompts, twice) if len(twice) else None
        self._seen = prompts if self.numbered else None

    def repeated(self, number: int) -> bool:
        """Whether another row may have the same prompt as the row of this number."""
        return self._repeated is not None and bool(self._repeated[number])

    def batches(self, size: int) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows as mappings, at most so many at once, in the order of the frame."""
        for part in self._parts([*self.columns, *self._beside], size):
            yield part.to_dicts()

    def of(self, keys: list[object]) -> pl.DataFrame:
        """Return key and prompt's columns of the rows of some keys."""
        import polars as pl

        wanted = pl.col(self.key).is_in(pl.Series(keys, dtype=self.key_type).implode())
        return pl.concat(part.filter(wanted) for part in self._parts(self.columns, _PART))

    def _parts(self, columns: Sequence[str], size: int) -> Iterator[pl.DataFrame]:
        read = [name for name in columns if not (self.numbered and name == ROW)]
        number = 0
        for part in self._source.parts(read, size):
            self._require_same(part, number)
            yield part.with_row_index(ROW, number) if self.numbered else part
            number += part.height

    def require_same(self, frame: pl.DataFrame) -> None:
        """Refuse a frame whose rows are not those that were numbered, as far as its columns tell.

        Raises
        ------
        InvalidFrame
            A row has another prompt.
        """
        if all(frame.schema.get(c) == self._source.schema[c] for c in self._template.columns):
            self._require_same(frame, 0)

    def _require_same(self, part: pl.DataFrame, before: int) -> None:
        """Compare rows that were numbered with what stood there when they were."""
        if self._seen is None:
            return
        found, seen = (
            part.select(prompt=self._prompt)["prompt"].to_numpy(),
            self._seen[before : before + part.height],
        )
        if len(found) == len(seen) and (found == seen).all():
            return
        row = before + next(
            (n for n, (a, b) in enumerate(zip(found, seen, strict=False)) if a != b), len(seen)
        )
        raise InvalidFrame(
            f"Rows without key= go by their place, and row {row} is another one than before: the order of a lazy frame "
            "that groups or joins is another one each time, and a file can change. Give key=, or frame.collect() first."
        )

    def _checked(self, template: Template) -> tuple[Hashes, Hashes]:
        """Return a hash of each key, and of each prompt."""
        import numpy as np

        # Each text is hashed and looked through where it lies: lists and stripped copies of them take its memory again.
        keys: list[Hashes] = []
        prompts: list[Hashes] = []
        number = 0
        for part in self._parts(self.columns, _PART):
            self._require_filled(part, template, number)
            keys.append(part.select(_told_apart(self.key, self.key_type).hash())[self.key].to_numpy())
            prompts.append(part.select(prompt=self._prompt)["prompt"].to_numpy())
            number += part.height
        if not number:
            raise InvalidFrame("A run needs at least one row, the frame has none.")
        return np.concatenate(keys), np.concatenate(prompts)

    def _text(self, column: str) -> pl.Expr:
        import polars as pl

        dtype = self._source.schema[column]
        return (pl.col(column).cast(pl.Int64) if dtype == pl.Duration else pl.col(column)).cast(pl.String)

    def _require_filled(self, part: pl.DataFrame, template: Template, before: int) -> None:
        import polars as pl

        for column in self.columns:
            if (null := part[column].is_null()).any():
                what = "key" if column == self.key else "prompt"
                raise InvalidFrame(
                    f"Column {column!r} of the {what} must be filled, row {before + (null.arg_max() or 0)} is null: "
                    f"frame.drop_nulls({column!r}), or fill it."
                )
        if template.blank:
            filled = [self._text(c).str.contains(r"\S") for c in template.columns]
            empty = part.select(empty=~pl.any_horizontal(filled))["empty"]
            if empty.any():
                raise InvalidFrame(
                    f"A prompt needs a text, row {before + (empty.arg_max() or 0)} is empty in "
                    f"{', '.join(template.columns)}: drop the row."
                )

    def _require_distinct(self, hashes: Hashes) -> None:
        alike, _ = _repeated(hashes)
        if not len(alike):
            return
        some = self._keys(alike)  # two keys of one hash are next to never different
        twice = some.filter(some[self.key].is_duplicated())
        if twice.height:
            value = twice[self.key][0]
            same = twice.filter(twice[self.key].is_in(twice[self.key].head(1).implode()))
            rows = ", ".join(map(str, same[_AT].head(5).to_list()))
            raise InvalidFrame(
                f"Column {self.key!r} tells rows apart, {value!r} stands in rows {rows}: "
                f"frame.unique({self.key!r}), another column, or key=None to number the rows."
            )

    def _keys(self, hashes: Hashes) -> pl.DataFrame:
        """Return the keys that have one of these hashes, and at which row each stands."""
        import polars as pl

        hashed = _told_apart(self.key, self.key_type).hash().is_in(pl.Series(hashes).implode())
        found = []
        number = 0
        for part in self._source.parts([self.key], _PART):
            found.append(part.with_row_index(_AT, number).filter(hashed))
            number += part.height
        return pl.concat(found)


def _require_threads() -> None:
    global _at_work  # noqa: PLW0603 - what a fork leaves behind belongs to the process
    if _at_work not in (None, os.getpid()):
        raise LoopError(
            "This process was forked from one in which Polars was at work, whose threads a fork does not take along: a "
            "run would wait for them without end. Start it with multiprocessing.get_context('spawn')."
        )
    _at_work = os.getpid()


def _told_apart(key: str, dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    # The codes of categories can be others in each part.
    return pl.col(key).cast(pl.String) if isinstance(dtype, (pl.Categorical, pl.Enum)) else pl.col(key)


def _repeated(hashes: Hashes) -> tuple[Hashes, int]:
    """Return the values that stand more than once, and how many different ones there are.

    Sorting a million of them takes a tenth of the memory of a table of them.
    """
    import numpy as np

    ordered = np.sort(hashes)
    again = ordered[1:] == ordered[:-1]
    return np.unique(ordered[1:][again]), len(hashes) - int(again.sum())


def _among(hashes: Hashes, some: Hashes) -> npt.NDArray[np.bool_]:
    """Return which of the values are some of those in order."""
    import numpy as np

    place = np.searchsorted(some, hashes)
    found: npt.NDArray[np.bool_] = some[np.minimum(place, len(some) - 1)] == hashes
    return found


def _require_plain(column: str, dtype: pl.DataType, *, prompt: bool) -> None:
    import polars as pl

    if dtype.is_nested() or dtype == pl.Object or (prompt and dtype == pl.Binary):
        how = ".cast(pl.String) where it is UTF-8" if dtype == pl.Binary else ".list.join(', ')"
        raise InvalidFrame(
            f"Column {column!r} must hold texts, numbers, dates or truth values, it holds {dtype}: make a text of it, "
            f"for example with {how}."
        )
