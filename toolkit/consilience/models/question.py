"""A question: its text, the kind of answer it wants, and what an expert is shown beside it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from consilience.errors import EmptyQuestion, InvalidInput, Unparseable
from consilience.models.answers import AnswerKind, Text
from consilience.models.identifiers import new_id

_PRIORITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Example:
    """A solved question that shows an expert what is wanted.

    Parameters
    ----------
    question
        The text of the solved question.
    answer
        Its answer, as an expert would write it.
    """

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question to a circle.

    Parameters
    ----------
    text
        What is asked; at least one character that is not white space.
    answer
        The kind of answer that is wanted; free text by default.
    context
        Material that belongs to the question, shown before it; none by default.
    examples
        Solved questions for language models, as `Example` or ``(question, answer)``; none by default. People
        and functions do not see them.
    id
        A UUID made here, so that the store needs no key of its own.
    asked_at
        Wall-clock time in UTC, for people to read; durations are measured with a monotonic clock.
    tags
        Words that a circle's rules go by, such as ``"confidential"``; none by default. They are not shown to experts
        and are no part of the digest.
    deadline
        Seconds that this question may take; the circle's by default.
    priority
        ``"critical"``, ``"high"``, ``"medium"`` or ``"low"``: who goes first where a policy lets only so many calls
        through at once. By default that of the surrounding `policies.priority`, which is medium.

    Raises
    ------
    EmptyQuestion
        The text is empty.
    InvalidInput
        An example's answer is not of the kind that the question wants.

    Examples
    --------
    >>> Question("Is water wet?").answer.kind
    'text'
    """

    text: str
    answer: AnswerKind = field(default_factory=Text)
    context: str | None = None
    examples: tuple[Example, ...] = ()
    id: str = field(default_factory=new_id)
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    tags: tuple[str, ...] = ()
    deadline: float | None = None
    priority: str | None = None
    _digest: str | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InvalidInput(f"A question is a text, a {type(self.text).__name__} came.")
        if not self.text.strip():
            raise EmptyQuestion("A question needs a text, an empty one came: write what you want to know.")
        if type(self.answer) not in _seen and not _is_kind(self.answer):
            raise InvalidInput(
                "answer= takes an answer kind such as cs.Label('yes', 'no'), cs.Items() or cs.Text(), "
                f"{self.answer!r} came."
            )
        if self.context is not None and not isinstance(self.context, str):
            raise InvalidInput(
                f"context= takes a text, a {type(self.context).__name__} came: write str(...)."
            )
        if self.deadline is not None and not 0 < self.deadline < math.inf:
            raise InvalidInput(f"deadline is a number of seconds above 0, {self.deadline} came.")
        if self.priority is not None and self.priority not in _PRIORITIES:
            raise InvalidInput(f"A priority is one of {', '.join(_PRIORITIES)}, {self.priority!r} came.")
        object.__setattr__(self, "tags", _words(self.tags))
        object.__setattr__(self, "examples", tuple(_example(e, self.answer) for e in self.examples))

    @property
    def digest(self) -> str:
        """SHA-256 of what an expert is shown: the same words, context, examples and answer kind."""
        if self._digest is None:
            shown = [
                self.text,
                self.answer.spec(),
                self.context,
                [(e.question, e.answer) for e in self.examples],
            ]
            text = _WRITER.encode(shown)
            found = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
            object.__setattr__(self, "_digest", found)
            return found
        return self._digest


_WRITER = json.JSONEncoder(ensure_ascii=False)  # json.dumps makes one for each call

# looking at every part of a protocol takes as long as the rest of a question together
_seen: set[type] = set()


def _is_kind(answer: object) -> bool:
    if isinstance(answer, AnswerKind) and not isinstance(answer, type):
        _seen.add(type(answer))
        return True
    return False


def _words(tags: object) -> tuple[str, ...]:
    if isinstance(tags, str) or not isinstance(tags, Iterable) or not all(isinstance(t, str) for t in tags):
        raise InvalidInput(f"tags= takes a list of words, {tags!r} came: write tags=['confidential'].")
    return tuple(dict.fromkeys(tags))


def _example(given: Example | tuple[str, str], kind: AnswerKind) -> Example:
    try:
        example = given if isinstance(given, Example) else Example(*given)
    except TypeError:
        raise InvalidInput(f"An example is a pair (question, answer), {given!r} came.") from None
    try:
        kind.parse(example.answer)
    except Unparseable as error:
        raise InvalidInput(
            f"The example {example.question!r} has an answer that cannot be used: {error}"
        ) from error
    return example
