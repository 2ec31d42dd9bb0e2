"""From responses to a verdict."""

from __future__ import annotations

from collections.abc import Iterable

from consilience.agreement import Coefficient, one_question
from consilience.dedup.merge import merge
from consilience.dedup.merged import Merged
from consilience.errors import InvalidInput
from consilience.intervals import wilson
from consilience.models import AnswerValue, Items, Label, Question, Response
from consilience.verdict.result import Decision, Method, Support, Verdict, Vote, shown


def decide(question: Question, responses: Iterable[Response], *, method: Method = "majority") -> Verdict:
    """Turn responses into a verdict, independent of their order.

    Parameters
    ----------
    question
        What was asked.
    responses
        One for each asked expert, with whatever outcome.
    method
        ``majority``: more than half of the *asked* experts gave the same answer. ``plurality``: most of those who
        answered, ties stay ties.

    Raises
    ------
    InvalidInput
        There is no response, or the method is another one.
    """
    ordered = tuple(sorted(responses, key=lambda response: (response.expert, response.id)))
    if not ordered:
        raise InvalidInput("A verdict needs at least one response, none came.")
    if method not in ("majority", "plurality"):
        raise InvalidInput(f"method is 'majority' or 'plurality', {method!r} came.")
    votes = _count(question, ordered)
    merged = _merged(question, ordered)
    decision = _decision(question, votes, len(ordered), method)
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
        support=Support(leading, len(ordered), *wilson(leading, len(ordered))),
        agreement=_agreement(question, votes),
        recommendations=merged,
    )


def _count(question: Question, responses: tuple[Response, ...]) -> tuple[Vote, ...]:
    groups: dict[str, list[Response]] = {}
    for response in responses:
        if response.answer is not None and response.answered:
            groups.setdefault(question.answer.key(response.answer), []).append(response)
    votes = [Vote(_wording(group), tuple(r.expert for r in group)) for group in groups.values()]
    return tuple(sorted(votes, key=lambda vote: (-len(vote.experts), shown(vote.answer))))


def _wording(group: list[Response]) -> AnswerValue:
    answers = [response.answer for response in group if response.answer is not None]
    return min(answers, key=shown)


def _merged(question: Question, responses: tuple[Response, ...]) -> Merged:
    if not isinstance(question.answer, Items):
        return Merged(())
    said = {r.expert: r.answer for r in responses if isinstance(r.answer, tuple) and r.answered}
    return merge(said)


def _decision(question: Question, votes: tuple[Vote, ...], asked: int, method: Method) -> Decision:
    if not votes:
        return Decision.NO_ANSWER
    if isinstance(question.answer, Items):
        return Decision.MERGED
    most = len(votes[0].experts)
    if len(votes) > 1 and len(votes[1].experts) == most:
        return Decision.TIE
    if 2 * most > asked:
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
