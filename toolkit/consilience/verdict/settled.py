"""Whether a vote that is still going on is decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from consilience.models import Question, Response
from consilience.verdict.decide import counted


def settled(
    question: Question, responses: Sequence[Response], pending: int, method: Literal["majority", "plurality"]
) -> str:
    """Return why the answers that are still to come cannot change the vote, or an empty text while they can.

    Parameters
    ----------
    question
        What is voted on.
    responses
        Those that have come, with whatever outcome.
    pending
        Experts who were asked and have not ended yet; they are among the asked.
    method
        How the vote is decided. No majority counts as settled only when no tie can come either.
    """
    votes = counted(question, responses)
    asked = len(responses) + pending
    most = len(votes[0].experts) if votes else 0
    second = len(votes[1].experts) if len(votes) > 1 else 0
    if 2 * most > asked:
        return f"{most} of {asked} agree already"
    if most <= second + pending:
        return ""
    if method == "plurality":
        return "no other answer can overtake"
    return "no answer can reach a majority any more" if 2 * (most + pending) <= asked else ""
