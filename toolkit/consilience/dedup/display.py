"""Merged recommendations as a table: support, text with its conflicts, the experts' dots, every wording in a fold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from consilience.markup import Html, conflict_mark, details, escape, expert_mark, table

if TYPE_CHECKING:
    from consilience.dedup.merged import Merged, Recommendation

_ROWS = 100
_CONFLICTS = 3


def recommendations_table(merged: Merged, sources: Mapping[str, str] | None = None) -> Html:
    """Return merged recommendations as HTML; what was said is escaped.

    Parameters
    ----------
    merged
        The recommendations; of more than 100 the first are shown, and the rest counted.
    sources
        What each expert is ("person", "recorded", ...), for its mark.
    """
    marks = sources or {}
    rows = [
        (
            n,
            row.support,
            _said(merged, row),
            Html("".join(expert_mark(who, marks.get(who, "")) for who in row.experts)),
        )
        for n, row in enumerate(merged.rows[:_ROWS])
    ]
    left = len(merged) - _ROWS
    more = f"<div class=cs-note>{left:,} more rows: to_polars() has them</div>" if left > 0 else ""
    return Html(
        table(("row", "support", "recommendation", "said by"), rows, numeric=("row", "support")) + more
    )


def _said(merged: Merged, row: Recommendation) -> Html:
    against = [
        f"<div>{conflict_mark(f'contradicts row {n}: {merged[n].text}')}</div>"
        for n in row.conflicts[:_CONFLICTS]
    ]
    if len(row.conflicts) > _CONFLICTS:
        against.append(f"<div class=cs-m>and {len(row.conflicts) - _CONFLICTS:,} more rows</div>")
    return Html(escape(row.text, 400) + "".join(against) + _wordings(row))


def _wordings(row: Recommendation) -> str:
    if len({source.text for source in row.sources}) < 2:
        return ""
    lines = "".join(
        f"<div>{expert_mark(source.expert)}<span class=cs-m>{source.position}.</span> {escape(source.text, 400)}</div>"
        for source in row.sources[:20]
    )
    return details(f"{len(row.sources):,} wordings", Html(lines))
