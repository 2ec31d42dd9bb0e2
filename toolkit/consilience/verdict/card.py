"""A verdict as a card: question, what is missing, answer, dissent, recommendations, every answer, foot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.dedup.display import recommendations_table
from consilience.markup import Html, details, escape, expert_mark, interval_bar, outcome_mark, page, table
from consilience.verdict.result import shown

if TYPE_CHECKING:
    from consilience.models import Response
    from consilience.verdict.result import Verdict, Vote


def card(verdict: Verdict) -> str:
    """Return the verdict as self-contained HTML; what models wrote is escaped."""
    body = "".join(
        (
            f"<div class=cs-q>{escape(verdict.question.text, 2_000)}</div>",
            f"<div class=cs-row><span class=cs-m>{escape(verdict.replayed)}</span></div>"
            if verdict.replayed
            else "",
            _banner(verdict),
            f"<div class=cs-row><span class=cs-m>{escape(verdict.course, 1_000)}</span></div>"
            if verdict.course
            else "",
            _answer(verdict),
            "".join(_dissent(verdict, vote) for vote in verdict.dissent[:5])
            if not verdict.recommendations
            else "",
            _recommendations(verdict),
            _agreement(verdict),
            details("Every answer", _answers(verdict)),
            _foot(verdict),
        )
    )
    return page(Html(f"<div class=cs-card>{body}</div>"))


def _banner(verdict: Verdict) -> str:
    if verdict.degraded:
        return f"<div class=cs-banner role=note>{escape(verdict.banner or verdict.headline)}</div>"
    return (
        f"<div class=cs-row><span class=cs-m>{escape(verdict.banner)}</span></div>" if verdict.banner else ""
    )


def _answer(verdict: Verdict) -> str:
    support = f" <span class=cs-m>{escape(verdict.support)}</span>"
    return f"<div class=cs-a>{escape(verdict.headline, 4_000)}</div><div class=cs-row>{support}</div>"


def _dissent(verdict: Verdict, vote: Vote) -> str:
    sources = {response.expert: str(response.source) for response in verdict.responses}
    who = "".join(expert_mark(name, sources[name]) for name in vote.experts)
    said = shown(vote.answer)
    word = "Dissent" if verdict.answer is not None else "Said"
    return f"<div class=cs-row><span class=cs-m>{word}:</span> {escape(said, 200)} {who}</div>"


def _recommendations(verdict: Verdict) -> str:
    if not verdict.recommendations:
        return ""
    return recommendations_table(
        verdict.recommendations, {r.expert: str(r.source) for r in verdict.responses}
    )


def _agreement(verdict: Verdict) -> str:
    if verdict.agreement is None:
        return ""
    found = verdict.agreement
    bar = interval_bar(found.value, found.low, found.high)
    return (
        f"<div class=cs-row title='{escape(found.explain())}'><span class=cs-m>Agreement</span> {bar}</div>"
    )


def _answers(verdict: Verdict) -> Html:
    columns = ("expert", "outcome", "answer", "confidence", "seconds")
    return table(columns, map(_row, verdict.responses), numeric=("confidence", "seconds"))


def _row(response: Response) -> tuple[object, ...]:
    said = response.reason if response.answer is None else response.answer
    lines = "" if said is None else "\n".join(said) if isinstance(said, tuple) else shown(said)
    return (
        expert_mark(response.expert, response.source),
        outcome_mark(response.outcome.glyph, response.outcome),
        escape(lines, 2_000),
        response.confidence,
        response.latency_s,
    )


def _foot(verdict: Verdict) -> str:
    seconds = max(response.latency_s for response in verdict.responses)
    again = "verdict.replay(method=\u2026, weights=\u2026, without=[\u2026])"
    return (
        f"<div class=cs-foot>Cost {escape(verdict.usage.price)} \u00b7 {seconds:.1f} s \u00b7 {verdict.method} of "
        f"{len(verdict.responses)} asked \u00b7 decide again: <code>{again}</code></div>"
    )
