"""A circle of experts: one question to all of them, every part typed, one verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from consilience.consult import consult
from consilience.errors import InvalidInput, StoreError, UnknownExpert
from consilience.experts.base import Expert, Shared
from consilience.experts.registry import Given, as_circle
from consilience.loop import background
from consilience.models import AnswerKind, Example, Question, Text
from consilience.policies import Policy
from consilience.rounds.base import Inquiry, Rounds
from consilience.streaming import Asked, Event, Stream, Tell
from consilience.terms import Asking, Terms, positive, terms
from consilience.verdict import Verdict, decide
from consilience.verdict.methods import Voting, usual
from consilience.verdict.result import short_of

if TYPE_CHECKING:
    from consilience.store import Store


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
        A `policies.Policy` by the expert's name. By default language models share the policy of their provider, which
        retries (see `experts.llm.defaults`; a ``Policy("openai", ...)`` made before is used as it is). Whoever else is
        not named is asked under a policy of its own in this circle, which only stops asking an expert that keeps
        failing; it does not retry, because only the user knows whether a question may be asked twice.
    method
        ``majority`` needs more than half of the asked experts; ``plurality`` takes the most frequent answer. Scores are
        pooled by their median and rankings by Schulze's method; `Verdict.replay` decides otherwise.

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
    ) -> None:
        if method not in ("majority", "plurality"):
            raise InvalidInput(
                f"A circle decides by 'majority' or 'plurality', {method!r} came: weigh in replay()."
            )
        self.experts = as_circle(experts)
        self.deadline = positive(deadline)
        self.policies = _policies(self.experts, policies or {})
        self.method: Voting = method
        self.store = _opened(store)
        self._owns_store = self.store is not None and self.store is not store

    def __repr__(self) -> str:
        kept = f", store={str(self.store.path)!r}" if self.store else ""
        return f"<Circle of {len(self.experts)}: {', '.join(expert.name for expert in self.experts)}{kept}>"

    async def ask(  # noqa: PLR0913 - what a question may say of itself, each by name
        self,
        question: str | Question,
        *,
        answer: AnswerKind | None = None,
        context: str | None = None,
        examples: Sequence[Example | tuple[str, str]] = (),
        deadline: float | None = None,
        min_responses: int = 0,
        required: Sequence[str] = (),
        first: int | None = None,
        quorum: bool = False,
        rounds: Rounds | None = None,
    ) -> Verdict:
        """Ask every expert at once and return the verdict; awaitable on any loop.

        Parameters
        ----------
        question
            A text, or a `Question` that carries its own answer kind, context and examples.
        answer, context, examples
            As in `Question`, for a question given as text.
        deadline
            Seconds for this question, all rounds of it; the circle's by default.
        min_responses, required
            How many answers are needed, and names of experts who must have answered; by default a majority of the asked
            is all that is needed. With less the decision is *no quorum* and there is no answer.
        first
            So many answers suffice, and the other experts are released: they end as *not needed* and stay among the
            asked. All are waited for by default.
        quorum
            Release the others as soon as their answers could no longer change the vote. Off by default: who releases
            saves money and time, and does not learn how far the circle agrees.
        rounds
            A strategy that asks more than once, from `consilience.rounds` or your own; once by default.

        Returns
        -------
        Verdict
            Whatever became of single experts: a failure is that expert's outcome and costs nobody else's answer.

        Raises
        ------
        EmptyQuestion, InvalidInput, UnknownExpert
            The question cannot be asked, or not in this way.
        StoreError
            The store cannot be used, and nobody was asked; or it could not keep the result (`StoreFull`: the disk is
            full), which is then the error's ``verdict``.
        """
        ask = self._prepare(
            question,
            answer=answer,
            context=context,
            examples=examples,
            deadline=deadline,
            min_responses=min_responses,
            required=required,
            first=first,
            quorum=quorum,
            rounds=rounds,
        )
        return await background.wait(ask(None))

    def ask_sync(self, question: str | Question, **how: Unpack[Asking]) -> Verdict:
        """Ask as `ask` does, with the same arguments, and wait for the verdict; for scripts, safe in threads.

        It is safe under a running loop, as in a notebook.
        """
        return background.wait_sync(self._prepare(question, **how)(None))

    def stream(self, question: str | Question, **how: Unpack[Asking]) -> Stream:
        """Ask as `ask` does, with the same arguments, and tell what happens: ``async for event in circle.stream(...)``.

        Returns
        -------
        Stream
            Of `streaming.Asked`, `Token` where an expert streams, `Ended` for each expert, and at last `Decided` with
            the verdict. Nobody is asked before the iteration begins, and leaving the loop cancels the question. Experts
            never wait for a slow reader: what is not read yet is joined.

        Raises
        ------
        EmptyQuestion, InvalidInput, UnknownExpert
            The question cannot be asked, or not in this way; at once. Other errors of `ask` come while iterating.
        """
        return Stream(self._prepare(question, **how))

    def stream_sync(self, question: str | Question, **how: Unpack[Asking]) -> Iterator[Event]:
        """Iterate over the events of `stream` in a script or a thread.

        Examples
        --------
        >>> import consilience as cs
        >>> circle = cs.Circle([cs.Scripted("ana", ["yes"])])
        >>> [type(event).__name__ for event in circle.stream_sync("Is it?")]
        ['Asked', 'Token', 'Ended', 'Decided']
        """
        return self.stream(question, **how).events_sync()

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
        self, question: str | Question, **how: Unpack[Asking]
    ) -> Callable[[Tell | None], Coroutine[Any, Any, Verdict]]:
        """Return what asks the question, having refused what cannot be asked."""
        asked = _question(question, how.get("answer"), how.get("context"), how.get("examples", ()))
        rounds, first, quorum = how.get("rounds"), how.get("first"), how.get("quorum", False)
        if rounds is not None and (first is not None or quorum):
            raise InvalidInput(
                "first= and quorum= end a single round; with rounds= the strategy says who is asked."
            )
        seconds = how.get("deadline")
        on = terms(
            [expert.name for expert in self.experts],
            asked.answer,
            usual(asked.answer, self.method),
            deadline=self.deadline if seconds is None else seconds,
            min_responses=how.get("min_responses", 0),
            required=how.get("required", ()),
            first=first,
            quorum=quorum,
        )
        return partial(self._ask, asked, on, rounds)

    async def _ask(self, question: Question, on: Terms, rounds: Rounds | None, tell: Tell | None) -> Verdict:
        if self.store is not None:
            # what would refuse the answers is found before anything is paid for them
            await asyncio.to_thread(self.store.check)
        method = usual(question.answer, self.method)
        if rounds is None:
            if tell is not None:
                tell(Asked(question, tuple(expert.name for expert in self.experts)))
            asked = [(expert, question) for expert in self.experts]
            verdict = decide(question, await consult(asked, self.policies, on, tell), method=method)
        else:
            inquiry = Inquiry(
                question, self.experts, self.policies, deadline=on.deadline, method=method, tell=tell
            )
            verdict = await inquiry.conducted(rounds)
        verdict = short_of(verdict, on.needs, on.needs.shortfall(verdict.heard))
        if self.store is not None:
            await self._keep(self.store, verdict)
        return verdict

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


def _policies(experts: Sequence[Expert], given: Mapping[str, Policy]) -> dict[str, Policy]:
    unknown = sorted(set(given) - {expert.name for expert in experts})
    if unknown:
        raise UnknownExpert(f"policies name experts of the circle, {', '.join(unknown)} came.")
    return {expert.name: given.get(expert.name) or _usual_policy(expert) for expert in experts}


def _usual_policy(expert: Expert) -> Policy:
    if isinstance(expert, Shared):
        return expert.policy()
    return Policy(expert.name, timeout=None, deadline=None, registered=False)


def _question(
    given: str | Question,
    answer: AnswerKind | None,
    context: str | None,
    examples: Sequence[Example | tuple[str, str]],
) -> Question:
    if not isinstance(given, Question):
        return Question(given, answer or Text(), context, tuple(examples))  # type: ignore[arg-type]
    if answer is not None or context is not None or examples:
        raise InvalidInput(
            "A Question carries its own answer, context and examples: set them there, not in ask."
        )
    return given


def _opened(store: Store | str | Path | None) -> Store | None:
    if isinstance(store, (str, Path)):
        from consilience.store import Store

        return Store(store)
    return store
