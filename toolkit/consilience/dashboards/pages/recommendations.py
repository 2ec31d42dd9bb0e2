"""Recommendations: what was advised, by whom, what stands against it, and as text for elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmu

from consilience.dashboards.address import written_address
from consilience.dashboards.downloads import as_csv, download
from consilience.dashboards.query import Known, Query
from consilience.dashboards.section import Section, empty, failed, skeleton
from consilience.markup import Html, conflict_mark, escape, expert_mark, table
from consilience.markup.literal import literal
from consilience.markup.times import moment

if TYPE_CHECKING:
    import polars as pl

    from consilience.dashboards.visit import Visit
    from consilience.store import Store

_ROWS = 200
_EXPORTED = 10_000
_HINT = 'circle.ask_sync("How do we make the import faster?", answer=cs.Items())'
# Of each question the newest verdict counts.
_FOUND = """
WITH newest AS (
    SELECT id, question_id, row_number() OVER (PARTITION BY question_id ORDER BY decided_at DESC, id) AS nth
    FROM verdicts
)
SELECT m.question_id, m.asked_at, q.text AS question, m.place, m.text, m.support, m.experts, m.conflicts
FROM recommendations m
JOIN newest v ON v.id = m.verdict_id AND v.nth = 1
JOIN questions q ON q.id = m.question_id AND q.asked_at = m.asked_at
WHERE m.text ILIKE ? ESCAPE '\\' OR q.text ILIKE ? ESCAPE '\\'
ORDER BY m.asked_at DESC, m.question_id, m.place LIMIT ?
"""


def found(store: Store, words: str, n: int) -> pl.DataFrame:
    """Return the recommendations that hold a text, or whose question does, the newest questions first."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return store.read(_FOUND, f"%{escaped}%", f"%{escaped}%", n)


def build(visit: Visit) -> Any:
    """Return the page."""
    return _Page(visit).view


class _Page:
    """A search field, what it finds, and three ways to take it along."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._words = visit.params.get("q", "")
        self._rows = Section(skeleton(8))
        self._stop = visit.live(self._query(), self._show)
        search = pmu.TextInput(
            label="Search",
            placeholder="words of a recommendation or its question",
            value=self._words,
            width=320,
            size="small",
            margin=(8, 0),
        )
        search.param.watch(lambda event: self._search(event.new), "value")
        self.view = pn.Column(search, self._rows, self._foot(), sizing_mode="stretch_width", margin=0)

    def _query(self) -> Query[pl.DataFrame]:
        words = self._words
        return Query(("recommendations", words), lambda store: found(store, words, _ROWS))

    def _search(self, words: str) -> None:
        self._words = words
        self._visit.put(q=words)
        self._stop()
        self._stop = self._visit.live(self._query(), self._show)

    def _show(self, known: Known[pl.DataFrame]) -> None:
        if known.error is not None or known.value is None:
            self._rows.draw(failed(str(known.error)))
        else:
            self._rows.draw(drawn(known.value, self._words))

    def _foot(self) -> Any:
        def all_of_it() -> pl.DataFrame:
            return found(self._visit.store, self._words, _EXPORTED)

        kinds = (
            ("Download as CSV", "recommendations.csv", lambda: as_csv(all_of_it())),
            ("As Markdown", "recommendations.md", lambda: as_markdown(all_of_it()).encode()),
            ("As issue text", "issue.md", lambda: as_issue(all_of_it()).encode()),
        )
        buttons = [download(self._visit, label, name, make) for label, name, make in kinds]
        return pn.FlexBox(*buttons, gap="8px", margin=(16, 0, 0, 0))


def drawn(frame: pl.DataFrame, words: str) -> Html:
    """Return the recommendations, question by question."""
    if not frame.height:
        if words:
            return empty("No recommendation holds these words. Search for others.")
        return empty("Nothing was recommended yet. Ask for a list of items:", _HINT)
    now = datetime.now(UTC)
    parts = [_of_question(rows, now) for rows in frame.partition_by("question_id", maintain_order=True)]
    cut = f"<p class=cs-note>The newest {_ROWS} are shown; the downloads hold more.</p>"
    return Html("".join(parts) + (cut if frame.height == _ROWS else ""))


def _of_question(frame: pl.DataFrame, now: datetime) -> str:
    first = frame.row(0, named=True)
    href = escape(written_address({"page": "questions", "id": first["question_id"]}))
    texts = {row["place"]: row["text"] for row in frame.iter_rows(named=True)}
    rows = [
        (
            row["support"],
            Html(escape(row["text"], 2_000) + "".join(_against(row, texts))),
            Html("".join(map(expert_mark, json.loads(row["experts"] or "[]")))),
        )
        for row in frame.iter_rows(named=True)
    ]
    body = table(("support", "recommendation", "said by"), rows, numeric=("support",))
    title = escape(" ".join(first["question"].split()), 300)
    return (
        f"<h2><a href='{href}'>{title}</a></h2><p class=cs-m>{moment(first['asked_at'], now)}</p>"
        f"<div class=cs-scroll tabindex=0 role=region aria-label='Recommendations'>{body}</div>"
    )


def _against(row: Mapping[str, Any], texts: Mapping[int, str]) -> list[str]:
    said = (texts.get(place, f"row {place}") for place in conflicts(row)[:3])
    return [f"<div>{conflict_mark(f'contradicts: {text}')}</div>" for text in said]


def conflicts(row: Mapping[str, Any]) -> list[int]:
    """Return the places of the recommendations that a row contradicts."""
    return [int(number) + 1 for number in json.loads(row["conflicts"] or "[]")]


def as_markdown(frame: pl.DataFrame) -> str:
    """Return recommendations as Markdown, question by question; what was said is text there, never markup."""
    lines: list[str] = []
    for rows in frame.partition_by("question_id", maintain_order=True) if frame.height else []:
        lines += [f"## {literal(rows.row(0, named=True)['question'])}", ""]
        for row in rows.iter_rows(named=True):
            who = ", ".join(map(literal, json.loads(row["experts"] or "[]")))
            against = f" (contradicts {len(conflicts(row))} of this list)" if conflicts(row) else ""
            lines.append(f"- {literal(row['text'])} ({row['support']}: {who}){against}")
        lines.append("")
    return "\n".join(lines)


def as_issue(frame: pl.DataFrame) -> str:
    """Return recommendations as the text of an issue: boxes to tick, and where each comes from."""
    lines: list[str] = []
    for rows in frame.partition_by("question_id", maintain_order=True) if frame.height else []:
        first = rows.row(0, named=True)
        lines += [f"### {literal(first['question'])}", ""]
        for row in rows.iter_rows(named=True):
            note = " **disputed**" if conflicts(row) else ""
            lines.append(f"- [ ] {literal(row['text'])}{note}")
        names = {name for row in rows.iter_rows(named=True) for name in json.loads(row["experts"] or "[]")}
        by = ", ".join(map(literal, sorted(names)))
        where = f"on {first['asked_at']:%Y-%m-%d}; question {first['question_id']}."
        lines += ["", f"Recommended by {by} {where}", ""]
    return "\n".join(lines)
