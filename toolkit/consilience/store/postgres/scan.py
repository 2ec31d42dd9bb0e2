"""PostgreSQL's lexical structure (chapter 4.1 of its manual), as far as placeholders and the guard need it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<string>'(?:[^']|'')*')
    | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$)
    | (?P<unicode>[uU]&["'])
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
    | (?P<value>\?)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A part of a statement that is no space and no comment.

    Parameters
    ----------
    kind
        ``word``, ``quoted`` (a name in quotes), ``string``, ``escaped`` (with backslashes), ``unicode`` (the start of
        one with ``U&``), ``value`` (a ``?``) or ``other``.
    text
        As it stands there; a name in quotes without them.
    start, end
        Where.
    """

    kind: str
    text: str
    start: int
    end: int


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of a statement."""
    at = 0
    while at < len(sql):
        found = _TOKEN.match(sql, at)
        assert found is not None, "every character is a token"
        kind, end = found.lastgroup or "other", found.end()
        if kind == "comment":
            at = _after_comment(sql, at)
            continue
        if kind == "dollar":
            close = sql.find(found[0], end)
            end = len(sql) if close < 0 else close + len(found[0])
            kind = "string"
        if kind != "space":
            text = found[0][1:-1].replace('""', '"') if kind == "quoted" else sql[at:end]
            yield Token(kind, text, at, end)
        at = end


def numbered(sql: str) -> tuple[str, int]:
    """Return a statement with ``$1``, ``$2`` for each ``?``, and their number.

    Examples
    --------
    >>> numbered("SELECT '?' || ? -- ?")
    ("SELECT '?' || $1 -- ?", 1)
    """
    parts, at, n = [], 0, 0
    for token in tokens(sql):
        if token.kind == "value":
            n += 1
            parts += [sql[at : token.start], f"${n}"]
            at = token.end
    return "".join([*parts, sql[at:]]), n


def _after_comment(sql: str, at: int) -> int:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", sql[at:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return at + mark.end()
    return len(sql)
