"""One question to all experts at once: each answers under its policy, and whatever becomes of it is its outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Protocol

from consilience.errors import (
    Abstained,
    CircuitOpen,
    ConsilienceError,
    DeadlineExceeded,
    ExpertError,
    InvalidInput,
    OverBudget,
    Refused,
    StreamCutOff,
    Unparseable,
)
from consilience.experts.base import Expert
from consilience.models import Outcome, Question, Reply, Response, Usage
from consilience.models.given import is_number
from consilience.models.response import FREE
from consilience.policies import deadline as within
from consilience.policies.waiting import Countdown
from consilience.streaming import Ended, Tell, Token
from consilience.terms import Asking, Terms, check_names
from consilience.verdict import Verdict

_RAW_LIMIT = 100_000
_STREAM_LIMIT = 1_000_000
_REASON_LIMIT = 500
_GRACE_SECONDS = 1.0
_SLACK_SECONDS = 0.2
_AT_ONCE = 32
_UNSAID = Reply("").usage  # the one that every reply without its own has, told by identity
_NOTHING = Usage(cost_usd=0.0)


class Calls(Protocol):
    """What asking needs of a policy."""

    def call(self, function: Callable[..., Any], /, *args: Any) -> Coroutine[Any, Any, Any]:
        """Await a coroutine function."""

    def stream(self, function: Callable[..., Any], /, *args: Any) -> AsyncGenerator[Any, None]:
        """Iterate over an asynchronous generator."""


async def consult(
    asked: Sequence[tuple[Expert, Question]],
    policies: Mapping[str, Calls],
    terms: Terms,
    tell: Tell | None = None,
    heard: Callable[[Response], None] | None = None,
) -> list[Response]:
    """Ask every expert at once and return one response for each, in the order of the experts.

    Parameters
    ----------
    asked
        Each expert with its question.
    policies
        Under which an expert is asked, by name.
    terms
        When whoever has not answered is no longer waited for.
    tell
        Takes what experts write, where they stream, and each response as it ends.
    heard
        Takes each response in the moment in which it ends, and asks nobody to stream.
    """
    if not asked:
        return []
    started = time.monotonic()
    course = _Course(tell, heard)
    pending: _Pending = {}
    for expert, question in asked:
        answering = _followed(course, expert, policies[expert.name], question, terms.deadline)
        pending[asyncio.create_task(answering, name=expert.name)] = expert, question
    released = ""
    try:
        # each ends by its own deadline, where its policy sees it; the time here is for those that resist
        if terms.may_end_early or tell is not None:
            released = await _gather(pending, course, terms, started)
        else:
            await Countdown(pending).over(terms.deadline + _SLACK_SECONDS)
            _take(pending, course, started)
    except asyncio.CancelledError:
        await _stop(pending)
        raise
    await _stop(pending)
    outcome = Outcome.NOT_NEEDED if released else Outcome.TIMED_OUT
    reason = released or _late(terms.deadline)
    for expert, question in pending.values():
        course.end(unanswered(expert, question, outcome, reason, started))
    return [course.ended[expert.name] for expert, _ in asked]


class _Course:
    """The responses to one question as they end, and who is told; one object in place of closures for each call."""

    __slots__ = ("ended", "heard", "tell")

    def __init__(self, tell: Tell | None, heard: Callable[[Response], None] | None) -> None:
        self.ended: dict[str, Response] = {}
        self.tell = tell
        self.heard = heard

    def end(self, response: Response) -> None:
        """Take a response; a second one of the same expert comes too late."""
        if response.expert in self.ended:
            return
        self.ended[response.expert] = response
        if self.tell is not None:
            self.tell(Ended(response))
        if self.heard is not None:
            self.heard(response)

    def write(self, name: str, text: str) -> None:
        """Pass on what an expert writes; one that resists its cancellation writes on after its end."""
        if self.tell is not None and name not in self.ended:
            self.tell(Token(name, text))


async def _followed(
    course: _Course, expert: Expert, policy: Calls, question: Question, deadline: float
) -> Response:
    write = None if course.tell is None else partial(course.write, expert.name)
    response = await _respond(expert, policy, question, deadline, write)
    if course.heard is not None:  # at once: on a busy loop each turn until others look can take long
        course.end(response)
    return response


_Pending = dict["asyncio.Task[Response]", tuple[Expert, Question]]


def _take(pending: _Pending, course: _Course, started: float) -> None:
    """Move the tasks that have ended from pending to the course."""
    for task in [task for task in pending if task.done()]:
        course.end(_result(task, *pending.pop(task), started))


async def _gather(pending: _Pending, course: _Course, terms: Terms, started: float) -> str:
    """Move tasks from pending to ended until enough have answered, and return why, or until none is left."""
    until = started + terms.deadline + _SLACK_SECONDS
    question = next(iter(pending.values()))[1]
    while pending:
        left = until - time.monotonic()
        done, _ = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            course.end(_result(task, *pending.pop(task), started))
        if not done or time.monotonic() >= until:
            return ""
        waiting = [expert.name for expert, _ in pending.values()]
        if pending and (enough := terms.enough(question, list(course.ended.values()), waiting)):
            return enough
    return ""


def _result(task: asyncio.Task[Response], expert: Expert, question: Question, started: float) -> Response:
    if task.cancelled():
        return unanswered(expert, question, Outcome.FAILED, "the expert cancelled itself", started)
    return task.result()


async def _stop(tasks: Collection[asyncio.Task[Response]]) -> None:
    """Cancel tasks and wait a moment for them; one that resists its cancellation is left behind."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_GRACE_SECONDS)


def _late(deadline: float) -> str:
    return f"no answer within {deadline:g} s"


async def _respond(
    expert: Expert, policy: Calls, question: Question, deadline: float, write: Callable[[str], None] | None
) -> Response:
    started = time.monotonic()
    reply: Reply | None = None
    try:
        with within(deadline):
            if write is not None and (stream := getattr(expert, "stream", None)) is not None:
                reply = await _streamed(expert.name, stream, policy, question, write)
            else:
                reply = await policy.call(expert.answer, question)
        if not isinstance(reply, Reply):
            raise TypeError(f"{expert.name}.answer must return a cs.Reply, a {type(reply).__name__} came")
        if not _sound(reply.usage):
            raise TypeError(f"{expert.name}'s usage must hold numbers or None, {reply.usage!r} came")
        if not _pairs(reply.probabilities):
            raise TypeError(f"{expert.name}'s probabilities must be pairs of answer and number")
        return _answered(expert, question, reply, started)
    except DeadlineExceeded as error:
        # a policy may have a deadline of its own, which is shorter
        late = time.monotonic() - started >= deadline
        reason = _late(deadline) if late else _reason(error)
        return unanswered(expert, question, Outcome.TIMED_OUT, reason, started)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an expert is foreign code: whatever it raises is its outcome
        return unanswered(expert, question, _outcome(error), _reason(error), started, reply or error)


def _answered(expert: Expert, question: Question, reply: Reply, started: float) -> Response:
    return Response(
        question_id=question.id,
        expert=expert.name,
        source=expert.source,
        outcome=Outcome.ANSWERED,
        answer=question.answer.parse(reply.raw),
        raw=_bounded(reply.raw),
        confidence=reply.confidence,
        confidence_source=reply.confidence_source,
        probabilities=reply.probabilities,
        usage=_used(expert, reply),
        calls=reply.calls,
        latency_s=time.monotonic() - started,
    )


_Streaming = Callable[[Question], AsyncGenerator["str | Reply", None]]


async def _streamed(
    name: str, stream: _Streaming, policy: Calls, question: Question, write: Callable[[str], None]
) -> Reply:
    """Pass on what an expert writes under its policy and return its reply."""
    reply: Reply | None = None
    async with aclosing(policy.stream(_whole, name, stream, question)) as items:
        async for item in items:
            if isinstance(item, Reply):
                reply = item
            elif item:
                write(item)
    assert reply is not None
    return reply


async def _whole(name: str, stream: _Streaming, question: Question) -> AsyncGenerator[str | Reply, None]:
    """Pass on what an expert writes up to its reply; without one the policy sees a failure."""
    written = 0
    async with aclosing(stream(question)) as items:
        async for item in items:
            if not isinstance(item, (str, Reply)):
                raise TypeError(
                    f"{name}.stream yields texts and then a cs.Reply, a {type(item).__name__} came"
                )
            yield item
            if isinstance(item, Reply):
                return
            written += len(item)
            if written > _STREAM_LIMIT:
                raise Unparseable(f"At most {_STREAM_LIMIT:,} characters are streamed, {name} wrote more.")
    raise StreamCutOff(f"{name}'s stream ended without a reply: it was cut off after {written:,} characters.")


def unanswered(
    expert: Expert, question: Question, outcome: Outcome, reason: str, started: float, left: object = None
) -> Response:
    """Return the response of who has no answer, with what is left: an unusable reply, or what an error used up."""
    came = left if isinstance(left, Reply) else None
    return Response(
        question_id=question.id,
        expert=expert.name,
        source=expert.source,
        outcome=outcome,
        raw=_bounded(came.raw) if came else None,
        reason=reason,
        latency_s=time.monotonic() - started,
        usage=_used(expert, left),
        calls=left.calls if isinstance(left, Reply | ExpertError) else 1,
    )


def _used(expert: Expert, left: object) -> Usage:
    """Return what a reply or an error says that was used up; unsaid it is unknown, and nothing where none is called."""
    used = getattr(left, "usage", None)
    if used is not _UNSAID and isinstance(used, Usage) and used != _UNSAID and _sound(used):
        return used
    return _NOTHING if expert.source in FREE else _UNSAID


def _pairs(given: object) -> bool:
    return isinstance(given, (tuple, list)) and all(
        isinstance(each, tuple) and len(each) == 2 for each in given
    )


def _sound(usage: Usage) -> bool:
    """Whether it can be added up: an expert is foreign code."""
    if usage is _UNSAID:
        return True
    parts = (usage.input_tokens, usage.output_tokens, usage.cost_usd)
    return all(part is None or is_number(part) for part in parts)


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


_Prepare = Callable[..., Callable[[None], Coroutine[Any, Any, Verdict]]]


async def ask_each(
    prepare: _Prepare, questions: Sequence[str | Question], how: Asking
) -> list[Verdict | ConsilienceError]:
    """Ask questions side by side, and return for each, in their order, its verdict or why there is none.

    Parameters
    ----------
    prepare
        Refuses what cannot be asked, or returns what asks it.
    questions
        Texts or questions.
    how
        As `Circle.ask` takes it; what a `Question` carries itself is not put to it.
    """
    if isinstance(questions, (str, Question)):
        raise InvalidInput("ask_all takes a list of questions, one came: write [question], or call ask.")
    check_names(how)  # before anything is asked
    turns = asyncio.Semaphore(_AT_ONCE)
    own = {name: value for name, value in how.items() if name not in ("answer", "context", "examples")}

    async def ask(question: str | Question) -> Verdict | ConsilienceError:
        async with turns:
            try:
                return await prepare(question, **(own if isinstance(question, Question) else how))(None)
            except ConsilienceError as error:
                return error

    return list(await asyncio.gather(*map(ask, questions)))
