"""One row of a run on its way: its question as it leaves, and whose cells it has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from consilience.models import Question, Response
from consilience.runs.ledger import Cell, Saved

if TYPE_CHECKING:
    from consilience.disclosure import Shown
    from consilience.verdict import Verdict

Member: TypeAlias = tuple[str, int]
"""An expert's name and the number of its replicate: whose cell it is in a row."""


@dataclass(slots=True)
class Asked:
    """One row: its question as it leaves, whose cells it has, and which are settled or under way elsewhere.

    Thousands wait at once, and what each holds of its own is what collecting garbage has to go through: where the
    circle hides nothing from anyone, there is no ``shown``.
    """

    number: int
    key: object
    question: Question
    shown: Shown | None
    members: tuple[Member, ...]
    saved: dict[Member, Saved] = field(default_factory=dict)
    busy: bool = False

    @property
    def missing(self) -> Sequence[Member]:
        """Whose cells have no settled response."""
        return [m for m in self.members if m not in self.saved] if self.saved else self.members

    def go_on(self) -> None:
        """Take up the question of the history, so that new answers and verdicts stand beside those that it has."""
        for saved in self.saved.values():
            self.question = replace(self.question, id=saved.response.question_id, asked_at=saved.asked_at)
            return

    def tells(self, verdict: Verdict) -> bool:
        """Whether the newest verdict in the history is by the same method, on the same answers of as many experts."""
        ids: dict[str | None, frozenset[str]] = {}
        for response, _, method, heard in self.saved.values():
            if heard not in ids:
                ids[heard] = frozenset(each for _, each in json.loads(heard or "[]"))
            if method != verdict.method or response.id not in ids[heard]:
                return False
        return all(len(each) == len(verdict.responses) for each in ids.values())

    def cells(self, members: Iterable[Member]) -> Iterator[Cell]:
        """Yield cells of this row."""
        digest = self.question.digest
        return (Cell(digest, *member) for member in members)

    def kept(self, response: Response) -> Response:
        """Return a response as it may be kept."""
        return response if self.shown is None else self.shown.hide(response)

    def restored(self, verdict: Verdict) -> Verdict:
        """Return the verdict for the caller, with what was hidden put back."""
        return verdict if self.shown is None else self.shown.restored(verdict)

    @property
    def withheld(self) -> Sequence[Response]:
        """The responses of those who may not be asked."""
        return () if self.shown is None else self.shown.withheld
