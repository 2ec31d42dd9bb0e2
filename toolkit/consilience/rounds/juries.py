"""A panel of juries: each jury decides among itself, and each verdict counts once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consilience.errors import DuplicateExpert, InvalidInput
from consilience.models import Outcome, Response, Source, Usage
from consilience.rounds.base import Inquiry


class Juries:
    """Experts in groups that decide apart; the verdict counts the juries.

    Five sizes of one model family in one jury and two other families in two more: what one family errs in together
    counts once.

    Parameters
    ----------
    juries
        The names of the experts of each jury, by the jury's name. Nobody sits in two; who sits in none is not asked.

    Notes
    -----
    All are asked at once. A jury that comes to no answer abstains, and is among the asked. Members' responses are in
    ``verdict.rounds``; required experts and ``min_responses`` count members.

    Examples
    --------
    >>> import consilience as cs
    >>> said = {"a1": "no", "a2": "no", "a3": "no", "b1": "yes", "c1": "yes"}
    >>> circle = cs.Circle([cs.Scripted(name, [answer]) for name, answer in said.items()])
    >>> juries = Juries({"family a": ["a1", "a2", "a3"], "family b": ["b1"], "family c": ["c1"]})
    >>> verdict = circle.ask_sync("Is it?", answer=cs.Label("yes", "no"), rounds=juries)
    >>> verdict.answer, verdict.dissent[0].experts
    ('yes', ('family a',))
    """

    def __init__(self, juries: Mapping[str, Sequence[str]]) -> None:
        if len(juries) < 2 or any(isinstance(members, str) or not members for members in juries.values()):
            raise InvalidInput(
                f"Juries takes two or more lists of names, each by the jury's name, {juries!r} came: "
                "Juries({'small': ['a', 'b'], 'large': ['c']})."
            )
        names = [name for members in juries.values() for name in members]
        if len(set(names)) != len(names):
            raise DuplicateExpert("Each expert sits in one jury, one came twice.")
        self.juries = {jury: tuple(members) for jury, members in juries.items()}

    def __repr__(self) -> str:
        return f"Juries({', '.join(self.juries)})"

    async def conduct(self, inquiry: Inquiry) -> Sequence[Response]:
        """Ask all members at once and return a response for each jury."""
        names = [name for members in self.juries.values() for name in members]
        given = {response.expert: response for response in await inquiry.ask(experts=names)}
        unasked = [name for name in inquiry.experts if name not in given]
        spared = f"; {', '.join(unasked)} sat in none" if unasked else ""
        inquiry.note(f"{len(self.juries)} juries of {len(names)} experts{spared}.")
        return [
            _spoken(inquiry, jury, [given[name] for name in members]) for jury, members in self.juries.items()
        ]


def _spoken(inquiry: Inquiry, jury: str, members: Sequence[Response]) -> Response:
    verdict = inquiry.vote(members)
    decided = verdict.answer is not None
    return Response(
        question_id=inquiry.question.id,
        expert=jury,
        source=Source.JURY,
        outcome=Outcome.ANSWERED if decided else Outcome.ABSTAINED,
        answer=verdict.answer,
        reason=None if decided else f"the jury came to no answer: {verdict.headline}"[:500],
        usage=Usage.total([response.usage for response in members]),
        latency_s=max(response.latency_s for response in members),
    )
