"""A set of literals and regexes, found in texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from consilience.errors import InvalidInput
from consilience.kernels import backend
from consilience.patterns import regexes as regex_module
from consilience.patterns.literal_search import LiteralSearch
from consilience.patterns.row_filter import RowFilter, installed
from consilience.patterns.texts import ranges, to_series
from consilience.patterns.threads import in_order

if TYPE_CHECKING:
    import polars as pl

    from consilience.kernels.columns import Found

__all__ = ["PatternSet"]

Patterns: TypeAlias = "Mapping[str, str] | Iterable[str]"
RegexEngine = Literal["auto", "hyperscan", "polars"]


class PatternSet:
    """Literals and regexes that are looked for together.

    Parameters
    ----------
    literals
        Strings to find as they are: a mapping from names to literals, or a sequence whose literals name themselves.
    regexes
        In the syntax of Rust's regex crate, which Polars uses: Unicode, linear time, neither look-around nor
        back-references. A mapping or a sequence as above; no name may stand for two patterns.
    ignore_case
        Compare letters after Unicode simple case folding (CaseFolding.txt, statuses C and S): ``K`` (Kelvin) is
        ``k``, ``ς`` is ``Σ``; ``ß`` is not ``ss`` and ``İ`` is only itself. Offsets are those of the text as given.
    overlapping
        True gives every occurrence of every literal. False gives, from the left, the longest literal at the first
        byte where one stands, and goes on after it. Matches of one regex never overlap, of several they may.
    regex_engine
        Where regexes are looked for. ``polars``: each in every row. ``hyperscan`` (extra ``scan``): Hyperscan first
        says for all of them at once which rows hold a match, and Polars finds the places there. ``auto``: with
        Hyperscan where it is installed. The result is the same.
    threads
        How many to use at most; the default is the number of CPUs of this process. The result is the same.

    Attributes
    ----------
    names
        In the order given, literals first.
    engines
        What finds the literals and the regexes.

    Raises
    ------
    InvalidInput
        No pattern, an empty one, a name that comes twice, a regex that does not compile or matches the empty text,
        or an engine that is not installed.

    Examples
    --------
    >>> patterns = PatternSet(literals=["he", "she"], regexes={"number": "[0-9]+"})
    >>> patterns.scan(["ushers, 12", None, "he"])
    shape: (4, 4)
    ┌──────┬─────────┬───────┬─────┐
    │ text ┆ pattern ┆ start ┆ end │
    │ ---  ┆ ---     ┆ ---   ┆ --- │
    │ u32  ┆ enum    ┆ i64   ┆ i64 │
    ╞══════╪═════════╪═══════╪═════╡
    │ 0    ┆ she     ┆ 1     ┆ 4   │
    │ 0    ┆ he      ┆ 2     ┆ 4   │
    │ 0    ┆ number  ┆ 8     ┆ 10  │
    │ 2    ┆ he      ┆ 0     ┆ 2   │
    └──────┴─────────┴───────┴─────┘
    """

    def __init__(
        self,
        literals: Patterns = (),
        regexes: Patterns = (),
        *,
        ignore_case: bool = False,
        overlapping: bool = True,
        regex_engine: RegexEngine = "auto",
        threads: int | None = None,
    ) -> None:
        if threads is not None and threads < 1:
            raise InvalidInput(f"threads must be at least 1, got {threads}; leave it out to use every CPU")
        named, named_regexes = _named(literals, "literals"), _named(regexes, "regexes")
        self.names = [*(name for name, _ in named), *(name for name, _ in named_regexes)]
        _check_names(self.names)
        self.ignore_case, self.overlapping, self._threads = ignore_case, overlapping, threads
        self._literals = (
            LiteralSearch([text for _, text in named], ignore_case, overlapping) if named else None
        )
        self._regexes = [
            (name, regex_module.checked(name, regex, ignore_case=ignore_case))
            for name, regex in named_regexes
        ]
        self._n_literals = len(named)
        use_filter = _use_hyperscan(regex_engine) and self._regexes
        self._filter = RowFilter([regex for _, regex in self._regexes]) if use_filter else None

    @property
    def engines(self) -> dict[str, str]:
        """What finds each kind of pattern that is in the set."""
        own = {"literals": f"trie ({backend})"} if self._literals else {}
        if not self._regexes:
            return own
        taken = len(self._filter.taken) if self._filter else 0
        behind = f", behind hyperscan {taken} of {len(self._regexes)}" if taken else ""
        return own | {"regexes": f"polars{behind}"}

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        counts = f"{self._n_literals} literals, {len(self._regexes)} regexes"
        return f"PatternSet({counts}, ignore_case={self.ignore_case}, overlapping={self.overlapping})"

    def scan(self, texts: Any) -> pl.DataFrame:
        """Find every match.

        Parameters
        ----------
        texts
            A Polars, pandas or Arrow column, or a sequence of strings; nulls match nothing.

        Returns
        -------
        polars.DataFrame
            Sorted by its columns in the order text, start, end, pattern. ``text`` (UInt32) is the row, ``pattern``
            (Enum of `names`) the name, ``start`` and ``end`` (Int64) are byte offsets into the UTF-8 of the row.
            All matches are in memory at once, at 24 bytes each: where these may be too many use `scan_batches`.

        Raises
        ------
        InvalidInput
            The texts are not strings, or a regex matched the empty text.
        """
        import polars as pl

        return pl.concat([self._frame([]), *self.scan_batches(texts)])

    def scan_batches(self, texts: Any) -> Iterator[pl.DataFrame]:
        """Find every match, and give frames as of `scan` one after another.

        Together they are what `scan` returns. A frame of literals holds about 250,000 matches at most, or those of
        one byte of text; where regexes are looked for, those of about 8 MB of text, or of one longer row.
        """
        series = to_series(texts)
        work = (lambda start=start, rows=rows: self._find(start, rows) for start, rows in ranges(series))
        yield from in_order(work, self._threads, int(series.estimated_size()))

    def count(self, texts: Any) -> pl.DataFrame:
        """Return ``pattern``, ``matches`` and ``texts`` (rows with a match), a row for each pattern.

        Examples
        --------
        >>> PatternSet(["a", "b"]).count(["aa", "a"]).rows()
        [('a', 3, 2), ('b', 0, 0)]
        """
        import polars as pl

        matches, rows = np.zeros((2, len(self)), dtype=np.int64)
        last = np.full(len(self), -1, dtype=np.int64)
        for frame in self.scan_batches(texts):
            pattern, text = (frame[name].to_physical().to_numpy() for name in ("pattern", "text"))
            matches += np.bincount(pattern, minlength=len(self))
            seen, patterns = np.divmod(np.unique(text.astype(np.int64) * len(self) + pattern), len(self))
            # A row can go on in the next frame.
            rows += np.bincount(patterns[seen > last[patterns]], minlength=len(self))
            np.maximum.at(last, patterns, seen)
        return pl.DataFrame({"pattern": self._names, "matches": matches, "texts": rows})

    def contains(self, texts: Any) -> pl.Series:
        """Return whether each text holds any of the patterns; null for a null text.

        Examples
        --------
        >>> PatternSet(["a"]).contains(["ba", "b", None]).to_list()
        [True, False, None]
        """
        import polars as pl

        series = to_series(texts)
        found = np.zeros(len(series), dtype=np.bool_)
        for frame in self.scan_batches(series):
            found[frame["text"].to_numpy()] = True
        answers = pl.select(pl.when(series.is_not_null()).then(pl.Series(found)).alias(series.name))
        return answers.to_series()

    @cached_property
    def _names(self) -> pl.Series:
        import polars as pl

        return pl.Series(self.names, dtype=pl.Enum(self.names))

    def _find(self, start: int, rows: pl.Series) -> Iterator[pl.DataFrame]:
        """Yield the frames of a range of rows."""
        parts = self._literals.find(start, rows) if self._literals else iter(())
        if not self._regexes:
            yield from (self._frame([part]) for part in parts)
            return
        import polars as pl

        frames = [self._frame(list(parts))]
        candidates = self._filter.candidates(rows) if self._filter else {}
        for number, (name, regex) in enumerate(self._regexes):
            here = candidates.get(number)
            if here is not None and not here.size:
                continue
            frames.append(
                regex_module.find(rows, name, regex, here).select(
                    (pl.col("text") + start).cast(pl.UInt32),
                    pl.lit(name, dtype=self._names.dtype).alias("pattern"),
                    "start",
                    "end",
                )
            )
        yield pl.concat(frames).sort("text", "start", "end", pl.col("pattern").to_physical())

    def _frame(self, parts: list[Found]) -> pl.DataFrame:
        import polars as pl

        found = np.concatenate([np.empty((0, 4), dtype=np.int64), *parts])
        return pl.DataFrame(
            {
                "text": found[:, 0].astype(np.uint32),
                "pattern": self._names.gather(found[:, 3]),
                "start": found[:, 1].copy(),
                "end": found[:, 2].copy(),
            }
        )


def _use_hyperscan(engine: RegexEngine) -> bool:
    if engine not in get_args(RegexEngine):
        raise InvalidInput(f"regex_engine is one of {', '.join(get_args(RegexEngine))}, {engine!r} came")
    if engine == "hyperscan" and not installed():
        raise InvalidInput(
            "regex_engine='hyperscan' needs the package hyperscan, which is not installed; "
            "pip install 'consilience[scan]', or leave the engine to be chosen"
        )
    return engine != "polars" and installed()


def _named(given: Patterns, what: str) -> list[tuple[str, str]]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidInput(
            f"{what} must be a sequence of strings or a mapping from names to strings, got "
            f"{type(given).__name__}; put a single one into a list"
        )
    named = list(given.items()) if isinstance(given, Mapping) else [(text, text) for text in given]
    for name, text in named:
        if not (isinstance(name, str) and isinstance(text, str)):
            raise InvalidInput(f"{what} must be strings, got {text!r} named {name!r}; decode or name it")
        if not text:
            raise InvalidInput(
                f"A pattern must not be empty, the one named {name!r} in {what} is; take it out"
            )
    return named


def _check_names(names: list[str]) -> None:
    if not names:
        raise InvalidInput("At least one pattern is required, none came; give literals or regexes")
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise InvalidInput(
            f"A name stands for one pattern, {twice!r} comes twice; drop one, or name both with a mapping"
        )
