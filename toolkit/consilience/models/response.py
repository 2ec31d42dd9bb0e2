"""What came back from one expert: a reply, its typed outcome, and what it used up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from consilience.errors import Unparseable
from consilience.models.answers import AnswerValue
from consilience.models.given import is_number
from consilience.models.identifiers import new_id


class Outcome(StrEnum):
    """How an expert's part ended. Every outcome counts in the denominator of a majority.

    *Not needed* is an expert who was asked and then released, because others' answers sufficed. *Withdrawn* is a person
    who took an answer back: a verdict counts them as if they had not answered, and leaves them out where others did.
    """

    ANSWERED = "answered"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    UNPARSEABLE = "unparseable"
    TIMED_OUT = "timed out"
    OVER_BUDGET = "over budget"
    CIRCUIT_OPEN = "circuit open"
    FAILED = "failed"
    NOT_NEEDED = "not needed"
    WITHDRAWN = "withdrawn"

    @property
    def glyph(self) -> str:
        """One character that stands beside the word, never instead of it."""
        return _GLYPHS[self]


_GLYPHS = {
    Outcome.ANSWERED: "\u25cf",
    Outcome.ABSTAINED: "\u25cb",
    Outcome.REFUSED: "\u2298",
    Outcome.UNPARSEABLE: "\u25c7",
    Outcome.TIMED_OUT: "\u25f7",
    Outcome.OVER_BUDGET: "\u229f",
    Outcome.CIRCUIT_OPEN: "\u25a1",
    Outcome.FAILED: "\u2715",
    Outcome.NOT_NEEDED: "\u25cc",
    Outcome.WITHDRAWN: "\u2190",
}


class Source(StrEnum):
    """Who or what answered; shown as a mark beside the name."""

    MODEL = "model"
    PERSON = "person"
    FUNCTION = "function"
    RECORDED = "recorded"
    SCRIPTED = "scripted"
    JURY = "jury"


FREE = frozenset({Source.RECORDED, Source.SCRIPTED})
"""Whose answers are known to cost nothing, because nothing is called for them."""


class ConfidenceSource(StrEnum):
    """Where a confidence comes from: token probabilities, or the expert's own word."""

    TOKENS = "token probabilities"
    SELF_REPORTED = "self-reported"


@dataclass(frozen=True, slots=True)
class Usage:
    """What answers used up; ``None`` means unknown, which is not zero.

    Parameters
    ----------
    input_tokens, output_tokens
        Tokens read and written.
    cost_usd
        Price in US dollars. A number that is no amount, such as NaN from a price list without the model, is unknown.

    Examples
    --------
    >>> Usage(10, 2, 0.0) + Usage(5, 1, None)
    Usage(input_tokens=15, output_tokens=3, cost_usd=None)
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None

    def __post_init__(self) -> None:
        for name, kind in _PARTS:
            value = getattr(self, name)
            if value is not None and not (type(value) is kind and 0 <= value < math.inf):
                object.__setattr__(self, name, _known(value, kind))

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            _sum(self.input_tokens, other.input_tokens),
            _sum(self.output_tokens, other.output_tokens),
            None if self.cost_usd is None or other.cost_usd is None else self.cost_usd + other.cost_usd,
        )

    @classmethod
    def total(cls, parts: Iterable[Usage]) -> Usage:
        """Return what all parts used up together; nothing where there is none.

        Examples
        --------
        >>> Usage.total([Usage(10, 2, 0.25), Usage(5, 1, 0.5)])
        Usage(input_tokens=15, output_tokens=3, cost_usd=0.75)
        """
        read: int | None = 0
        written: int | None = 0
        cost: float | None = 0.0
        for part in parts:
            read = _sum(read, part.input_tokens)
            written = _sum(written, part.output_tokens)
            cost = None if cost is None or part.cost_usd is None else cost + part.cost_usd
        return cls(read, written, cost)

    @property
    def price(self) -> str:
        """The cost for people: dollars, or that it is unknown.

        Examples
        --------
        >>> Usage(10, 2, 0.0012).price, Usage(10, 2).price
        ('$0.0012', 'unknown')
        """
        if self.cost_usd is None:
            return "unknown"
        return "$0" if self.cost_usd == 0 else f"${self.cost_usd:.4f}"


_PARTS: tuple[tuple[str, type[float]], ...] = (
    ("input_tokens", int),
    ("output_tokens", int),
    ("cost_usd", float),
)


def _known(value: Any, kind: type) -> object:
    """Return an amount as Python's own number, and ``None`` for none; what is no number at all stays, to be refused."""
    if not is_number(value):
        return value
    return kind(value) if 0 <= value < math.inf else None


def _sum(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right


@dataclass(frozen=True, slots=True)
class Reply:
    """What an expert returns: the raw answer and what is known about it.

    Parameters
    ----------
    raw
        The answer as the expert gave it: a text, or a sequence of texts for `Items`. The question's answer kind
        reads it.
    confidence
        Between 0 and 1; unknown by default.
    confidence_source
        Where the confidence comes from.
    probabilities
        ``(choice, probability)`` pairs for a label, summing to 1 at most; empty when unknown.
    usage
        Tokens and cost, of all calls together; unknown by default.
    calls
        Calls that it took: 2 where a first answer could not be used and the model was asked again.

    Raises
    ------
    Unparseable
        The confidence is outside 0 to 1.
    """

    raw: object
    confidence: float | None = None
    confidence_source: ConfidenceSource | None = None
    probabilities: tuple[tuple[str, float], ...] = ()
    usage: Usage = Usage()
    calls: int = 1

    def __post_init__(self) -> None:
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise Unparseable(f"A confidence between 0 and 1 is required, {self.confidence} came.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One expert's part in a question, with its typed outcome.

    Parameters
    ----------
    question_id
        The question's id.
    expert
        The expert's name, unique within its circle.
    source
        Who or what answered.
    outcome
        How it ended.
    answer
        The answer as read by the answer kind; ``None`` unless the outcome is *answered*.
    raw
        What the expert said, as text, bounded to 100,000 characters; ``None`` when nothing came.
    reason
        One sentence for every outcome other than *answered*; beside an answer, what a person noted.
    confidence, confidence_source, probabilities, usage, calls
        As in `Reply`; usage and calls also of who has no answer.
    latency_s
        Seconds from the call to the outcome, by a monotonic clock.
    id
        A UUID made here.
    """

    question_id: str
    expert: str
    source: Source
    outcome: Outcome
    answer: AnswerValue | None = None
    raw: str | None = None
    reason: str | None = None
    confidence: float | None = None
    confidence_source: ConfidenceSource | None = None
    probabilities: tuple[tuple[str, float], ...] = ()
    usage: Usage = Usage()
    calls: int = 1
    latency_s: float = 0.0
    id: str = field(default_factory=new_id)

    @property
    def answered(self) -> bool:
        """Whether there is an answer."""
        return self.outcome is Outcome.ANSWERED

    def changed(self, change: Callable[[str], str]) -> Response:
        """Return the response with every text that was written in it changed.

        Examples
        --------
        >>> said = Response(
        ...     question_id="q", expert="ana", source=Source.PERSON, outcome=Outcome.ANSWERED, answer="a"
        ... )
        >>> said.changed(str.upper).answer
        'A'
        """
        answer = self.answer
        if isinstance(answer, tuple):
            answer = tuple(change(part) for part in answer)
        return replace(
            self,
            answer=change(answer) if isinstance(answer, str) else answer,
            raw=None if self.raw is None else change(self.raw),
            reason=None if self.reason is None else change(self.reason),
        )
