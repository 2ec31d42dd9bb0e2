"""When a question ends: the deadline, how many answers suffice, and without whose answers there is no verdict."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

from consilience.errors import InvalidInput, UnknownExpert
from consilience.models import AnswerKind, Example, Question, Response, Text
from consilience.models.given import is_number, is_whole
from consilience.verdict import Needs
from consilience.verdict.methods import Method
from consilience.verdict.needs import NO_NEEDS
from consilience.verdict.settled import settled

if TYPE_CHECKING:
    from consilience.rounds.base import Rounds


class Asking(TypedDict, total=False):
    """What `Circle.ask` takes beside the question, for the calls that take the same."""

    answer: AnswerKind | None
    context: str | None
    examples: Sequence[Example | tuple[str, str]]
    deadline: float | None
    min_responses: int
    required: Sequence[str]
    first: int | None
    quorum: bool
    rounds: Rounds | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When one round of asking ends.

    Parameters
    ----------
    deadline
        Seconds after which whoever has not answered is *timed out*.
    first
        Answers that suffice; all by default.
    quorum
        How the vote is counted that may end early; ``None``, the default, waits for everyone.
    needs
        Whose answers are waited for in any case.
    """

    deadline: float
    first: int | None = None
    quorum: Literal["majority", "plurality"] | None = None
    needs: Needs = NO_NEEDS

    @property
    def may_end_early(self) -> bool:
        """Whether there is anything to look at before all have ended."""
        return self.first is not None or self.quorum is not None

    def enough(self, question: Question, responses: Sequence[Response], pending: Collection[str]) -> str:
        """Return why the experts who have not ended yet are not needed, or an empty text while they are."""
        answered = sum(response.answered for response in responses)
        if answered < self.needs.min_responses or not set(pending).isdisjoint(self.needs.required):
            return ""
        if self.first is not None and answered >= self.first:
            return f"the first {self.first} of {len(responses) + len(pending)} answers suffice"
        return settled(question, responses, len(pending), self.quorum) if self.quorum else ""


def terms(
    names: Sequence[str],
    kind: AnswerKind,
    method: Method,
    *,
    deadline: float,
    min_responses: int = 0,
    required: Sequence[str] = (),
    first: int | None = None,
    quorum: bool = False,
) -> Terms:
    """Return the terms of a question to these experts.

    Raises
    ------
    InvalidInput, UnknownExpert
        They cannot be met, or contradict each other.
    """
    if isinstance(required, str):
        raise InvalidInput(f"required= takes a list of names, a text came: write required=[{required!r}].")
    unknown = sorted(set(required) - set(names))
    if unknown:
        raise UnknownExpert(
            f"required= names experts of the circle, {', '.join(map(repr, unknown))} came: take of {', '.join(names)}."
        )
    if not is_whole(min_responses) or not 0 <= min_responses <= len(names):
        raise InvalidInput(
            f"min_responses is between 0 and the {len(names)} experts of the circle, {min_responses!r} came."
        )
    if first is not None:
        _check_first(first, len(names), min_responses, method)
    if quorum and method not in ("majority", "plurality"):
        raise InvalidInput(
            f"quorum= ends a vote early; {kind.kind} answers are not voted on but joined from all: take first=."
        )
    if quorum and kind.kind == "items":
        raise InvalidInput("quorum= ends a vote early; recommendations are merged from all: take first=.")
    return Terms(
        deadline=positive(deadline),
        first=first,
        quorum=method if quorum and method in ("majority", "plurality") else None,
        needs=Needs(min_responses, tuple(sorted(set(required)))),
    )


def _check_first(first: int, asked: int, min_responses: int, method: Method) -> None:
    if not is_whole(first) or not 1 <= first <= asked:
        raise InvalidInput(f"first is between 1 and the {asked} experts of the circle, {first!r} came.")
    if first < min_responses:
        raise InvalidInput(
            f"first={first} would end before min_responses={min_responses} is reached: take first={min_responses}."
        )
    if method == "majority" and 2 * first <= asked:
        raise InvalidInput(
            f"The first {first} of {asked} can never be a majority, which is more than half of those who were asked: "
            f"take first={asked // 2 + 1} or more, or Circle(..., method='plurality')."
        )


def positive(deadline: float) -> float:
    """Return the deadline.

    Raises
    ------
    InvalidInput
        It is no finite number of seconds above 0.
    """
    if not is_number(deadline) or not (deadline > 0 and math.isfinite(deadline)):
        raise InvalidInput(f"deadline is a number of seconds above 0, {deadline!r} came.")
    return deadline


def as_question(
    given: str | Question,
    answer: AnswerKind | None,
    context: str | None,
    examples: Sequence[Example | tuple[str, str]],
) -> Question:
    """Return the question that is meant; one that is given as such takes nothing beside it."""
    if not isinstance(given, Question):
        return Question(given, answer or Text(), context, tuple(examples))  # type: ignore[arg-type]
    if answer is not None or context is not None or examples:
        raise InvalidInput(
            "A Question carries its own answer, context and examples: set them there, not in ask."
        )
    return given


def check_names(how: Mapping[str, object]) -> None:
    """Raise `TypeError` when a call has a word that `Circle.ask` does not take: left unsaid, it would be left out."""
    from difflib import get_close_matches

    for name in how:
        if name not in Asking.__annotations__:
            near = get_close_matches(name, Asking.__annotations__, n=1)
            hint = f"did you mean {near[0]}=?" if near else f"it takes {', '.join(Asking.__annotations__)}."
            raise TypeError(f"Asking takes no argument {name!r}: {hint}")


def asking_terms(
    how: Asking, names: Sequence[str], kind: AnswerKind, method: Method, deadline: float
) -> Terms:
    """Return the terms that a call of `Circle.ask` means.

    Parameters
    ----------
    how
        What it was given.
    names
        The experts of the circle.
    kind, method
        What is answered, and how it is decided.
    deadline
        Seconds where the call says none.

    Raises
    ------
    InvalidInput, UnknownExpert
        They contradict each other, or name nobody of the circle.
    TypeError
        It was given something of another name.
    """
    check_names(how)
    first, quorum, seconds = how.get("first"), how.get("quorum", False), how.get("deadline")
    rounds = how.get("rounds")
    if rounds is not None and not callable(getattr(rounds, "conduct", None)):
        raise InvalidInput(f"rounds= takes a strategy such as cs.rounds.Delphi(), {rounds!r} came.")
    if rounds is not None and (first is not None or quorum):
        raise InvalidInput(
            "first= and quorum= end a single round; with rounds= the strategy says who is asked."
        )
    return terms(
        names,
        kind,
        method,
        deadline=deadline if seconds is None else seconds,
        min_responses=how.get("min_responses", 0),
        required=how.get("required", ()),
        first=first,
        quorum=quorum,
    )
