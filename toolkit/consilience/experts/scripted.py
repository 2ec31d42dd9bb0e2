"""An expert that says what it was told to, for tests, load and teaching."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncGenerator, Mapping, Sequence

from consilience.errors import Abstained, InvalidInput, RecordingMiss
from consilience.models import Question, Reply, Source, quoted

_WORD = re.compile(r"\s*\S+\s*$|\s*\S+")


class Scripted:
    """An expert with a script.

    Parameters
    ----------
    name
        Its name in the circle.
    answers
        A mapping from question text to answer, or a sequence that is gone through again and again. An answer is
        what the question's kind reads, a `Reply`, ``None`` to abstain, or an exception, which is raised.
    latency
        Seconds before each answer; 0 answers at once.

    Examples
    --------
    >>> expert = Scripted("ana", ["yes", TimeoutError("asleep")])
    >>> asyncio.run(expert.answer(Question("Is water wet?"))).raw
    'yes'
    """

    source = Source.SCRIPTED

    def __init__(
        self, name: str, answers: Mapping[str, object] | Sequence[object], *, latency: float = 0.0
    ) -> None:
        if isinstance(answers, str) or not answers:
            raise InvalidInput(
                f"A script is a mapping or a list of at least one answer, {answers!r} came: write [{answers!r}]."
            )
        if latency < 0:
            raise InvalidInput(f"latency is 0 seconds or more, {latency} came.")
        self.name = name
        self._by_text = answers if isinstance(answers, Mapping) else None
        self._turns = itertools.cycle(answers)
        self._latency = latency

    def __repr__(self) -> str:
        return f"Scripted({self.name!r})"

    async def answer(self, question: Question) -> Reply:
        """Return, or raise, what the script says."""
        if self._latency:
            await asyncio.sleep(self._latency)
        return self._said(question)

    async def stream(self, question: Question) -> AsyncGenerator[str | Reply, None]:
        """Write what the script says, word by word, the latency spread over the words; then the whole `Reply`."""
        reply = self._said(question)
        words = _WORD.findall(reply.raw) if isinstance(reply.raw, str) else []
        for word in words or [""]:
            if self._latency:
                await asyncio.sleep(self._latency / (len(words) or 1))
            yield word
        yield reply

    def _said(self, question: Question) -> Reply:
        said = self._next(question)
        if isinstance(said, BaseException):
            raise said
        if said is None:
            raise Abstained(f"{self.name}'s script says nothing here.")
        return said if isinstance(said, Reply) else Reply(said)

    def _next(self, question: Question) -> object:
        if self._by_text is None:
            return next(self._turns)
        try:
            return self._by_text[question.text]
        except KeyError:
            raise RecordingMiss(
                f"{self.name}'s script has no line for {quoted(question.text)}: add one."
            ) from None

    async def aclose(self) -> None:
        """Nothing is held."""
