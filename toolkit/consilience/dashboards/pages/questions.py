"""Questions: what was asked, found by words and filters that stand in the URL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmu

from consilience.dashboards.address import written_address
from consilience.dashboards.downloads import as_csv, download
from consilience.dashboards.query import Known, Query, sql
from consilience.dashboards.section import Section, empty, failed, skeleton
from consilience.dashboards.tiles import usd
from consilience.markup import Html, escape, table
from consilience.markup.times import moment

if TYPE_CHECKING:
    import polars as pl

    from consilience.dashboards.visit import Visit
    from consilience.store import Store

_FIRST = 50
_MOST = 1_000
_EXPORTED = 10_000
_SPANS = {
    "": None,
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
_SPAN_WORDS = {"any time": "", "last hour": "1h", "24 hours": "24h", "7 days": "7d", "30 days": "30d"}
_KINDS = {
    "any answer": "",
    "label": "label",
    "score": "score",
    "ranking": "ranking",
    "items": "items",
    "text": "text",
}
_HINT = (
    'import consilience as cs\ncs.Circle(["local:smollm2"], store="history.duckdb").ask_sync("Is ice cold?")'
)
EXPERTS = sql("experts", "SELECT DISTINCT expert FROM responses ORDER BY expert LIMIT 500")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list shows; each is a parameter of the URL, and empty where it filters nothing."""

    q: str = ""
    expert: str = ""
    kind: str = ""
    since: str = ""
    n: int = _FIRST

    @classmethod
    def of(cls, params: Mapping[str, str]) -> Filters:
        """Return the filters of a URL; what is no filter there is left out."""
        kind, since, n = (params.get(name, "") for name in ("kind", "since", "n"))
        return cls(
            params.get("q", ""),
            params.get("expert", ""),
            kind if kind in _KINDS.values() else "",
            since if since in _SPANS else "",
            min(max(int(n), 1), _MOST) if n.isascii() and n.isdigit() else _FIRST,
        )

    @property
    def any(self) -> bool:
        """Whether something is filtered."""
        return bool(self.q or self.expert or self.kind or self.since)

    def found(self, store: Store, n: int) -> pl.DataFrame:
        """Return the newest questions that pass; one statement."""
        if not self.any:
            return store.latest(n)
        span = _SPANS[self.since]
        since = None if span is None else datetime.now(UTC) - span
        return store.search(self.q, n, expert=self.expert or None, kind=self.kind or None, since=since)

    def address(self, **others: object) -> str:
        """Return the URL of this view."""
        told = {"q": self.q, "expert": self.expert, "kind": self.kind, "since": self.since}
        return written_address(
            {"page": "questions", **told, "n": "" if self.n == _FIRST else self.n, **others}
        )


def build(visit: Visit) -> Any:
    """Return the list, or one question when the URL names it."""
    if visit.params.get("id"):
        from consilience.dashboards.pages import question

        return question.build(visit)
    return _List(visit).view


class _List:
    """The filters and what passes them."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._filters = Filters.of(visit.params)
        self._rows = Section(skeleton(8))
        self._stop = visit.live(self._query(), self._show)
        self.view = pn.Column(self._bar(), self._rows, self._foot(), sizing_mode="stretch_width", margin=0)

    def _query(self) -> Query[pl.DataFrame]:
        filters = self._filters
        return Query(("questions", filters), lambda store: filters.found(store, filters.n))

    def _bar(self) -> Any:
        now = self._filters
        words = pmu.TextInput(
            label="Search",
            placeholder="words of a question or an answer",
            value=now.q,
            width=280,
            size="small",
            margin=0,
        )
        expert = pmu.Select(
            label="Expert", options={"every expert": ""}, value="", width=176, size="small", margin=0
        )
        kind = pmu.Select(label="Answer", options=_KINDS, value=now.kind, width=144, size="small", margin=0)
        since = pmu.Select(
            label="Asked", options=_SPAN_WORDS, value=now.since, width=144, size="small", margin=0
        )

        def names(known: Known[pl.DataFrame]) -> None:
            found = [] if known.value is None else known.value["expert"].to_list()
            chosen = [now.expert] if now.expert and now.expert not in found else []
            options = {"every expert": ""} | {name: name for name in (*chosen, *found)}
            if options != expert.options:
                expert.param.update(options=options, value=self._filters.expert)

        if now.expert:
            expert.param.update(options={"every expert": "", now.expert: now.expert}, value=now.expert)
        self._visit.live(EXPERTS, names)
        for name, each in (("q", words), ("expert", expert), ("kind", kind), ("since", since)):
            each.param.watch(lambda event, name=name: self._change(name, event.new), "value")
        return pn.FlexBox(words, expert, kind, since, gap="16px", margin=(8, 0, 16, 0), align_items="end")

    def _change(self, name: str, value: str) -> None:
        if self._visit.params.get(name, "") == (value or ""):
            return
        self._visit.put(**{name: value, "n": ""})
        self._filters = Filters.of(self._visit.params)
        self._stop()
        self._stop = self._visit.live(self._query(), self._show)

    def _show(self, known: Known[pl.DataFrame]) -> None:
        if known.error is not None or known.value is None:
            self._rows.draw(failed(str(known.error)))
        else:
            self._rows.draw(listed(known.value, self._filters))

    def _foot(self) -> Any:
        def made() -> bytes:
            frame = self._filters.found(self._visit.store, _EXPORTED)
            return as_csv(frame.drop("responses"))

        return pn.Row(download(self._visit, "Download as CSV", "questions.csv", made), margin=(16, 0, 0, 0))


def listed(frame: pl.DataFrame, filters: Filters) -> Html:
    """Return the rows of the list, each a link to its question."""
    if not frame.height:
        if filters.any:
            return empty(
                "No question passes these filters. Take one of them away, or search for another word."
            )
        return empty("Nothing was asked yet. Ask something, and it appears here.", _HINT)
    now = datetime.now(UTC)
    rows = [_row(row, now) for row in frame.iter_rows(named=True)]
    columns = ("asked", "question", "answer", "support", "agreement", "cost, $")
    more = ""
    if frame.height == filters.n and filters.n < _MOST:
        href = escape(filters.address(n=min(filters.n * 2, _MOST)))
        more = f"<p class=cs-note><a href='{href}'>Show {min(filters.n * 2, _MOST):,} questions</a></p>"
    body = table(columns, rows, numeric=("support", "cost, $"))
    return Html(f"<div class=cs-scroll tabindex=0 role=region aria-label=Questions>{body}</div>{more}")


def said_of(row: Mapping[str, Any]) -> str:
    """Return an answer on one line; the decision where there is none."""
    if row["answer"] is None:
        return str(row["decision"] or "no verdict")
    if row["answer_kind"] == "items":
        return f"{len(json.loads(row['answer'])):,} recommendations"
    return " > ".join(json.loads(row["answer"])) if row["answer_kind"] == "ranking" else str(row["answer"])


def _row(row: Mapping[str, Any], now: datetime) -> tuple[object, ...]:
    href = escape(written_address({"page": "questions", "id": row["question_id"]}))
    said = " ".join(row["question"].split())
    link = Html(
        f"<a class=cs-clip href='{href}' title='{escape(said, 500)}'>{escape(said, 160) or '(empty)'}</a>"
    )
    answer = said_of(row)
    mark = " cs-warn" if row["degraded"] or row["answer"] is None else ""
    told = Html(f"<span class='cs-clip cs-short{mark}'>{escape(' '.join(str(answer).split()), 120)}</span>")
    support = None if row["support_of"] is None else f"{row['support_n']} of {row['support_of']}"
    agreed = None if row["agreement"] is None else Html(f"{row['agreement']:.2f}")
    return moment(row["asked_at"], now), link, told, support, agreed, usd(row["cost_usd"])
