"""Anonymous peer review: each expert says which of the others' answers is best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from consilience.models import AnswerValue, Label, Question, Response
from consilience.rounds.base import Inquiry
from consilience.rounds.showing import letters, show
from consilience.verdict.decide import counted


class PeerReview:
    """Everyone answers; then everyone reads the distinct answers, unnamed, and names the best one.

    The verdict counts the reviews: an expert stands behind the answer that it named.

    Parameters
    ----------
    own
        Whether an expert may name an answer that it alone gave; it may not by default, since models prefer their own
        words also where they are not told whose they are (A. Panickssery et al., NeurIPS 2024).

    Notes
    -----
    An expert who is left with fewer than two answers to choose from is not asked again, and its own answer counts.

    Examples
    --------
    >>> import consilience as cs
    >>> said = {"ana": "Shard by tenant.", "ben": "Add a cache.", "cy": "Buy a bigger server."}
    >>> circle = cs.Circle([cs.Scripted(name, [answer, "A"]) for name, answer in said.items()])
    >>> verdict = circle.ask_sync("What now?", rounds=PeerReview())
    >>> verdict.answer, verdict.support.n
    ('Add a cache.', 2)
    """

    def __init__(self, *, own: bool = False) -> None:
        self.own = own

    def __repr__(self) -> str:
        return f"PeerReview(own={self.own})"

    async def conduct(self, inquiry: Inquiry) -> Sequence[Response]:
        """Ask, then let everyone judge."""
        first = await inquiry.ask()
        offers = {response.expert: self._offer(inquiry, first, response.expert) for response in first}
        reviewing = [name for name, offer in offers.items() if len(offer) > 1]
        if not reviewing:
            inquiry.note("Peer review: there were not two answers to choose from.")
            return first
        reviews = await inquiry.ask(lambda name: _review(inquiry, offers[name]), experts=reviewing)
        named = {review.expert: _named(review, offers[review.expert]) for review in reviews}
        inquiry.note(
            f"Peer review: {sum(review.answered for review in reviews)} of {len(first)} experts reviewed "
            f"{len({str(answer) for offer in offers.values() for answer in offer})} answers."
        )
        return inquiry.standing(first, [named.get(response.expert, response) for response in first])

    def _offer(self, inquiry: Inquiry, first: Sequence[Response], name: str) -> list[AnswerValue]:
        votes = sorted(counted(inquiry.question, first), key=lambda vote: str(vote.answer))
        return [vote.answer for vote in votes if self.own or vote.experts != (name,)]


def _review(inquiry: Inquiry, offer: Sequence[AnswerValue]) -> Question:
    asked = inquiry.question
    parts = (asked.context, f"The question was: {asked.text}", show(offer))
    return replace(
        asked,
        text="Which of these answers to the question is the best one? Judge what it says and not how it is worded.",
        answer=Label(*letters(len(offer)), name="Best answer"),
        context="\n\n".join(part for part in parts if part),
        examples=(),
    )


def _named(review: Response, offer: Sequence[AnswerValue]) -> Response:
    if review.answer is None:
        return review
    return replace(
        review, answer=offer[letters(len(offer)).index(str(review.answer))], probabilities=(), confidence=None
    )
