"""What Tab offers on the line of a magic: its flags, and what fits behind each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from consilience.circle import Circle
from consilience.experts.llm.services import SERVICES
from consilience.notebook.spoken import KINDS, is_expert

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_FLAGS = {
    "circle": ("--experts", "--answer", "--out", "--context", "--store", "--budget", "--deadline"),
    "circle_sql": ("--out", "--store", "--limit"),
}


def completer(shell: InteractiveShell) -> Callable[[Any, Any], list[str]]:
    """Return a hook of IPython that completes a line that begins with one of the magics."""

    def complete(_: object, event: Any) -> list[str]:
        return offered(event.line, event.symbol, shell.user_ns)

    return complete


def offered(line: str, symbol: str, names: dict[str, Any]) -> list[str]:
    """Return what may stand in place of the symbol at the end of a line.

    Examples
    --------
    >>> offered("%%circle --an", "--an", {})
    ['--answer']
    """
    words = line.split()
    begun = "" if line.endswith((" ", "\t")) else words[-1]
    before = words[-1] if not begun else words[-2] if len(words) > 1 else ""
    values = _values(before, names)
    if values is None:
        taken = set(words[1:])
        values = [flag for flag in _FLAGS.get(words[0].lstrip("%"), ()) if flag not in taken - {begun}]
        values += [] if begun.startswith("-") else _named(names, lambda value: isinstance(value, Circle))
    # IPython takes the symbol for what follows the last delimiter, such as a comma or a colon
    cut = len(begun) - len(symbol)
    last = begun.rpartition(",")[2] if before == "--experts" else begun
    stem = len(last) - len(symbol) if before == "--experts" else cut
    return sorted({value[max(stem, 0) :] for value in values if value.startswith(last)})


def _values(flag: str, names: dict[str, Any]) -> Iterable[str] | None:
    if flag == "--experts":
        return [*_named(names, is_expert), *(f"{provider}:" for provider in SERVICES), "local:smollm2"]
    if flag == "--answer":
        return KINDS
    if flag == "--store":
        return _named(names, lambda value: hasattr(value, "latest"))
    if flag == "--context":
        return _named(names, lambda value: isinstance(value, str))
    return () if flag in ("--out", "--budget", "--deadline", "--limit") else None


def _named(names: dict[str, Any], fits: Callable[[Any], bool]) -> list[str]:
    return [name for name, value in names.items() if not name.startswith("_") and fits(value)]
