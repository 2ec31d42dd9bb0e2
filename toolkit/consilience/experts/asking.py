"""Asking experts: each under its policy, each failure a typed outcome of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from consilience.errors import (
    Abstained,
    CircuitOpen,
    DeadlineExceeded,
    OverBudget,
    Refused,
    Unparseable,
)
from consilience.experts.base import Expert
from consilience.models import Outcome, Question, Reply, Response, Usage
from consilience.policies import deadline as within

__all__ = ["Calls", "consult", "respond"]

_RAW_LIMIT = 100_000
_REASON_LIMIT = 500
_GRACE_SECONDS = 1.0
_SLACK_SECONDS = 0.2


class Calls(Protocol):
    """What asking needs of a policy."""

    def call(self, function: Callable[..., Any], /, *args: Any) -> Coroutine[Any, Any, Any]:
        """Await a coroutine function."""


def _nobody(_: Response) -> None:
    pass


async def consult(
    experts: Sequence[Expert],
    policies: Mapping[str, Calls],
    question: Question,
    deadline: float,
    *,
    heard: Callable[[Response], None] = _nobody,
) -> list[Response]:
    """Ask every expert at once, and return a response for each, in their order, whatever became of it.

    ``heard`` is told each response as soon as it is there.
    """
    started = time.monotonic()
    tasks = {
        asyncio.create_task(
            _tell(heard, respond(expert, policies[expert.name], question, deadline)), name=expert.name
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
    responses = []
    for task, expert in tasks.items():
        if task not in late and not task.cancelled():
            responses.append(task.result())
        else:
            responses.append(_unanswered(expert, question, *_why(task in late, deadline), started))
            heard(responses[-1])
    return responses


async def _tell(heard: Callable[[Response], None], asked: Coroutine[Any, Any, Response]) -> Response:
    response = await asked
    heard(response)
    return response


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


async def respond(expert: Expert, policy: Calls, question: Question, deadline: float) -> Response:
    """Ask one expert under its policy; what it raises is its outcome."""
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
    (OverBudget, Outcome.OVER_BUDGET),
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
