"""From responses to a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import get_args

from consilience.agreement import Coefficient, one_question
from consilience.dedup.merge import merge
from consilience.dedup.merged import Merged
from consilience.errors import InvalidInput
from consilience.intervals import wilson
from consilience.models import AnswerValue, Items, Label, Question, Response
from consilience.verdict.result import Decision, Method, Support, Verdict, Vote, shown
from consilience.verdict.weights import checked_weights, same


def decide(
    question: Question,
    responses: Iterable[Response],
    *,
    method: Method = "majority",
    weights: Mapping[str, float] | None = None,
) -> Verdict:
    """Turn responses into a verdict, independent of their order.

    Parameters
    ----------
    question
        What was asked.
    responses
        One for each asked expert, with whatever outcome.
    method
        ``majority``: more than half of the *asked* experts gave the same answer. ``plurality``: most of those who
        answered, ties stay ties. ``weighted majority``: more than half of the weight of the asked experts.
    weights
        How much each expert counts, for ``weighted majority`` alone.

    Raises
    ------
    InvalidInput
        There is no response, the method is another one, or weights are missing or cannot be used.
    """
    ordered = tuple(sorted(responses, key=lambda response: (response.expert, response.id)))
    if not ordered:
        raise InvalidInput("A verdict needs at least one response, none came.")
    if method not in get_args(Method):
        raise InvalidInput(f"method is one of {', '.join(map(repr, get_args(Method)))}, {method!r} came.")
    weight = _weights(weights, ordered, method)
    votes = _count(question, ordered, weight)
    merged = _merged(question, ordered)
    of = math.fsum(weight.values()) if weight else float(len(ordered))
    decision = _decision(question, votes, of, method)
    leading = len(votes[0].experts) if votes else 0
    if decision is Decision.MERGED:
        leading = merged[0].support
    return Verdict(
        question=question,
        responses=ordered,
        method=method,
        decision=decision,
        answer=_answer(decision, votes, merged),
        votes=votes,
        support=Support(
            leading, len(ordered), *wilson(leading, len(ordered)), _share(votes, of) if weight else None
        ),
        agreement=_agreement(question, votes),
        recommendations=merged,
        weights=tuple(weight.items()),
    )


def _weights(
    weights: Mapping[str, float] | None, responses: tuple[Response, ...], method: Method
) -> dict[str, float]:
    if method == "weighted majority":
        return checked_weights(weights, [response.expert for response in responses])
    if weights:
        raise InvalidInput(f"weights= belongs to the method 'weighted majority', {method!r} came.")
    return {}


def _share(votes: tuple[Vote, ...], of: float) -> float:
    return votes[0].strength / of if votes else 0.0


def _count(question: Question, responses: tuple[Response, ...], weight: dict[str, float]) -> tuple[Vote, ...]:
    groups: dict[str, list[Response]] = {}
    for response in responses:
        if response.answer is not None and response.answered:
            groups.setdefault(question.answer.key(response.answer), []).append(response)
    votes = [
        Vote(
            _wording(group),
            tuple(r.expert for r in group),
            math.fsum(weight[r.expert] for r in group) if weight else None,
        )
        for group in groups.values()
    ]
    return tuple(sorted(votes, key=lambda vote: (-vote.strength, shown(vote.answer))))


def _wording(group: list[Response]) -> AnswerValue:
    answers = [response.answer for response in group if response.answer is not None]
    return min(answers, key=shown)


def _merged(question: Question, responses: tuple[Response, ...]) -> Merged:
    if not isinstance(question.answer, Items):
        return Merged(())
    said = {r.expert: r.answer for r in responses if isinstance(r.answer, tuple) and r.answered}
    return merge(said)


def _decision(question: Question, votes: tuple[Vote, ...], asked: float, method: Method) -> Decision:
    if not votes:
        return Decision.NO_ANSWER
    if isinstance(question.answer, Items):
        return Decision.MERGED
    most = votes[0].strength
    if most == 0:
        return Decision.NO_MAJORITY
    if len(votes) > 1 and same(votes[1].strength, most):
        return Decision.TIE
    if 2 * most > asked and not same(2 * most, asked):
        return Decision.MAJORITY
    return Decision.PLURALITY if method == "plurality" else Decision.NO_MAJORITY


def _answer(decision: Decision, votes: tuple[Vote, ...], merged: Merged) -> AnswerValue | None:
    if decision is Decision.MERGED:
        return tuple(row.text for row in merged)
    return votes[0].answer if decision in (Decision.MAJORITY, Decision.PLURALITY) else None


def _agreement(question: Question, votes: tuple[Vote, ...]) -> Coefficient | None:
    kind = question.answer
    if not isinstance(kind, Label):
        return None
    counts = {kind.key(vote.answer): len(vote.experts) for vote in votes}
    return one_question(tuple(sorted((counts.get(choice, 0) for choice in kind.choices), reverse=True)))
