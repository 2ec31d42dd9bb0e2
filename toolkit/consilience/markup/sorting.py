"""Tables that sort and filter by style alone: no script, so they work in static pages and untrusted notebooks too.

A radio button in the head of a column sets the ``order`` of the rows, a choice above the table hides the others; see
``docs/decisions/0010-tables-without-a-script.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from consilience.markup.html import Html, escape

#: Fewer rows are seen at once.
SORTED_FROM = 8
_MOST_FILTERS = 3
_MOST_CHOICES = 12
# what scrolls can be reached by keyboard
_REGION = "tabindex=0 role=region aria-label='rows of the table'"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that sorts.

    Parameters
    ----------
    heading
        With the unit.
    cells
        What is shown.
    keys
        What they are sorted by; ``None`` comes last.
    numeric
        Whether the cells stand at the right.
    """

    heading: str
    cells: Sequence[Html]
    keys: Sequence[Any]
    numeric: bool = False

    @property
    def choices(self) -> list[str]:
        """Its values, where they are few enough to choose among; else none."""
        if self.numeric or not all(isinstance(key, str) for key in self.keys):
            return []
        found = sorted(set(self.keys))
        return found if 2 <= len(found) <= min(_MOST_CHOICES, len(self.keys) // 2) else []


def sortable(columns: Sequence[Column]) -> Html:
    """Return a table whose rows a reader can sort and filter; one of a few rows is a plain one."""
    n_rows = len(columns[0].cells)
    plain = n_rows < SORTED_FROM
    filters = [] if plain else [column for column in columns if column.choices][:_MOST_FILTERS]
    head = "".join(_head(column, None if plain else n) for n, column in enumerate(columns))
    order = [_ranks(column.keys) for column in columns]
    body = "".join(
        _row(columns, n, "" if plain else _place([ranks[n] for ranks in order], filters, n))
        for n in range(n_rows)
    )
    rows = Html(
        f"<table{'' if plain else ' role=table'}>{_group('thead', plain)}{_line(head, plain)}</thead>"
    )
    whole = f"{rows}{_group('tbody', plain)}{body}</tbody></table>"
    return Html(f"<div class=cs-frame {_REGION}>{whole}</div>") if plain else _form(whole, filters, columns)


def _form(table: str, filters: Sequence[Column], columns: Sequence[Column]) -> Html:
    choose = "".join(_choice(column, n) for n, column in enumerate(filters))
    above = f"<div class=cs-bar>{choose}</div>" if choose else ""
    below = "<div class='cs-bar cs-back'><button type=reset>show as given</button></div>"
    # method=dialog: outside of a dialog, pressing Enter sends nothing anywhere
    return Html(
        f"<form method=dialog class=cs-t style='--n:{len(columns)}'><style>{_rules(filters, len(columns))}</style>"
        f"{above}<div class=cs-scroll {_REGION}>{table}</div>{below}</form>"
    )


def _choice(column: Column, n: int) -> str:
    options = "".join(f"<option>{escape(choice, 40)}</option>" for choice in column.choices)
    return f"<label>{escape(column.heading)} <select class=cs-f{n}><option>all</option>{options}</select></label>"


def _head(column: Column, n: int | None) -> str:
    mark = " class=cs-n" if column.numeric else ""
    name = escape(column.heading)
    if n is None:
        return f"<th{mark}>{name}</th>"
    up, down = (
        f"<input type=radio name=sort class={way}{n} aria-label='sort by {name}, {word}'>"
        for way, word in (("u", "ascending"), ("d", "descending"))
    )
    return f"<th role=columnheader{mark}>{name} <span class=cs-ways>{up}{down}</span></th>"


def _row(columns: Sequence[Column], n: int, place: str) -> str:
    role = " role=cell" if place else ""
    cells = "".join(
        f"<td{role}{' class=cs-n' if column.numeric else ''}>{column.cells[n]}</td>" for column in columns
    )
    return f"<tr{' role=row' if place else ''}{place}>{cells}</tr>"


def _group(name: str, plain: bool) -> str:
    return f"<{name}>" if plain else f"<{name} role=rowgroup>"


def _line(cells: str, plain: bool) -> str:
    return f"<tr{'' if plain else ' role=row'}>{cells}</tr>"


def _place(ranks: Sequence[int], filters: Sequence[Column], row: int) -> str:
    order = ";".join(f"--o{n}:{rank}" for n, rank in enumerate(ranks))
    kinds = "".join(
        f" data-f{n}={column.choices.index(column.keys[row])}" for n, column in enumerate(filters)
    )
    return f"{kinds} style='{order}'"


def _ranks(keys: Sequence[Any]) -> list[int]:
    known = sorted({key for key in keys if key is not None})
    places = {key: n for n, key in enumerate(known)}
    return [places[key] if key is not None else len(known) for key in keys]


def _rules(filters: Sequence[Column], n_columns: int) -> str:
    sort = "".join(
        f".cs-t:has(.u{n}:checked) tbody tr{{order:var(--o{n})}}"
        f".cs-t:has(.d{n}:checked) tbody tr{{order:calc(-1*var(--o{n}))}}"
        for n in range(n_columns)
    )
    # the first choice is "all", so the choice k is the option k + 2 of a list that counts from 1
    hide = "".join(
        f".cs-t:has(.cs-f{n} option:nth-child({k + 2}):checked) tbody tr:not([data-f{n}='{k}']){{display:none}}"
        for n, column in enumerate(filters)
        for k in range(len(column.choices))
    )
    return sort + hide
