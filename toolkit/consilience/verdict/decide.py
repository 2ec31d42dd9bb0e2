"""From responses to a verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from consilience.aggregate.text.baseline import grouped
from consilience.agreement import Coefficient, one_question, one_ranking, one_score
from consilience.contradiction import Claims
from consilience.dedup.merge import merge
from consilience.dedup.merged import Merged
from consilience.equivalence import Lexical
from consilience.errors import InvalidInput
from consilience.intervals import wilson
from consilience.models import (
    AnswerKind,
    AnswerValue,
    Items,
    Label,
    Outcome,
    Question,
    Ranking,
    Response,
    Score,
    Source,
    Text,
)
from consilience.verdict.methods import WEIGHTED, Method, checked_method
from consilience.verdict.ordered import joined
from consilience.verdict.pooled import pool
from consilience.verdict.result import Decision, Support, Verdict, Vote, shown
from consilience.verdict.weights import checked_weights, same


def decide(
    question: Question,
    responses: Iterable[Response],
    *,
    method: Method | None = None,
    weights: Mapping[str, float] | None = None,
) -> Verdict:
    """Turn responses into a verdict, independent of their order.

    Parameters
    ----------
    question
        What was asked.
    responses
        One for each asked expert, with whatever outcome. Who was *timed out* or *not needed* and answered later has
        two, a person who changed an answer has more; the last one counts.
    method
        For labels, texts and other kinds: ``majority``, the default (more than half of the *asked* experts gave the
        same answer), ``plurality`` (most of those who answered, ties stay ties), ``weighted majority`` (more than half
        of the weight of the asked). For `Score`: ``median``, the default, which one expert cannot drag away; ``mean``,
        ``weighted median``. For `Ranking`: ``schulze``, the default, which ranks a Condorcet winner first and ignores
        copies of an item; ``borda``, ``copeland``, ``kemeny`` (exact, up to 10 items). `Items` are merged.
    weights
        How much each expert counts, for the weighted methods alone.

    Notes
    -----
    Texts count as the same answer where their words do or their content words nearly do, and a negation or another
    number never is the same (`consilience.equivalence.Lexical`, under the guard of `consilience.contradiction`).

    Where an expert was *not needed*, agreement is left out: a vote ends early because experts agree, so that those who
    were heard agree more than those who were asked.

    Raises
    ------
    InvalidInput
        There is no response, the method is not one for this kind, or weights are missing or cannot be used.
    """
    ordered = _standing(sorted(responses, key=lambda response: (response.expert, response.id)))
    if not ordered:
        raise InvalidInput("A verdict needs at least one response, none came.")
    chosen = checked_method(question.answer, method)
    weight = _weights(weights, ordered, chosen)
    votes = _count(question, ordered, weight)
    of = math.fsum(weight.values()) if weight else float(len(ordered))
    found = _found(question, ordered, votes, of, chosen, weight)
    behind = found.behind
    share = math.fsum(weight[name] for name in behind) / of if weight else None
    return Verdict(
        question=question,
        responses=ordered,
        method=chosen,
        decision=found.decision,
        answer=found.answer,
        votes=votes,
        support=Support(len(behind), len(ordered), *wilson(len(behind), len(ordered)), share),
        agreement=_agreement(question, votes, ordered),
        recommendations=found.merged,
        places=found.places,
        weights=tuple(weight.items()),
    )


_NOTHING_MERGED = Merged(())
_UNHEARD = (Outcome.TIMED_OUT, Outcome.NOT_NEEDED)


def _standing(responses: list[Response]) -> tuple[Response, ...]:
    """Return the responses that count: without the time-outs and releases of who responded later.

    Of what a person said the last counts, and a person who took it back is as if they had not answered.
    """
    if not any(r.outcome in _UNHEARD or r.source is Source.PERSON for r in responses):
        return tuple(responses)
    heard = {r.expert: r for r in sorted(responses, key=lambda r: r.latency_s) if r.outcome not in _UNHEARD}
    back = {name for name, r in heard.items() if r.source is Source.PERSON and r.outcome is Outcome.WITHDRAWN}

    def stands(response: Response) -> bool:
        own = heard.get(response.expert)
        if response.outcome in _UNHEARD:
            return own is None or response.expert in back
        return response.source is not Source.PERSON or (response is own and response.expert not in back)

    return tuple(filter(stands, responses)) or tuple(heard.values())


@dataclass(frozen=True, slots=True)
class _Found:
    decision: Decision
    answer: AnswerValue | None
    behind: tuple[str, ...]
    merged: Merged = _NOTHING_MERGED
    places: tuple[tuple[str, ...], ...] = ()


def _found(
    question: Question,
    responses: tuple[Response, ...],
    votes: tuple[Vote, ...],
    of: float,
    method: Method,
    weight: dict[str, float],
) -> _Found:
    kind = question.answer
    if not votes:
        return _Found(Decision.NO_ANSWER, None, ())
    if isinstance(kind, Items):
        return _merged(responses)
    if isinstance(kind, Score):
        return _pooled(kind, responses, method, weight)
    if isinstance(kind, Ranking):
        return _ordered(kind, responses, method)
    decision = _decision(votes, of, method)
    decided = decision in (Decision.MAJORITY, Decision.PLURALITY)
    return _Found(decision, votes[0].answer if decided else None, votes[0].experts)


def _weights(
    weights: Mapping[str, float] | None, responses: tuple[Response, ...], method: Method
) -> dict[str, float]:
    if method in WEIGHTED:
        return checked_weights(weights, [response.expert for response in responses], method)
    if weights:
        known = " and ".join(map(repr, WEIGHTED))
        raise InvalidInput(f"weights= belongs to the methods {known}, {method!r} came.")
    return {}


def counted(question: Question, responses: Iterable[Response]) -> tuple[Vote, ...]:
    """Return the distinct answers and who gave them, most votes first, before all have answered."""
    return _count(question, tuple(responses), {})


def _count(question: Question, responses: tuple[Response, ...], weight: dict[str, float]) -> tuple[Vote, ...]:
    groups = _groups(question.answer, [r for r in responses if r.answer is not None and r.answered])
    votes = [
        Vote(
            _wording(group),
            tuple(r.expert for r in group),
            math.fsum(weight[r.expert] for r in group) if weight else None,
        )
        for group in groups
    ]
    return tuple(sorted(votes, key=lambda vote: (-vote.strength, shown(vote.answer))))


def _groups(kind: AnswerKind, responses: list[Response]) -> list[list[Response]]:
    """Return the responses with the same answer together; texts also where they say the same in other words."""
    groups: dict[str, list[Response]] = {}
    for response in responses:
        groups.setdefault(kind.key(_given(response)), []).append(response)
    wordless = [groups.pop("")] if isinstance(kind, Text) and "" in groups else []
    together = list(groups.values())
    if not isinstance(kind, Text) or len(together) < 2:
        return wordless + together
    claims = Claims([str(_given(group[0])) for group in together])
    alike: dict[int, list[Response]] = {}
    for group, number in zip(
        together, grouped(claims, Lexical().over(claims), range(len(together))), strict=True
    ):
        alike.setdefault(number, []).extend(group)
    return wordless + list(alike.values())


def _wording(group: list[Response]) -> AnswerValue:
    """Return the wording that most chose, and of several the first by its letters."""
    answers = [_given(response) for response in group]
    if answers.count(answers[0]) == len(answers):
        return answers[0]
    chosen = Counter(answers)
    return min(chosen, key=lambda answer: (-chosen[answer], shown(answer)))


def _given(response: Response) -> AnswerValue:
    """Return the answer of a response that has one."""
    assert response.answer is not None
    return response.answer


def _merged(responses: tuple[Response, ...]) -> _Found:
    said = {r.expert: r.answer for r in responses if isinstance(r.answer, tuple) and r.answered}
    found = merge(said)
    return _Found(Decision.MERGED, tuple(row.text for row in found), found[0].experts, found)


def _pooled(kind: Score, responses: tuple[Response, ...], method: Method, weight: dict[str, float]) -> _Found:
    scored = [(r, float(r.answer)) for r in responses if r.answered and isinstance(r.answer, (int, float))]
    if weight and not any(weight[r.expert] for r, _ in scored):
        return _Found(Decision.NO_ANSWER, None, ())
    centre = pool(scored, method, weight)
    return _Found(Decision.POOLED, centre, tuple(r.expert for r, score in scored if kind.near(score, centre)))


def _ordered(kind: Ranking, responses: tuple[Response, ...], method: Method) -> _Found:
    ranked = [(r, r.answer) for r in responses if r.answered and isinstance(r.answer, tuple)]
    places = joined(kind, ranked, method)
    if len(places) == 1:
        return _Found(Decision.TIE, None, (), places=places)
    behind = tuple(r.expert for r, order in ranked if order[0] in places[0])
    return _Found(Decision.RANKED, tuple(item for place in places for item in place), behind, places=places)


def _decision(votes: tuple[Vote, ...], asked: float, method: Method) -> Decision:
    most = votes[0].strength
    if most == 0:
        return Decision.NO_MAJORITY
    if len(votes) > 1 and same(votes[1].strength, most):
        return Decision.TIE
    if 2 * most > asked and not same(2 * most, asked):
        return Decision.MAJORITY
    return Decision.PLURALITY if method == "plurality" else Decision.NO_MAJORITY


def _agreement(
    question: Question, votes: tuple[Vote, ...], responses: tuple[Response, ...]
) -> Coefficient | None:
    if any(response.outcome is Outcome.NOT_NEEDED for response in responses):
        # whoever agrees ends a vote early: those who were heard agree more than those who were asked
        return None
    kind = question.answer
    if isinstance(kind, Label):
        counts = {kind.key(vote.answer): len(vote.experts) for vote in votes}
        return one_question(tuple(sorted((counts.get(choice, 0) for choice in kind.choices), reverse=True)))
    answers = [vote.answer for vote in votes for _ in vote.experts]
    if isinstance(kind, Score):
        scores = tuple(sorted(float(str(score)) for score in answers))
        return one_score(scores, kind.low, kind.high, resolution=kind.tolerance)
    if isinstance(kind, Ranking) and kind.top == len(kind.items):
        return one_ranking([order for order in answers if isinstance(order, tuple)])
    return None
