"""Which ways of deciding fit which kind of answer."""

from __future__ import annotations

from typing import Literal, get_args

from consilience.errors import InvalidInput
from consilience.models import AnswerKind, Ranking, Score

Voting = Literal["majority", "plurality", "weighted majority"]
Pooling = Literal["median", "mean", "weighted median"]
Ordering = Literal["schulze", "borda", "copeland", "kemeny"]
Method = Literal[Voting, Pooling, Ordering]

#: The methods that count weights.
WEIGHTED = ("weighted majority", "weighted median")


def methods_for(kind: AnswerKind) -> tuple[Method, ...]:
    """Return the methods that fit a kind of answer; the first is taken where none is named.

    Scores are pooled and rankings ordered; everything else is voted on.
    """
    family = Pooling if isinstance(kind, Score) else Ordering if isinstance(kind, Ranking) else Voting
    found: tuple[Method, ...] = get_args(family)
    return found


def checked_method(kind: AnswerKind, method: str | None) -> Method:
    """Return the method, or the usual one of the kind for ``None``.

    Raises
    ------
    InvalidInput
        It is no method, or none for this kind of answer.
    """
    fitting = methods_for(kind)
    if method is None:
        return fitting[0]
    for known in fitting:
        if known == method:
            return known
    raise InvalidInput(
        f"method for {kind.kind} answers is one of {', '.join(map(repr, fitting))}; {method!r} came."
    )


def usual(kind: AnswerKind, voting: Voting) -> Method:
    """Return how a circle decides that votes by the given method and meets this kind of answer."""
    fitting = methods_for(kind)
    return voting if voting in fitting else fitting[0]
