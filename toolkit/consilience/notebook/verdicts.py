"""A verdict as it crosses to the browser, in the order in which it is shown."""

from __future__ import annotations

from consilience.dedup.merged import Recommendation
from consilience.models import Response
from consilience.notebook.wire import expert, number, outcome, text
from consilience.verdict import Verdict
from consilience.verdict.methods import WEIGHTED, methods_for
from consilience.verdict.result import Vote, shown

_ANSWERS = 120_000
_ROWS = 100
_DISSENT = 8
_WORDINGS = 8


def verdict_card(verdict: Verdict, whole: Verdict | None = None) -> dict[str, object]:
    """Return what is shown of a verdict: at most some 600,000 characters, whatever the experts wrote.

    Parameters
    ----------
    verdict
        What is shown.
    whole
        What it is a replay of; itself by default. Whoever is left out can be taken in again.
    """
    sources = {response.expert: str(response.source) for response in verdict.responses}
    return {
        "id": verdict.id,
        "question": text(verdict.question.text, 2_000),
        "kind": verdict.question.answer.kind,
        "replayed": text(verdict.replayed or "", 500),
        "banner": text(verdict.banner or (verdict.headline if verdict.degraded else ""), 500),
        "degraded": verdict.degraded,
        "course": text(verdict.course, 1_000),
        "headline": text(verdict.headline, 4_000),
        "decided": verdict.answer is not None,
        "support": str(verdict.support),
        "dissent": []
        if verdict.recommendations
        else [_vote(vote, sources) for vote in verdict.dissent[:_DISSENT]],
        "moreDissent": 0 if verdict.recommendations else max(len(verdict.dissent) - _DISSENT, 0),
        "recommendations": [
            _row(verdict, n, sources) for n in range(min(len(verdict.recommendations), _ROWS))
        ],
        "moreRecommendations": max(len(verdict.recommendations) - _ROWS, 0),
        "agreement": _agreement(verdict),
        "answers": answers(verdict.responses),
        "cost": cost_words(verdict.responses),
        "seconds": number(max(response.latency_s for response in verdict.responses)),
        "method": str(verdict.method),
        "methods": [str(method) for method in methods_for(verdict.question.answer)],
        "weighted": list(WEIGHTED),
        "counted": _counted(verdict, whole or verdict),
    }


def answers(responses: tuple[Response, ...] | list[Response]) -> list[object]:
    """Return what each expert answered; the fewer they are, the more of each text."""
    limit = min(20_000, _ANSWERS // max(len(responses), 1))
    return [answer_card(response, limit) for response in responses]


def answer_card(response: Response, limit: int = 20_000) -> dict[str, object]:
    """Return what one expert answered, or why not."""
    said = response.answer
    lines = "" if said is None else "\n".join(said) if isinstance(said, tuple) else shown(said)
    return {
        "who": expert(response.expert, str(response.source)),
        "outcome": outcome(response.outcome),
        "text": text(lines, limit),
        "reason": text(response.reason or "", 600),
        "confidence": number(response.confidence),
        "seconds": number(response.latency_s),
        "tokens": response.usage.output_tokens,
        "cost": response.usage.price if response.usage.cost_usd is not None else "",
    }


def cost_words(responses: tuple[Response, ...]) -> str:
    """Return what answers cost together, with the unknown part named.

    Examples
    --------
    >>> import consilience as cs
    >>> verdict = cs.Circle([cs.Scripted("ana", ["yes"])]).ask_sync("Is it?")
    >>> cost_words(verdict.responses)
    'cost $0'
    """
    known = [response.usage.cost_usd for response in responses if response.usage.cost_usd is not None]
    unknown = [response.expert for response in responses if response.usage.cost_usd is None]
    if not known:
        return "cost unknown"
    total = sum(known)
    said = "cost $0" if total == 0 else f"cost ${total:.4f}"
    if not unknown:
        return said
    names = ", ".join(text(name, 40) for name in unknown[:3]) + (", \u2026" if len(unknown) > 3 else "")
    return f"{said} and an unknown part ({names})"


def line(verdict: Verdict) -> dict[str, object]:
    """Return a verdict on one line, for a list."""
    return {
        "id": verdict.id,
        "question": text(" ".join(verdict.question.text.split()), 160),
        "headline": text(" ".join(verdict.headline.split()), 160),
        "degraded": verdict.degraded,
        "asked": verdict.decided_at.isoformat(),
    }


def _counted(verdict: Verdict, whole: Verdict) -> list[object]:
    kept = {response.expert for response in verdict.responses}
    weights = dict(verdict.weights)
    return [
        {
            "who": expert(each.expert, str(each.source)),
            "kept": each.expert in kept,
            "weight": number(weights.get(each.expert, 1.0)),
        }
        for each in whole.responses
    ]


def _vote(vote: Vote, sources: dict[str, str]) -> dict[str, object]:
    return {"said": text(shown(vote.answer), 400), "who": _who(vote.experts, sources)}


def _who(names: tuple[str, ...], sources: dict[str, str]) -> list[object]:
    return [expert(name, sources.get(name, "")) for name in names[:20]]


def _row(verdict: Verdict, n: int, sources: dict[str, str]) -> dict[str, object]:
    row: Recommendation = verdict.recommendations[n]
    worded = row.sources if len({wording.text for wording in row.sources}) > 1 else ()
    return {
        "text": text(row.text, 600),
        "who": _who(row.experts, sources),
        "support": row.support,
        "conflicts": [
            {"n": other + 1, "text": text(verdict.recommendations[other].text, 200)}
            for other in row.conflicts[:3]
        ],
        "wordings": [
            {"who": expert(each.expert, sources.get(each.expert, "")), "text": text(each.text, 200)}
            for each in worded[:_WORDINGS]
        ],
    }


def _agreement(verdict: Verdict) -> object:
    found = verdict.agreement
    if found is None:
        return None
    return {
        "value": number(found.value),
        "low": number(found.low),
        "high": number(found.high),
        "said": text(found.explain(), 500),
    }
