"""Debate: each expert answers again after reading what the others said."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.models import Question, Response
from consilience.rounds.base import Inquiry
from consilience.rounds.revising import revise, rounds_of
from consilience.rounds.showing import escaped


class Debate:
    """Each expert reads the answers of the others, unnamed, beside its own, and answers again.

    Parameters
    ----------
    rounds
        At most so many, the first included. It ends earlier when all agree or nobody changes its answer. 2 by default:
        what more rounds add is mostly conformity.

    Notes
    -----
    Y. Du et al., *Improving Factuality and Reasoning in Language Models through Multiagent Debate* (ICML 2024). Answers
    after a debate are not independent: the interval of the support says less than after one round. Compare with
    ``verdict.rounds[0]``.

    Examples
    --------
    >>> import consilience as cs
    >>> circle = cs.Circle([cs.Scripted("ana", ["no", "yes"]), cs.Scripted("ben", ["yes"])])
    >>> verdict = circle.ask_sync("Is water wet?", answer=cs.Label("yes", "no"), rounds=Debate())
    >>> verdict.answer, verdict.course
    ('yes', 'Debate: 2 rounds, 1 answer changed.')
    """

    def __init__(self, rounds: int = 2) -> None:
        self.rounds = rounds_of(rounds)

    def __repr__(self) -> str:
        return f"Debate({self.rounds})"

    async def conduct(self, inquiry: Inquiry) -> Sequence[Response]:
        """Ask, show, and ask again."""
        return await revise(inquiry, "Debate", self.rounds, _shown)


def _shown(inquiry: Inquiry, responses: Sequence[Response], name: str) -> Question:
    others = [r.answer for r in responses if r.expert != name and r.answer is not None]
    own = next((r.answer for r in responses if r.expert == name), None)
    yours = "" if own is None else f"\nYour answer was: <answer>{escaped(own)}</answer>"
    return inquiry.again(
        "Others answered too. Weigh their answers against yours, then answer the question again; "
        "change your answer only for a reason.",
        f"{inquiry.show(others)}{yours}",
    )
