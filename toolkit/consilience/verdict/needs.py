"""Without whose answers a circle gives no verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from consilience.models import Response


@dataclass(frozen=True, slots=True)
class Needs:
    """Without whose answers a circle gives no verdict.

    Parameters
    ----------
    min_responses
        Answers that are needed; 0 by default, since a majority of the asked already needs more than half of them.
    required
        Names of experts who must have answered.

    Examples
    --------
    >>> Needs(2, ("ana",)).shortfall([])
    '0 of at least 2 answered; ana, required, did not'
    """

    min_responses: int = 0
    required: tuple[str, ...] = ()

    def shortfall(self, responses: Iterable[Response]) -> str:
        """Return what is missing, or an empty text."""
        answered = {response.expert for response in responses if response.answered}
        missing = [name for name in self.required if name not in answered]
        said = []
        if len(answered) < self.min_responses:
            said.append(f"{len(answered)} of at least {self.min_responses} answered")
        if missing:
            said.append(f"{' and '.join(missing)}, required, did not{'' if said else ' answer'}")
        return "; ".join(said)


#: Nothing in particular is needed.
NO_NEEDS = Needs()
