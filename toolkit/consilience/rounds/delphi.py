"""Delphi: each expert revises after seeing how the answers of the round before spread, and not whose they are."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.errors import InvalidInput
from consilience.models import AnswerValue, Question, Response, Score
from consilience.rounds.base import Inquiry
from consilience.rounds.revising import revise, rounds_of
from consilience.rounds.showing import escaped, show
from consilience.verdict.decide import counted

if TYPE_CHECKING:
    from consilience.aggregate.numeric.delphi import DelphiStop


class Delphi:
    """Each expert sees the spread of the last round beside its own answer, and answers again.

    Parameters
    ----------
    rounds
        At most so many, the first included; 3 by default, as most published inquiries.
    agreed
        For `Score`: the interquartile range, in the scale's units, at or below which nobody is asked again. Twice the
        kind's tolerance by default, so that the middle half of the answers stands behind its centre.
    settled
        For `Score`: the change of range and median, as a share of the range, below which opinions move no more.

    Notes
    -----
    Scores are shown as median, quartiles and extremes, and the stop rule is `aggregate.delphi_stop`. Other answers are
    shown with how many gave them, and it ends when all agree or nobody changes. N. Dalkey and O. Helmer, *Management
    Science* 9 (1963), 458-467. Whoever could not answer in a later round keeps its earlier answer, and the verdict's
    ``course`` says so.

    Examples
    --------
    >>> import consilience as cs
    >>> experts = [cs.Scripted(name, [first, 6]) for name, first in (("ana", 2), ("ben", 6), ("cy", 7))]
    >>> verdict = cs.Circle(experts).ask_sync("How bad is it?", answer=cs.Score(0, 10), rounds=Delphi())
    >>> verdict.answer, verdict.course
    (6.0, 'Delphi: 2 rounds, 2 answers changed; 1 task agreed.')
    """

    def __init__(self, rounds: int = 3, *, agreed: float | None = None, settled: float = 0.15) -> None:
        if agreed is not None and not agreed >= 0:
            raise InvalidInput(f"agreed is 0 or more, {agreed} came.")
        self.rounds = rounds_of(rounds)
        self.agreed = agreed
        self.settled = settled

    def __repr__(self) -> str:
        return f"Delphi({self.rounds})"

    async def conduct(self, inquiry: Inquiry) -> Sequence[Response]:
        """Ask, show the spread, and ask again until the answers agree or move no more."""
        score = inquiry.question.answer if isinstance(inquiry.question.answer, Score) else None
        return await revise(inquiry, "Delphi", self.rounds, _shown, self._stop if score else None)

    def _stop(self, inquiry: Inquiry, history: Sequence[Sequence[Response]]) -> str:
        kind = inquiry.question.answer
        assert isinstance(kind, Score)
        assert kind.tolerance is not None
        agreed = 2 * kind.tolerance if self.agreed is None else self.agreed
        found = _stopped(history, agreed, self.settled, self.rounds)
        return found.reason if found else ""


def _stopped(history: Sequence[Sequence[Response]], agreed: float, settled: float, rounds: int) -> DelphiStop:
    import polars as pl

    from consilience.aggregate.numeric.delphi import delphi_stop

    frames = [
        pl.DataFrame(
            {
                "task": ["question"] * len(responses),
                "expert": [response.expert for response in responses],
                "score": [response.answer for response in responses],
            },
            schema_overrides={"score": pl.Float64},
        )
        for responses in history
    ]
    return delphi_stop(frames, agreed=agreed, settled=settled, max_rounds=rounds)


def _shown(inquiry: Inquiry, responses: Sequence[Response], name: str) -> Question:
    own = next((r.answer for r in responses if r.expert == name), None)
    yours = "" if own is None else f"\nYour answer was: <answer>{escaped(own)}</answer>"
    return inquiry.again(
        "Others answered too. Consider how the answers spread, then answer the question again; "
        "staying with your answer is as welcome as changing it.",
        f"{_spread(inquiry, responses)}{yours}",
    )


def _spread(inquiry: Inquiry, responses: Sequence[Response]) -> str:
    said = [r.answer for r in responses if r.answer is not None]
    if isinstance(inquiry.question.answer, Score):
        return _figures([float(str(answer)) for answer in said], len(responses))
    votes = counted(inquiry.question, responses)
    counts = [f"{len(vote.experts)} of {len(responses)}" for vote in votes]
    answers: list[AnswerValue] = [vote.answer for vote in votes]
    return show(answers, counts)


def _figures(scores: list[float], asked: int) -> str:
    low, middle, high = statistics.quantiles(scores, n=4, method="inclusive")
    return (
        f"{len(scores)} of {asked} experts answered: median {middle:.6g}, the middle half between {low:.6g} and "
        f"{high:.6g}, lowest {min(scores):.6g}, highest {max(scores):.6g}."
    )
