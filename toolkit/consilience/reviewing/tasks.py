"""What is reviewed, and where a person's answers go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from consilience.models import Question, Response
from consilience.verdict import Verdict
from consilience.verdict.result import Vote


@dataclass(frozen=True, slots=True)
class Task:
    """One question of a review.

    Parameters
    ----------
    key
        What tells it from the others: the key of a run's row, a row's number, or the question's id.
    question
        What is asked.
    """

    key: object
    question: Question


@dataclass(frozen=True, slots=True)
class Standing:
    """What a circle says to a question, for who may see it.

    Parameters
    ----------
    headline
        The answer, or why there is none.
    support
        Who stands behind it, in words; empty when that is not known.
    votes
        The distinct answers and who gave them, most votes first; empty when that is not known.
    people
        Which of the experts are people.
    """

    headline: str
    support: str = ""
    votes: tuple[Vote, ...] = ()
    people: frozenset[str] = frozenset()


def standing(verdict: Verdict) -> Standing:
    """Return what a verdict says."""
    people = frozenset(r.expert for r in verdict.responses if r.source == "person")
    return Standing(verdict.headline, str(verdict.support), verdict.votes, people)


class Place(Protocol):
    """Where a person's answers go, and where the circle's come from. Its methods block."""

    @property
    def name(self) -> str:
        """Where answers outlive the process; empty when they stay in its memory."""

    def standing(self, task: Task) -> Standing | None:
        """Return what the circle says now; ``None`` when that is not known."""

    def record(self, task: Task, response: Response) -> Standing | None:
        """Keep a person's response, and return what the circle says with it.

        It is durable when this returns, where `name` is not empty. A response *withdrawn* takes back the one before.
        """
