"""Escalation: the dear experts are asked only where the cheap ones disagree."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.errors import DuplicateExpert, InvalidInput
from consilience.models import Response
from consilience.rounds.base import Inquiry


class Escalation:
    """Ask tier after tier until those who were asked agree.

    Parameters
    ----------
    *tiers
        Lists of names, the cheapest experts first; whoever is named nowhere forms the last tier. The first tier has two
        experts or more, since one alone always agrees with itself.
    share
        Share of the asked that must stand behind the answer for the next tier to be spared; 1, everyone, by default.

    Notes
    -----
    Who was never asked is not in the denominator: the verdict is that of the experts who were asked, all tiers so far
    together, and ``course`` names who was not. Cheap experts that err together are not found out by each other: measure
    on questions with known answers what escalation costs in accuracy (`benchmarks/strategies.py`).

    Examples
    --------
    >>> import consilience as cs
    >>> circle = cs.Circle(
    ...     [cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["yes"]), cs.Scripted("dear", ["no"])]
    ... )
    >>> verdict = circle.ask_sync("Is it?", answer=cs.Label("yes", "no"), rounds=Escalation(["ana", "ben"]))
    >>> str(verdict.support), verdict.course
    ('2 of 2, 1.00 [0.34, 1.00]', 'Escalation: 2 of 2 agreed in tier 1; dear was not asked.')
    """

    def __init__(self, *tiers: Sequence[str], share: float = 1.0) -> None:
        if not tiers or any(isinstance(tier, str) for tier in tiers) or len(tiers[0]) < 2:
            raise InvalidInput(
                f"Escalation takes lists of names, the first with two or more, {tiers!r} came: "
                "Escalation(['small', 'local'], ['large'])."
            )
        names = [name for tier in tiers for name in tier]
        if len(set(names)) != len(names):
            raise DuplicateExpert("Each expert stands in one tier, one came twice.")
        if not 0 < share <= 1:
            raise InvalidInput(f"share is above 0 and at most 1, {share} came.")
        self.tiers = tuple(tuple(tier) for tier in tiers)
        self.share = share

    def __repr__(self) -> str:
        return f"Escalation({', '.join(map(repr, map(list, self.tiers)))})"

    async def conduct(self, inquiry: Inquiry) -> Sequence[Response]:
        """Ask one tier after the other until enough of the asked agree."""
        waiting = self._tiers(inquiry)
        responses: list[Response] = []
        agree = False
        while waiting and not agree:
            responses += await inquiry.ask(experts=waiting.pop(0))
            agree = inquiry.vote(responses).support.share >= self.share
        support = inquiry.vote(responses).support
        unasked = [name for tier in waiting for name in tier]
        agreed = f"{support.n} of {support.of} agreed in tier {len(inquiry.rounds)}"
        spared = (
            f"; {', '.join(unasked)} {'was' if len(unasked) == 1 else 'were'} not asked" if unasked else ""
        )
        inquiry.note(f"Escalation: {agreed}{spared}.")
        return responses

    def _tiers(self, inquiry: Inquiry) -> list[Sequence[str]]:
        named = {name for tier in self.tiers for name in tier}
        rest = [name for name in inquiry.experts if name not in named]
        return [tier for tier in (*self.tiers, rest) if tier]
