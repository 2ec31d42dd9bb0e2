"""A circle of experts: one question to all of them, every part typed, one verdict."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from consilience.disclosure import Allowed, Disclosure
from consilience.errors import (
    Abstained,
    CircuitOpen,
    DeadlineExceeded,
    InvalidInput,
    Refused,
    StoreError,
    UnknownExpert,
    Unparseable,
)
from consilience.experts.base import Expert
from consilience.experts.registry import Given, as_circle
from consilience.loop import background
from consilience.models import AnswerKind, Example, Outcome, Question, Reply, Response, Text, Usage
from consilience.policies import Policy
from consilience.policies import deadline as within
from consilience.redaction import Redactor
from consilience.verdict import Verdict, decide
from consilience.verdict.methods import Voting, usual

if TYPE_CHECKING:
    from consilience.store import Store

_RAW_LIMIT = 100_000
_REASON_LIMIT = 500
_GRACE_SECONDS = 1.0
_SLACK_SECONDS = 0.2


class Circle:
    """Experts who are asked together.

    Parameters
    ----------
    experts
        Names (``"local:smollm2"``), `Model`, `Recorded`, `Scripted`, any object with ``name``, ``source`` and
        ``answer``, or plain functions ``(Question) -> answer``, named by their ``__name__``.
    store
        A `Store` or the path of one; questions, responses and verdicts are durable there before ``ask`` returns.
        By default nothing is kept.
    deadline
        Seconds that a question may take; whoever has not answered by then is *timed out*. 120 is above what a
        hosted model needs for a long answer.
    policies
        A `policies.Policy` for experts that share a provider's limits, by the expert's name. Whoever is not named is
        asked under a policy of its own in this circle, which only stops asking an expert that keeps failing; it
        does not retry, because only the user knows whether a question may be asked twice.
    method
        ``majority`` needs more than half of the asked experts; ``plurality`` takes the most frequent answer. Scores are
        pooled by their median and rankings by Schulze's method; `Verdict.replay` decides otherwise.
    redact
        ``True``, or a `redaction.Redactor`: secrets and personal data become placeholders before an expert is asked
        and before the store is written, and are put back in the verdict that ``ask`` returns. Not by default.
    allow
        For a tag of questions, the providers that may see them: ``{"confidential": ["local", "person:ana"]}``. Whoever
        else is not asked, and is *refused*. A tag that is not named allows everybody.

    Raises
    ------
    EmptyCircle, DuplicateExpert, UnknownExpert
        The experts cannot form a circle.

    Examples
    --------
    >>> def keywords(question):
    ...     return "positive" if "love" in question.text else "negative"
    >>> def length(question):
    ...     return "positive"
    >>> import consilience as cs
    >>> verdict = Circle([keywords, length]).ask_sync("I love it", answer=cs.Label("positive", "negative"))
    >>> verdict.answer, str(verdict.support)
    ('positive', '2 of 2, 1.00 [0.34, 1.00]')
    """

    def __init__(
        self,
        experts: Sequence[Given],
        *,
        store: Store | str | Path | None = None,
        deadline: float = 120.0,
        policies: Mapping[str, Policy] | None = None,
        method: Voting = "majority",
        redact: Redactor | bool = False,
        allow: Allowed | None = None,
    ) -> None:
        if method not in ("majority", "plurality"):
            raise InvalidInput(
                f"A circle decides by 'majority' or 'plurality', {method!r} came: weigh in replay()."
            )
        self.experts = as_circle(experts)
        self.deadline = _positive(deadline)
        self.policies = _policies(self.experts, policies or {})
        self.method: Voting = method
        self._disclosure = Disclosure(
            (redact if isinstance(redact, Redactor) else Redactor()) if redact else None, allow or {}
        )
        self.store = _opened(store)
        self._owns_store = self.store is not None and self.store is not store

    def __repr__(self) -> str:
        kept = f", store={str(self.store.path)!r}" if self.store else ""
        return f"<Circle of {len(self.experts)}: {', '.join(expert.name for expert in self.experts)}{kept}>"

    async def ask(
        self,
        question: str | Question,
        *,
        answer: AnswerKind | None = None,
        context: str | None = None,
        examples: Sequence[Example | tuple[str, str]] = (),
        deadline: float | None = None,
    ) -> Verdict:
        """Ask every expert at once and return the verdict; awaitable on any loop.

        Parameters
        ----------
        question
            A text, or a `Question` that carries its own answer kind, context and examples.
        answer, context, examples
            As in `Question`, for a question given as text.
        deadline
            Seconds for this question; the circle's by default.

        Returns
        -------
        Verdict
            Whatever became of single experts: a failure is that expert's outcome and costs nobody else's answer.

        Raises
        ------
        EmptyQuestion, InvalidInput
            The question cannot be asked.
        StoreError
            The store cannot be used, and nobody was asked; or it could not keep the result (`StoreFull`: the disk is
            full), which is then the error's ``verdict``.
        """
        return await background.wait(self._prepare(question, answer, context, examples, deadline))

    def ask_sync(
        self,
        question: str | Question,
        *,
        answer: AnswerKind | None = None,
        context: str | None = None,
        examples: Sequence[Example | tuple[str, str]] = (),
        deadline: float | None = None,
    ) -> Verdict:
        """Ask as `ask` does and wait for the verdict; for scripts, safe under a running loop and in threads."""
        return background.wait_sync(self._prepare(question, answer, context, examples, deadline))

    async def collect(self) -> tuple[Verdict, ...]:
        """Take late answers of the circle's people, record them and decide again; see `experts.human.collect`.

        Raises
        ------
        InvalidInput
            The circle has no store, which holds the questions that wait for answers.
        """
        from consilience.experts.human import Human, collect

        if self.store is None:
            raise InvalidInput(
                "Late answers join what is stored, this circle has no store: Circle(..., store=...)."
            )
        humans = [expert for expert in self.experts if isinstance(expert, Human)]
        return await background.wait(asyncio.to_thread(collect, self.store, humans))

    async def aclose(self) -> None:
        """Give back what the experts hold, and close the store if the circle opened it from a path.

        A circle without a store of its own may be asked again afterwards.
        """
        await background.wait(self._close())

    def close(self) -> None:
        """Close as `aclose` does, and wait."""
        background.wait_sync(self._close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _prepare(
        self,
        question: str | Question,
        answer: AnswerKind | None,
        context: str | None,
        examples: Sequence[Example | tuple[str, str]],
        deadline: float | None,
    ) -> Coroutine[Any, Any, Verdict]:
        if not isinstance(question, Question):
            question = Question(question, answer or Text(), context, tuple(examples))  # type: ignore[arg-type]
        elif answer is not None or context is not None or examples:
            raise InvalidInput(
                "A Question carries its own answer, context and examples: set them there, not in ask."
            )
        return self._ask(question, self.deadline if deadline is None else _positive(deadline))

    async def _ask(self, question: Question, deadline: float) -> Verdict:
        if self.store is not None:
            # what would refuse the answers is found before anything is paid for them
            await asyncio.to_thread(self.store.check)
        shown = self._disclosure.of(question, self.experts)
        responses = await _consult(shown.experts, self.policies, shown.question, deadline)
        verdict = decide(shown.question, shown.hidden(responses), method=usual(question.answer, self.method))
        if self.store is not None:
            await self._keep(self.store, verdict)
        return shown.restored(verdict)

    async def _keep(self, store: Store, verdict: Verdict) -> None:
        try:
            await asyncio.to_thread(store.record, verdict.question, verdict.responses, verdict)
        except StoreError as error:
            error.verdict = verdict
            raise

    async def _close(self) -> None:
        for expert in self.experts:
            await expert.aclose()
        if self._owns_store and self.store is not None:
            await asyncio.to_thread(self.store.close)


async def _consult(
    experts: Sequence[Expert], policies: Mapping[str, Policy], question: Question, deadline: float
) -> list[Response]:
    if not experts:
        return []
    started = time.monotonic()
    tasks = {
        asyncio.create_task(
            _respond(expert, policies[expert.name], question, deadline), name=expert.name
        ): expert
        for expert in experts
    }
    try:
        # each ends by its own deadline, where its policy sees it; this is for those that resist
        _, late = await asyncio.wait(tasks, timeout=deadline + _SLACK_SECONDS)
    except asyncio.CancelledError:
        await _stop(tasks)
        raise
    await _stop(late)
    return [
        task.result()
        if task not in late and not task.cancelled()
        else _unanswered(expert, question, *_why(task in late, deadline), started)
        for task, expert in tasks.items()
    ]


async def _stop(tasks: Sequence[asyncio.Task[Response]] | Any) -> None:
    """Cancel tasks and wait a moment for them; one that resists its cancellation is left behind."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_GRACE_SECONDS)


def _why(late: bool, deadline: float) -> tuple[Outcome, str]:
    if late:
        return Outcome.TIMED_OUT, f"no answer within {deadline:g} s"
    return Outcome.FAILED, "the expert cancelled itself"


async def _respond(expert: Expert, policy: Policy, question: Question, deadline: float) -> Response:
    started = time.monotonic()
    reply: Reply | None = None
    try:
        with within(deadline):
            reply = await policy.call(expert.answer, question)
        if not isinstance(reply, Reply):
            raise TypeError(f"{expert.name}.answer must return a cs.Reply, a {type(reply).__name__} came")
        answer = question.answer.parse(reply.raw)
    except DeadlineExceeded as error:
        # a policy may have a deadline of its own, which is shorter
        late = time.monotonic() - started >= deadline
        reason = _why(True, deadline)[1] if late else _reason(error)
        return _unanswered(expert, question, Outcome.TIMED_OUT, reason, started)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an expert is foreign code: whatever it raises is its outcome
        return _unanswered(expert, question, _outcome(error), _reason(error), started, reply)
    return Response(
        question_id=question.id,
        expert=expert.name,
        source=expert.source,
        outcome=Outcome.ANSWERED,
        answer=answer,
        raw=_bounded(reply.raw),
        confidence=reply.confidence,
        confidence_source=reply.confidence_source,
        probabilities=reply.probabilities,
        usage=reply.usage,
        latency_s=time.monotonic() - started,
    )


def _unanswered(
    expert: Expert, question: Question, outcome: Outcome, reason: str, started: float, reply: object = None
) -> Response:
    came = reply if isinstance(reply, Reply) else None
    return Response(
        question_id=question.id,
        expert=expert.name,
        source=expert.source,
        outcome=outcome,
        raw=_bounded(came.raw) if came else None,
        reason=reason,
        latency_s=time.monotonic() - started,
        usage=came.usage if came else Usage(),
    )


_OUTCOMES: tuple[tuple[type[BaseException], Outcome], ...] = (
    (Abstained, Outcome.ABSTAINED),
    (Refused, Outcome.REFUSED),
    (Unparseable, Outcome.UNPARSEABLE),
    (TimeoutError, Outcome.TIMED_OUT),
    (CircuitOpen, Outcome.CIRCUIT_OPEN),
)


def _outcome(error: BaseException) -> Outcome:
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), Outcome.FAILED)


def _reason(error: BaseException) -> str:
    text = str(error) or "no message"
    named = text if type(error).__module__.startswith("consilience") else f"{type(error).__name__}: {text}"
    return named if len(named) <= _REASON_LIMIT else named[: _REASON_LIMIT - 1] + "\u2026"


def _bounded(raw: object) -> str:
    text = (
        raw
        if isinstance(raw, str)
        else "\n".join(map(str, raw))
        if isinstance(raw, (list, tuple))
        else str(raw)
    )
    return text[:_RAW_LIMIT]


def _policies(experts: Sequence[Expert], given: Mapping[str, Policy]) -> dict[str, Policy]:
    unknown = sorted(set(given) - {expert.name for expert in experts})
    if unknown:
        raise UnknownExpert(f"policies name experts of the circle, {', '.join(unknown)} came.")
    return {
        expert.name: given.get(expert.name)
        or Policy(expert.name, timeout=None, deadline=None, registered=False)
        for expert in experts
    }


def _positive(deadline: float) -> float:
    if not (deadline > 0 and math.isfinite(deadline)):
        raise InvalidInput(f"deadline is a number of seconds above 0, {deadline} came.")
    return deadline


def _opened(store: Store | str | Path | None) -> Store | None:
    if isinstance(store, (str, Path)):
        from consilience.store import Store

        return Store(store)
    return store
