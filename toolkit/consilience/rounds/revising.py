"""Rounds in which everyone answers again after seeing something of what was said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from consilience.errors import InvalidInput
from consilience.models import AnswerKind, Question, Response
from consilience.rounds.base import Inquiry

#: What an expert, by name, is shown of the responses before.
Shown = Callable[[Inquiry, Sequence[Response], str], Question]
#: Why no further round is worth its price, from the responses of all rounds; empty to go on.
Stop = Callable[[Inquiry, Sequence[Sequence[Response]]], str]


async def revise(
    inquiry: Inquiry, name: str, rounds: int, shown: Shown, stop: Stop | None = None
) -> Sequence[Response]:
    """Ask up to so many rounds; return the last responses and note how it went."""
    history: list[Sequence[Response]] = [await inquiry.ask()]
    reason = _nothing_to_show(inquiry, history[0])
    while not reason and len(history) < rounds:
        if not inquiry.seconds_left:
            reason = "no time was left for another"
            break
        answers = await inquiry.ask(partial(shown, inquiry, history[-1]))
        history.append(inquiry.standing(history[-1], answers))
        reason = (stop or _steady)(inquiry, history)
    changed = sum(_changes(inquiry.question.answer, *pair) for pair in pairwise(history))
    said = f"{len(history)} round{'s' if len(history) > 1 else ''}"
    moved = f", {changed} answer{'' if changed == 1 else 's'} changed" if len(history) > 1 else ""
    inquiry.note(f"{name}: {said}{moved}{f'; {reason}' if reason and len(history) < rounds else ''}.")
    return history[-1]


def rounds_of(rounds: int) -> int:
    """Return the number of rounds, or raise `InvalidInput`."""
    if rounds < 2:
        raise InvalidInput(f"rounds is 2 or more, {rounds} came: one round needs no rounds=.")
    return rounds


def _nothing_to_show(inquiry: Inquiry, responses: Sequence[Response]) -> str:
    answered = [response for response in responses if response.answered]
    if len(answered) < 2:
        return "fewer than two answered"
    return (
        "all answers are the same"
        if inquiry.vote(answered).support.share == 1 and _alike(inquiry, answered)
        else ""
    )


def _alike(inquiry: Inquiry, answered: Sequence[Response]) -> bool:
    kind = inquiry.question.answer
    return len({kind.key(r.answer) for r in answered if r.answer is not None}) == 1


def _steady(inquiry: Inquiry, history: Sequence[Sequence[Response]]) -> str:
    if why := _nothing_to_show(inquiry, history[-1]):
        return why
    return "" if _changes(inquiry.question.answer, history[-2], history[-1]) else "nobody changed its answer"


def _changes(kind: AnswerKind, before: Sequence[Response], after: Sequence[Response]) -> int:
    """Return how many experts stand elsewhere than in the round before."""
    stood = {response.expert: _key(kind, response) for response in before}
    return sum(stood.get(response.expert) != _key(kind, response) for response in after)


def _key(kind: AnswerKind, response: Response) -> str | None:
    return None if response.answer is None else kind.key(response.answer)
