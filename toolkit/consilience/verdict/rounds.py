"""One round of asking, kept in a verdict."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from consilience.models import Question, Response


@dataclass(frozen=True, slots=True)
class Round:
    """What was asked and answered in one round.

    Parameters
    ----------
    number
        Counted from 1.
    questions
        What each expert was asked, by name; from the second round on usually with what others said as context.
    responses
        One for each expert who was asked, sorted by name.
    """

    number: int
    questions: tuple[tuple[str, Question], ...]
    responses: tuple[Response, ...]

    def without(self, names: Collection[str]) -> Round:
        """Return the round as if these experts had not been asked."""
        return replace(
            self,
            questions=tuple(pair for pair in self.questions if pair[0] not in names),
            responses=tuple(response for response in self.responses if response.expert not in names),
        )
