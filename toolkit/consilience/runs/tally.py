"""What a run has done so far."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from consilience.models import Outcome, Response

_NOT_ASKED = frozenset({Outcome.OVER_BUDGET, Outcome.CIRCUIT_OPEN})
_REASONS = 200


class Failure(NamedTuple):
    """Why cells of an expert have no answer.

    Parameters
    ----------
    expert, outcome
        Who, and how it ended.
    reason
        What it said.
    """

    expert: str
    outcome: Outcome
    reason: str


@dataclass(slots=True)
class Tally:
    """Counts of one execution of a run.

    Parameters
    ----------
    rows
        Rows of the frame.
    clock
        Monotonic seconds.

    Attributes
    ----------
    failures
        How many cells have no answer, by `Failure`; reasons after the 200th are left out of it.
    """

    rows: int
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    asked: int = 0
    reused: int = 0
    failed: int = 0
    cost_usd: float = 0.0
    n_unpriced: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failures: Counter[Failure] = field(default_factory=Counter)
    started: float = field(init=False)
    _asked_rows: int = 0

    def __post_init__(self) -> None:
        self.started = self.clock()

    def answered(self, response: Response, *, settled: bool) -> None:
        """Count a response that came now."""
        self.failed += not settled
        if not response.answered:
            self._note(Failure(response.expert, response.outcome, response.reason or ""))
        self.outcomes[response.outcome] += 1
        if response.outcome in _NOT_ASKED:
            return
        self.asked += 1
        if response.usage.cost_usd is None:
            self.n_unpriced += 1
        else:
            self.cost_usd += response.usage.cost_usd

    def _note(self, failure: Failure) -> None:
        if failure in self.failures or len(self.failures) < _REASONS:
            self.failures[failure] += 1

    def decided(self, n_reused: int, n_cells: int) -> None:
        """Count a row that is done, of whose cells so many were not asked now."""
        self.done += 1
        self.reused += n_reused
        self._asked_rows += n_reused < n_cells

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self.clock() - self.started

    @property
    def rate(self) -> float | None:
        """Rows a second that were asked; ``None`` before the first."""
        return self._asked_rows / self.seconds if self._asked_rows and self.seconds > 0 else None

    @property
    def remaining(self) -> float | None:
        """Seconds that the other rows take at this rate, as if none of them was settled; ``None`` before the first."""
        if self.done >= self.rows:
            return 0.0
        return None if self.rate is None else (self.rows - self.done) / self.rate

    @property
    def price(self) -> str:
        """What was spent, with the unknown part."""
        unknown = f" and {self.n_unpriced:,} answers of unknown price" if self.n_unpriced else ""
        return f"${self.cost_usd:,.4f}{unknown}"
