"""An expert that says what it was told to, for tests, load and teaching."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from collections import Counter
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
        Seconds before each answer, or the least and most of them, between which they are drawn; 0 answers at once.
    failing
        Share of the calls that fail with a lost connection, from 0 to 1.
    seed
        Of the drawing. What is drawn depends on the question and on how often it was asked, and not on the order of
        questions, so that a load test with many at once draws the same each time.

    Raises
    ------
    InvalidInput
        There is no answer, or a number is out of its range.

    Examples
    --------
    >>> expert = Scripted("ana", ["yes", TimeoutError("asleep")])
    >>> asyncio.run(expert.answer(Question("Is water wet?"))).raw
    'yes'
    """

    source = Source.SCRIPTED

    def __init__(
        self,
        name: str,
        answers: Mapping[str, object] | Sequence[object],
        *,
        latency: float | tuple[float, float] = 0.0,
        failing: float = 0.0,
        seed: int = 0,
    ) -> None:
        if isinstance(answers, str) or not answers:
            raise InvalidInput(
                f"A script is a mapping or a list of at least one answer, {answers!r} came: write [{answers!r}]."
            )
        least, most = latency if isinstance(latency, tuple) else (latency, latency)
        if not 0 <= least <= most:
            raise InvalidInput(f"latency is 0 seconds or more, or the least and the most, {latency} came.")
        if not 0 <= failing <= 1:
            raise InvalidInput(f"failing is a share from 0 to 1, {failing} came.")
        self.name = name
        self._by_text = answers if isinstance(answers, Mapping) else None
        self._turns = itertools.cycle(answers)
        self._latency = least, most
        self._failing, self._seed = failing, seed
        self._times: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"Scripted({self.name!r})"

    async def answer(self, question: Question) -> Reply:
        """Return, or raise, what the script says."""
        seconds, fails = self._drawn(question)
        if seconds:
            await asyncio.sleep(seconds)
        if fails:
            raise self._lost()
        return self._said(question)

    async def stream(self, question: Question) -> AsyncGenerator[str | Reply, None]:
        """Write what the script says, word by word, the latency spread over the words; then the whole `Reply`."""
        seconds, fails = self._drawn(question)
        reply = self._said(question)
        words = _WORD.findall(reply.raw) if isinstance(reply.raw, str) else []
        for word in words or [""]:
            if seconds:
                await asyncio.sleep(seconds / (len(words) or 1))
            if fails:
                raise self._lost()
            yield word
        yield reply

    def _drawn(self, question: Question) -> tuple[float, bool]:
        """Return how long this call takes, and whether it fails."""
        least, most = self._latency
        if least == most and not self._failing:
            return least, False
        self._times[question.text] += 1
        own = f"{self._seed} {self.name} {self._times[question.text]} {question.text}"
        rng = random.Random(own)  # noqa: S311 - a script, not a secret
        return rng.uniform(least, most), rng.random() < self._failing

    def _lost(self) -> ConnectionError:
        return ConnectionError(
            f"{self.name}'s script lost the connection, as it does for {self._failing:g} of the calls."
        )

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
