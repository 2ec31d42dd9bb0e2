"""Statements counted by their shape, and a warning about those that a loop repeats."""

from __future__ import annotations

import re
import sys
import threading
import warnings
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from consilience.store.statement import Statement

_PACKAGE = str(Path(__file__).parents[1])
_STRING = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b")
_LIST = re.compile(r"\(\?(?:\s*,\s*\?)+\)")


class RepeatedStatement(UserWarning):
    """One line ran statements of one shape again and again, where one statement could bring all rows."""


class Shape(NamedTuple):
    """How often statements of one shape ran.

    Parameters
    ----------
    sql
        Their text, with ``?`` for every value.
    n
        How many.
    seconds
        How long all of them took.
    rows
        Rows that all of them brought.
    """

    sql: str
    n: int
    seconds: float
    rows: int


class Watched:
    """What `Store.watch` counted.

    Attributes
    ----------
    shapes
        One `Shape` for each, most frequent first.
    """

    def __init__(self, watchers: list[Watched], repeats: int) -> None:
        self._watchers = watchers
        self._repeats = repeats
        self._seen: dict[str, Shape] = {}
        self._lines: Counter[tuple[str, str, int]] = Counter()

    @property
    def shapes(self) -> list[Shape]:
        """One `Shape` for each, most frequent first."""
        return sorted(self._seen.values(), key=lambda shape: (-shape.n, shape.sql))

    @property
    def n(self) -> int:
        """Statements that ran."""
        return sum(shape.n for shape in self.shapes)

    def __enter__(self) -> Self:
        self._watchers.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchers.remove(self)

    def saw(self, statement: Statement) -> None:
        """Count a statement; warn when its line has run its shape too often."""
        text = shape_of(statement.sql)
        before = self._seen.get(text, Shape(text, 0, 0.0, 0))
        self._seen[text] = Shape(
            text, before.n + 1, before.seconds + statement.seconds, before.rows + statement.rows
        )
        file, line = _users_line()
        if (
            file == threading.__file__
        ):  # A thread of this package, such as a cache's, and no line of the user's.
            return
        self._lines[text, file, line] += 1
        if self._lines[text, file, line] == self._repeats:
            warnings.warn_explicit(
                f"This line has run the same statement {self._repeats} times, each time opening the store: "
                f"{text[:200]!r}. Read all rows with one statement before the loop: latest(n) and search() bring "
                "responses too, and sql() takes a list (WHERE id = ANY(?)).",
                RepeatedStatement,
                file,
                line,
            )

    def __repr__(self) -> str:
        return f"<Watched: {self.n} statements of {len(self._seen)} shapes>"


def shape_of(sql: str) -> str:
    r"""Return a statement with ``?`` for every value, and single spaces.

    Examples
    --------
    >>> shape_of("SELECT * FROM questions\n  WHERE id = 'it''s' AND n IN (1, 2.5, 3) LIMIT 5 -- five")
    'SELECT * FROM questions WHERE id = ? AND n IN (?) LIMIT ?'
    """
    bare = _NUMBER.sub("?", _STRING.sub(lambda found: "?" if found[0][0] == "'" else " ", sql))
    return " ".join(_LIST.sub("(?)", bare).split())


def _users_line() -> tuple[str, int]:
    frame = sys._getframe()  # noqa: SLF001 - the documented way to the caller
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
