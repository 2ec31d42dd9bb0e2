"""A store, and what is stored of a question, as cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.markup import (
    Displayed,
    Html,
    details,
    escape,
    expert_mark,
    facts,
    frame_table,
    moment,
    outcome_mark,
    page,
    size,
    table,
    thing,
)

if TYPE_CHECKING:
    from consilience.models import Response
    from consilience.store.recorded import StoredVerdict

_NEXT = "store.latest(), store.search('\u2026'), store.sql('SELECT \u2026'), store.status()"


class StoreDisplayed(Displayed):
    """What a store looks like from outside: it is not opened for it, so a display waits for no lock."""

    def _repr_html_(self: Any) -> str:
        path, bytes_, waiting = self._sizes()
        rows = [
            ("file", str(path)),
            ("size", size(bytes_) if bytes_ else "not written yet"),
            (
                "waiting in the spool",
                f"{_segments(len(waiting))}, {size(sum(waiting))}" if waiting else "nothing",
            ),
        ]
        state = repr(self).rpartition(", ")[2].rstrip(">")
        closed = state == "closed"
        return thing("Store", "", "closed" if closed else state, facts(rows), note=_NEXT, troubled=closed)


class StatusDisplayed(Displayed):
    """What the status of a store looks like."""

    __slots__ = ()

    def _repr_html_(self: Any) -> str:
        rows = [
            ("kept in", self.address),
            ("size", size(self.size)),
            ("schema", "none yet" if self.version is None else f"version {self.version}"),
            ("waiting in the spool", f"{_segments(self.waiting)}, {size(self.waiting_size)}"),
        ]
        return thing(
            "Store", "", f"{self.tables['rows'].sum():,} rows", facts(rows), frame_table(self.tables)
        )


class StoredVerdictDisplayed(Displayed):
    """What a stored verdict looks like."""

    __slots__ = ()

    def _repr_html_(self: Any) -> str:
        return page(Html(f"<div class=cs-card>{verdict_lines(self)}</div>"))


class StoredQuestionDisplayed(Displayed):
    """What a stored question looks like: asked when, answered what, by whom, and earlier verdicts in a fold."""

    __slots__ = ()

    def _repr_html_(self: Any) -> str:
        asked = f"<div class=cs-q>{escape(self.question.text, 2_000)}</div>"
        newest = (
            verdict_lines(self.verdict)
            if self.verdict
            else "<div class=cs-row>Left before a verdict was reached.</div>"
        )
        earlier = Html("".join(verdict_lines(each) for each in self.verdicts[1:]))
        older = details(f"{len(self.verdicts) - 1:,} earlier verdicts", earlier) if earlier else ""
        columns = ("expert", "outcome", "answer", "confidence", "time, s")
        said = table(columns, map(_row, self.responses), numeric=("confidence", "time, s"))
        foot = f"<div class=cs-foot>Asked {moment(self.question.asked_at)}</div>"
        return page(Html(f"<div class=cs-card>{asked}{newest}{said}{older}{foot}</div>"))


def _segments(n: int) -> str:
    return f"{n:,} segment{'' if n == 1 else 's'}"


def verdict_lines(verdict: StoredVerdict) -> Html:
    """Return answer, support, method and moment of a stored verdict."""
    from consilience.verdict.result import shown

    said = verdict.decision if verdict.answer is None else shown(verdict.answer)
    degraded = "<div class=cs-banner role=note>An expert who was needed gave no answer</div>"
    return Html(
        f"{degraded if verdict.degraded else ''}<div class=cs-a>{escape(said, 4_000)}</div>"
        f"<div class=cs-row><span class=cs-m>{escape(verdict.support)}, by {escape(verdict.method)}, "
        f"{moment(verdict.decided_at)}</span></div>"
    )


def _row(response: Response) -> tuple[object, ...]:
    from consilience.verdict.result import shown

    said = response.reason if response.answer is None else shown(response.answer)
    return (
        expert_mark(response.expert, response.source),
        outcome_mark(response.outcome.glyph, response.outcome),
        escape(said or "", 2_000),
        response.confidence,
        response.latency_s,
    )
