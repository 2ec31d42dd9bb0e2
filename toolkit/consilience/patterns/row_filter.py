"""Rows that may hold a match of a regex, told by Hyperscan for all regexes in one pass.

Hyperscan reads PCRE's syntax and reports every end of a match; what is found must be what Rust's regex crate finds.
So it only says in which rows a regex matches at all, for regexes and rows where the two agree on that: rows of ASCII,
where classes mean the same whatever the version of Unicode, and regexes made of what both write alike. All other rows
are candidates of every regex, and all rows of the other regexes.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    Rows = npt.NDArray[np.uint32]

__all__ = ["RowFilter", "installed", "read_alike"]

MOST_BYTES = 1 << 31  # of a row: Hyperscan counts in 32 bits

# (?m) is left out because the two differ on a newline at the end, \v and \b in a class because they mean two things.
_CLASS = (
    r"\[\^?(?:[A-Za-z0-9]-[A-Za-z0-9]|\[:\^?[a-z]+:\]|\\(?:[dDwWsStnrf]|[!-/:-@\[-`{-~])"
    r"|[^\\\[\]&~^\-\0\x80-\U0010ffff])+\]"
)
_ALIKE = re.compile(
    rf"(?:{_CLASS}"
    r"|\((?:\?:|\?[is]+:|\?P<[A-Za-z_][A-Za-z0-9_]*>|(?!\?))|\)"
    r"|\{[0-9]+(?:,[0-9]*)?\}|[*+?|^$.]"
    r"|\\(?:[bB](?!\{)|[dDwWsStnrfAz]|[!-/:;=?@\[-`{-~])"
    r"|[^\\\[\](){}*+?|^$.\0\x80-\U0010ffff])*+"
)


def installed() -> bool:
    """Return whether the package of Hyperscan is there."""
    return find_spec("hyperscan") is not None


def read_alike(regex: str) -> bool:
    r"""Return whether Hyperscan and Rust's crate find the regex in the same rows of ASCII.

    Examples
    --------
    >>> [read_alike(regex) for regex in (r"\bab+c?[0-9]{2,}", r"[a-z&&[^x]]", "é", r"\b{start}x")]
    [True, False, False, False]
    """
    return _ALIKE.fullmatch(regex) is not None


class RowFilter:
    """Regexes compiled together.

    Parameters
    ----------
    regexes
        As Rust's crate takes them; those that Hyperscan reads otherwise, or refuses, are left out.

    Attributes
    ----------
    taken
        The numbers of those that are looked for.

    Examples
    --------
    >>> import polars as pl
    >>> rows = RowFilter(["(?:ab+)", "(?:é)"]).candidates(pl.Series(["abb", "b", None, "é"]))
    >>> {number: found.tolist() for number, found in rows.items()}
    {0: [0, 3]}
    """

    def __init__(self, regexes: Sequence[str]) -> None:
        alike = [number for number, regex in enumerate(regexes) if read_alike(regex)]
        self._database, self.taken = _compiled({number: regexes[number].encode() for number in alike})
        self._own = threading.local()

    def candidates(self, rows: pl.Series) -> dict[int, Rows]:
        """Return, for each regex taken, the rows that may hold a match, ascending."""
        found: dict[int, list[int]] = {number: [] for number in self.taken}
        if not found:
            return {}
        sizes = rows.str.len_bytes()
        ascii_only = ((sizes == rows.str.len_chars()) & (sizes < MOST_BYTES)).fill_null(value=False)
        open_rows = np.flatnonzero((rows.is_not_null() & ~ascii_only).to_numpy()).astype(np.uint32)
        scratch, scan = self._scratch(), self._database.scan

        def note(number: int, _start: int, _end: int, _flags: int, row: int) -> None:
            found[number].append(row)

        numbered = np.flatnonzero(ascii_only.to_numpy()).tolist()
        for row, text in zip(numbered, rows.filter(ascii_only).to_list(), strict=True):
            scan(text.encode(), note, context=row, scratch=scratch)
        return {
            number: np.union1d(np.array(hits, dtype=np.uint32), open_rows) for number, hits in found.items()
        }

    def _scratch(self) -> Any:
        """Return the working memory of this thread."""
        import hyperscan

        if not hasattr(self._own, "scratch"):
            self._own.scratch = hyperscan.Scratch(self._database)
        return self._own.scratch


def _compiled(regexes: dict[int, bytes]) -> tuple[Any, list[int]]:
    """Return the database and the numbers of the regexes that it holds."""
    import hyperscan

    if not regexes:
        return None, []
    database = hyperscan.Database()
    try:
        database.compile(
            expressions=list(regexes.values()), ids=list(regexes), flags=hyperscan.HS_FLAG_SINGLEMATCH
        )
    except hyperscan.error:
        # The error does not say which it was.
        good = {number: regex for number, regex in regexes.items() if _compiles(regex)}
        return _compiled(good) if len(good) < len(regexes) else (None, [])
    return database, list(regexes)


def _compiles(regex: bytes) -> bool:
    import hyperscan

    try:
        hyperscan.Database().compile(expressions=[regex], flags=hyperscan.HS_FLAG_SINGLEMATCH)
    except hyperscan.error:
        return False
    return True
