"""A circle of experts: one question to all of them, every part typed, one verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from consilience.circle_card import CircleDisplayed
from consilience.conduct import conduct, keep
from consilience.consult import Calls, ask_each
from consilience.disclosure import Allowed, Disclosure
from consilience.errors import ConsilienceError, InvalidInput
from consilience.experts.registry import Given, as_circle, policies_of
from consilience.keeping import Keeping
from consilience.loop import Closing, background
from consilience.models import AnswerKind, Example, Question, Text
from consilience.policies import Policy, priority
from consilience.provenance import Introduction
from consilience.redaction import Redactor
from consilience.rounds.base import Rounds
from consilience.streaming import Event, Stream, Tell
from consilience.terms import Asking, Terms, as_question, asking_terms, positive
from consilience.verdict import Verdict
from consilience.verdict.methods import Voting, usual

if TYPE_CHECKING:
    import os

    from consilience.frames import Frame
    from consilience.runs import Budget, Purse, Run
    from consilience.store import Store


class Circle(Keeping, Closing, CircleDisplayed):
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
    budget
        What everything that is asked of this circle may cost together; no limit by default. A call that it does not
        cover is not made, and its expert is *over budget*.
    redact
        ``True``, or a `redaction.Redactor`: secrets and personal data become placeholders before an expert is asked, in
        every round and every row of a run, and before the store is written, and are put back in what ``ask`` and a run
        return. Not by default.
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
        budget: Budget | None = None,
        redact: Redactor | bool = False,
        allow: Allowed | None = None,
    ) -> None:
        if method not in ("majority", "plurality"):
            raise InvalidInput(
                f"A circle decides by 'majority' or 'plurality', {method!r} came: weigh in replay()."
            )
        self.experts = as_circle(experts)
        self.deadline = positive(deadline)
        self.policies = policies_of(self.experts, policies or {})
        self._purse: Purse | None = None
        self._asking: Mapping[str, Calls] = self.policies
        if budget is not None:
            from consilience.runs.budget import spending

            self._purse, self._asking = spending(self.policies, budget)
        self.method: Voting = method
        self._disclosure = Disclosure(
            (redact if isinstance(redact, Redactor) else Redactor()) if redact else None, allow or {}
        )
        self._introduced = Introduction(self.experts, self._disclosure.redactor)
        self.store = _opened(store)
        self._owns_store = self.store is not None and self.store is not store

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
            How many answers are needed, and names of experts who must have answered; with less the decision is
            *no quorum*. By default labels and texts need a majority of the asked; the rest is joined from who answered.
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
        """Ask as `ask` does, with the same arguments, and wait; safe in threads and under a running loop."""
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

    async def ask_all(
        self, questions: Sequence[str | Question], **how: Unpack[Asking]
    ) -> list[Verdict | ConsilienceError]:
        """Ask a handful of different questions at once, as `ask` does each; one failure loses nothing.

        Parameters
        ----------
        questions
            Texts, or `Question` objects that carry their own answer kind, in any mixture; 32 are asked at once.
        **how
            As in `ask`, the deadline for each question from when its turn comes; ``answer``, ``context`` and
            ``examples`` are for the questions that are given as text.

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
        return await background.wait(ask_each(self._prepare, questions, how))

    def ask_all_sync(
        self, questions: Sequence[str | Question], **how: Unpack[Asking]
    ) -> list[Verdict | ConsilienceError]:
        """Ask as `ask_all` does and wait for the verdicts; for scripts, safe under a running loop and in threads."""
        return background.wait_sync(ask_each(self._prepare, questions, how))

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
        tags: Sequence[str] = (),
    ) -> Run:
        """Prepare one prompt over all rows of a frame; nothing is asked before the run is awaited.

        Running it again, here or in another process, also after Ctrl-C or ``kill -9``, asks only what is missing: what
        was answered, abstained, refused or unparseable is settled; what timed out, failed, was over budget or met an
        open circuit is asked again. A settled answer is durable within 100 ms. Two processes that run the same run
        at once share the work. A function goes by its name: give a changed one another, or a ``prompt_hash``.

        Parameters
        ----------
        frame
            Polars (eager or lazy), pandas or Arrow, or the path of a Parquet or CSV file. Give the path where memory
            counts: of a file a few megabytes are held at once, while Polars reads a lazy frame by the row group. In a
            CSV file 007 is the number 7, as for Polars: read it with ``infer_schema=False`` where texts must stay.
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
        tags
            Words by which ``allow=`` goes, for every row, and columns in braces whose cell is a tag of its row:
            ``["legal", "{sensitivity}"]``. Who may not see a row is *refused* in it, and a row that nobody may see is
            in the result and not in the store.

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
            deadline=self.deadline if deadline is None else positive(deadline),
            method=self.method,
            concurrency=concurrency,
            context=context,
            examples=examples,
            progress=progress,
            disclosure=self._disclosure,
            tags=tags,
            recorder=self._recorder,
        )

    def _prepare(
        self, question: str | Question, **how: Unpack[Asking]
    ) -> Callable[[Tell | None], Coroutine[Any, Any, Verdict]]:
        """Return what asks the question, having refused what cannot be asked."""
        asked = as_question(question, how.get("answer"), how.get("context"), how.get("examples", ()))
        names = [expert.name for expert in self.experts]
        on = asking_terms(
            how, names, asked.answer, usual(asked.answer, self.method), asked.deadline or self.deadline
        )
        return partial(self._ask, asked, on, how.get("rounds"))

    async def _ask(self, question: Question, on: Terms, rounds: Rounds | None, tell: Tell | None) -> Verdict:
        if self.store is not None:
            # what would refuse the answers is found before anything is paid for them
            await asyncio.to_thread(self.store.check)
            await self._introduced.to(self.store)
        with priority(question.priority) if question.priority else nullcontext():
            kept, verdict = await conduct(
                question,
                self.experts,
                self._asking,
                on,
                disclosure=self._disclosure,
                rounds=rounds,
                method=usual(question.answer, self.method),
                tell=tell,
            )
        await self._recorded(kept, verdict)
        if self.store is not None:
            await keep(self.store, kept, verdict, self._introduced.circle)
        return verdict

    async def _close(self) -> None:
        """Give back what the experts hold, and close the store if it was opened from a path; others can ask again."""
        for expert in self.experts:
            await expert.aclose()
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.close)
        if self._owns_store and self.store is not None:
            await asyncio.to_thread(self.store.close)


def _opened(store: Store | str | Path | None) -> Store | None:
    if isinstance(store, (str, Path)):
        from consilience.store import Store

        return Store(store)
    if store is not None and not hasattr(store, "record"):
        raise InvalidInput(f"store= takes a path, the URL of a server, or a cs.Store, {store!r} came.")
    return store
