"""A circle of experts: one question to all of them, every part typed, one verdict."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from consilience.errors import ConsilienceError, InvalidInput, StoreError, UnknownExpert
from consilience.experts.asking import Calls, consult
from consilience.experts.base import Expert
from consilience.experts.registry import Given, as_circle
from consilience.loop import background
from consilience.models import AnswerKind, Example, Question, Text
from consilience.policies import Policy
from consilience.verdict import Verdict, decide
from consilience.verdict.methods import Voting, usual

if TYPE_CHECKING:
    import os

    from consilience.frames import Frame
    from consilience.runs import Budget, Purse, Run
    from consilience.store import Store

_AT_ONCE = 32


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
    budget
        What everything that is asked of this circle may cost together; no limit by default. A call that it does not
        cover is not made, and its expert is *over budget*.

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
        budget: Budget | None = None,
    ) -> None:
        if method not in ("majority", "plurality"):
            raise InvalidInput(
                f"A circle decides by 'majority' or 'plurality', {method!r} came: weigh in replay()."
            )
        self.experts = as_circle(experts)
        self.deadline = _positive(deadline)
        self.policies = _policies(self.experts, policies or {})
        self._purse, self._asking = _paid(self.policies, budget)
        self.method: Voting = method
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

    async def ask_all(
        self,
        questions: Sequence[str | Question],
        *,
        answer: AnswerKind | None = None,
        context: str | None = None,
        examples: Sequence[Example | tuple[str, str]] = (),
        deadline: float | None = None,
    ) -> list[Verdict | ConsilienceError]:
        """Ask a handful of different questions at once, as `ask` does each; one failure loses nothing.

        Parameters
        ----------
        questions
            Texts, or `Question` objects that carry their own answer kind, in any mixture.
        answer, context, examples
            As in `ask`, for the questions that are given as text.
        deadline
            Seconds for each question, from when its turn comes; 32 are asked at once.

        Returns
        -------
        list
            In the order of the questions: the verdict, or the error why the question could not be asked or kept.

        Examples
        --------
        >>> import asyncio
        >>> import consilience as cs
        >>> circle = Circle([cs.Scripted("ana", ["yes"])])
        >>> [type(found).__name__ for found in asyncio.run(circle.ask_all(["Is water wet?", " "]))]
        ['Verdict', 'EmptyQuestion']
        """
        return await background.wait(self._ask_all(questions, answer, context, examples, deadline))

    def ask_all_sync(
        self,
        questions: Sequence[str | Question],
        *,
        answer: AnswerKind | None = None,
        context: str | None = None,
        examples: Sequence[Example | tuple[str, str]] = (),
        deadline: float | None = None,
    ) -> list[Verdict | ConsilienceError]:
        """Ask as `ask_all` does and wait for the verdicts; for scripts, safe under a running loop and in threads."""
        return background.wait_sync(self._ask_all(questions, answer, context, examples, deadline))

    def run(  # noqa: PLR0913 - the face of a run; all but the first two have their usual value
        self,
        frame: Frame | str | os.PathLike[str],
        prompt: str,
        *,
        answer: AnswerKind | None = None,
        key: str | None = None,
        replicates: int = 1,
        budget: Budget | None = None,
        concurrency: int = 64,
        context: str | None = None,
        examples: Sequence[Example | tuple[str, str]] = (),
        deadline: float | None = None,
        progress: bool = True,
    ) -> Run:
        """Prepare one prompt over all rows of a frame; nothing is asked before the run is awaited.

        Running it again, here or in another process, also after Ctrl-C or ``kill -9``, asks only what is missing: what
        was answered, abstained, refused or unparseable is settled; what timed out, failed, was over budget or met an
        open circuit is asked again. A settled answer is durable within 100 ms. Two processes that run the same run
        at once share the work: what one has under way the other waits for.

        Parameters
        ----------
        frame
            Polars (eager or lazy), pandas or Arrow, or the path of a Parquet or CSV file, which is read in batches.
        prompt
            A text in which ``{column}`` stands for a cell; ``{{`` and ``}}`` are braces. Equal prompts are asked once.
        answer, context, examples
            As in `ask`.
        key
            The column that tells the rows apart, for joining back; ``None`` numbers the rows in a column ``row``.
        replicates
            How often each expert is asked each question. A replicate is a cell of its own, never a stored answer
            shown again, and every one of them votes.
        budget
            What one execution of this run may cost, beside the circle's; no limit by default. When it is reached the
            run stops with what it has.
        concurrency
            Rows in flight at once; 64 keep providers busy under usual limits. Limits of a provider belong into its
            policy.
        deadline
            Seconds for each question; the circle's by default.
        progress
            Whether to show how far it is, on standard error or in the notebook.

        Returns
        -------
        Run
            With its ``plan``; await it for the `RunResult`, or call ``wait_sync()``.

        Raises
        ------
        InvalidInput, InvalidFrame
            The prompt or the frame cannot be used.

        Examples
        --------
        >>> import consilience as cs
        >>> circle = Circle([cs.Scripted("ana", ["bug"]), cs.Scripted("ben", ["bug"])])
        >>> frame = {"id": [1, 2], "text": ["It crashes", "It hangs"]}
        >>> run = circle.run(
        ...     frame, "Classify: {text}", answer=cs.Label("bug", "other"), key="id", progress=False
        ... )
        >>> run.plan.calls, run.wait_sync().frame["answer"].to_list()
        (4, ['bug', 'bug'])
        """
        from consilience.runs import Run

        return Run(
            experts=self.experts,
            policies=self.policies,
            store=self.store,
            frame=frame,
            prompt=prompt,
            answer=answer or Text(),
            key=key,
            replicates=replicates,
            budget=budget,
            purse=self._purse,
            deadline=self.deadline if deadline is None else _positive(deadline),
            method=self.method,
            concurrency=concurrency,
            context=context,
            examples=examples,
            progress=progress,
        )

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

    async def _ask_all(
        self,
        questions: Sequence[str | Question],
        answer: AnswerKind | None,
        context: str | None,
        examples: Sequence[Example | tuple[str, str]],
        deadline: float | None,
    ) -> list[Verdict | ConsilienceError]:
        if isinstance(questions, (str, Question)):
            raise InvalidInput("ask_all takes a list of questions, one came: write [question], or call ask.")
        turns = asyncio.Semaphore(_AT_ONCE)

        async def ask(question: str | Question) -> Verdict | ConsilienceError:
            own = isinstance(question, Question)
            async with turns:
                try:
                    return await self._prepare(
                        question,
                        None if own else answer,
                        None if own else context,
                        () if own else examples,
                        deadline,
                    )
                except ConsilienceError as error:
                    return error

        return list(await asyncio.gather(*map(ask, questions)))

    async def _ask(self, question: Question, deadline: float) -> Verdict:
        if self.store is not None:
            # what would refuse the answers is found before anything is paid for them
            await asyncio.to_thread(self.store.check)
        responses = await consult(self.experts, self._asking, question, deadline)
        verdict = decide(question, responses, method=usual(question.answer, self.method))
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
    return {
        expert.name: given.get(expert.name)
        or Policy(expert.name, timeout=None, deadline=None, registered=False)
        for expert in experts
    }


def _paid(policies: Mapping[str, Policy], budget: Budget | None) -> tuple[Purse | None, Mapping[str, Calls]]:
    if budget is None:
        return None, policies
    from consilience.runs import Purse, Spending

    purse = Purse(budget)
    return purse, {name: Spending(policy, name, [purse]) for name, policy in policies.items()}


def _positive(deadline: float) -> float:
    if not (deadline > 0 and math.isfinite(deadline)):
        raise InvalidInput(f"deadline is a number of seconds above 0, {deadline} came.")
    return deadline


def _opened(store: Store | str | Path | None) -> Store | None:
    if isinstance(store, (str, Path)):
        from consilience.store import Store

        return Store(store)
    return store
