"""A run: one prompt over all rows of a frame, asked of a circle, that can be stopped and goes on where it was."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from consilience.consult import Calls
from consilience.disclosure import Disclosure, provider
from consilience.errors import InvalidFrame, InvalidInput, StoreError
from consilience.experts.base import Expert
from consilience.frames import Frame
from consilience.loop import background, call_in_thread
from consilience.markup.displayed import Displayed
from consilience.models import AnswerKind, Example, Outcome, Question
from consilience.models.given import count
from consilience.runs.budget import Budget, Purse, Spending, as_budget
from consilience.runs.collected import CONFIDENCE, ROW_NUMBER, Collected
from consilience.runs.plan import Plan, planned
from consilience.runs.progress import Progress, follow, show, shown_here
from consilience.runs.result import COLUMNS, RunResult
from consilience.runs.rows import Rows
from consilience.runs.tally import Tally
from consilience.runs.template import Tags, Template
from consilience.runs.work import Job, Work
from consilience.verdict.methods import Voting

if TYPE_CHECKING:
    import polars as pl

    from consilience.evaluation import CircleReport, ScoreReport, UnverifiedReport
    from consilience.experts.recorder import Recorder
    from consilience.runs.ledger import Ledger
    from consilience.store import Store
    from consilience.store.keeper import Living

_HANDING_SECONDS = 30.0
_LONG = 16_384
_KEEP_SECONDS = 1.0


class Run(Displayed):
    """One prompt over all rows of a frame; made by `Circle.run`, which says what the parameters mean.

    Nothing is asked before it is awaited (or `wait_sync` is called). It may be awaited again, here or in another
    process: only cells that are not settled are asked.

    Attributes
    ----------
    plan
        What will be asked and cost.
    result
        Of the last execution.
    """

    def __init__(  # noqa: PLR0913 - `Circle.run` gives what it was given
        self,
        *,
        experts: Sequence[Expert],
        policies: Mapping[str, Calls],
        store: Store | None,
        frame: Frame | str | os.PathLike[str],
        prompt: str,
        answer: AnswerKind,
        key: str | None,
        replicates: int,
        budget: Budget | None,
        purse: Purse | None,
        deadline: float,
        method: Voting,
        concurrency: int,
        context: str | None,
        examples: Sequence[Example | tuple[str, str]],
        progress: bool,
        disclosure: Disclosure,
        tags: Sequence[str],
        recorder: Recorder | None,
    ) -> None:
        replicates = count("replicates", replicates)
        concurrency = count("concurrency", concurrency)
        _require_apart(experts, replicates)
        template = Template(prompt)
        tagged = Tags(tags)
        solved = Question("any", answer, context, tuple(examples))  # type: ignore[arg-type]
        disclosure.of(solved, ())  # choices that cannot be hidden are refused before anybody is asked
        self._job = Job(
            experts=experts,
            policies=policies,
            rows=Rows(frame, template, _free(key), tagged.columns),
            template=template,
            answer=answer,
            context=context,
            examples=solved.examples,
            replicates=replicates,
            deadline=deadline,
            method=method,
            concurrency=concurrency,
            disclosure=disclosure,
            tags=tagged,
            recorder=recorder,
        )
        self._store = store
        self._budget = as_budget(budget)
        self._purse = purse
        self._progress = progress
        self._plan: Plan | None = None
        self._result: RunResult | None = None

    def __repr__(self) -> str:
        rows = self._job.rows
        state = "not run yet" if self._result is None else repr(self._result)
        return f"<Run of {rows.n:,} rows, {len(self._job.experts)} experts: {state}>"

    def _repr_html_(self) -> str:
        from consilience.runs.cards import result_card, waiting_card

        if self._result is not None:
            return result_card(self._result)
        return waiting_card(self._job.rows.n, [expert.name for expert in self._job.experts])

    @property
    def plan(self) -> Plan:
        """What will be asked and cost, read from the store; nothing is spent."""
        if self._plan is None:
            covering = self._budget or (self._purse.budget if self._purse is not None else None)
            self._plan = planned(self._job, self._ledger(), covering)
        return self._plan

    @property
    def result(self) -> RunResult:
        """What the last execution gave.

        Raises
        ------
        InvalidInput
            It was not run yet.
        """
        if self._result is None:
            raise InvalidInput("A run has a result when it was run: await it, or call run.wait_sync().")
        return self._result

    def __await__(self) -> Generator[Any, None, RunResult]:
        return self.watched(shown_here(self._progress)).__await__()

    async def watched(self, progress: Progress) -> RunResult:
        """Run it as awaiting it does, and show how far it is in a place of one's own, such as a widget.

        Parameters
        ----------
        progress
            Is shown the `Tally` every ``progress.interval`` seconds, and at last with how it ended. Cancelling stops
            the run with what it has.
        """
        return await background.wait(self._execute(progress))

    def wait_sync(self) -> RunResult:
        """Run it and wait for the result; for scripts, safe under a running loop and in threads.

        Ctrl-C stops it: what was settled is in the store, and running it again asks what is missing.
        """
        return background.wait_sync(self._execute(shown_here(self._progress)))

    def review_queue(self, n: int = 50) -> pl.DataFrame:
        """Return the rows to look at first; see `RunResult.review_queue`."""
        return self.result.review_queue(n)

    def report(
        self, gold: Frame | Mapping[object, object] | None = None, **settings: Any
    ) -> CircleReport | UnverifiedReport | ScoreReport:
        """Say whether the circle helped; see `RunResult.report`."""
        return self.result.report(gold, **settings)

    def _ledger(self) -> Ledger | None:
        if self._store is None:
            return None
        from consilience.runs.ledger import Ledger

        return Ledger(self._store, self._job.experts, self._job.answer.spec())

    async def _execute(self, progress: Progress) -> RunResult:
        self._plan = None
        ledger = None
        if self._store is not None:
            await asyncio.to_thread(self._store.check)
            ledger = self._ledger()
        tally = Tally(self._job.rows.n)
        shown = asyncio.create_task(follow(progress, tally))
        kept: list[asyncio.Task[None]] = []
        state = "interrupted"
        purses = self._purses()
        collected = self._collected()
        try:
            if ledger is not None:
                await self._begun(ledger)
                if ledger.alive.fades:
                    kept.append(asyncio.create_task(_keep(ledger.alive)))
            await Work(self._paid(purses), ledger, purses, tally, collected).run()
            state = "stopped by the budget" if any(p.exhausted for p in purses) else "done"
        except StoreError:
            state = "stopped by the store"
            raise
        finally:
            for task in (shown, *kept):
                task.cancel()
            self._plan = None  # one that was read meanwhile holds no more
            try:
                if ledger is not None:
                    await self._end(ledger, tally, state)
                if self._job.recorder is not None:
                    self._job.recorder.flush()  # in this thread, as in _end
            finally:
                show(progress, tally, state)
        if self._store is not None and self._job.rows.n >= _LONG:
            # Before the results are laid out: taking rows in beside that is when a run needs most memory.
            with suppress(StoreError):  # they are safe in the spool
                await asyncio.to_thread(self._store.flush)
        self._result = self._resulting(tally, collected, purses)
        return self._result

    async def _begun(self, ledger: Ledger) -> None:
        beginning = asyncio.create_task(asyncio.to_thread(self._begin, ledger))
        try:
            await asyncio.shield(beginning)
        finally:
            await asyncio.wait(
                [beginning]
            )  # cancelled or not, its sign of life is taken back after it was given

    def _begin(self, ledger: Ledger) -> None:
        job = self._job
        ledger.alive.begin()
        prompt = job.disclosure.hidden(job.template.text)
        key = None if job.rows.numbered else job.rows.key
        ledger.started(prompt, job.answer.spec(), key, job.rows.n, job.replicates)

    async def _end(self, ledger: Ledger, tally: Tally, state: str) -> None:
        # Written in this thread: a run that is being cancelled has no time to wait for another one.
        try:
            with suppress(StoreError):  # rows that a full disk refuses stay in the store's memory
                cost = None if tally.n_unpriced else tally.cost_usd
                if ledger.begun:
                    ledger.store.write(ledger.ended(state, tally.asked, tally.reused, tally.failed, cost))
        finally:
            if ledger.store.path is None:
                await _hand_over(ledger)
            else:
                ledger.alive.end()

    def _purses(self) -> list[Purse]:
        own = [] if self._budget is None else [Purse(self._budget)]
        return own if self._purse is None else [*own, self._purse]

    def _paid(self, purses: list[Purse]) -> Job:
        if not purses:
            return self._job
        paid = {name: Spending(policy, name, purses) for name, policy in self._job.policies.items()}
        return replace(self._job, policies=paid)

    def _collected(self) -> Collected:
        rows = self._job.rows
        names = [
            f"{expert.name} #{r + 1}" if r else expert.name
            for expert in self._job.experts
            for r in range(self._job.replicates)
        ]
        return Collected(rows.key, rows.key_type, names)

    def _resulting(self, tally: Tally, collected: Collected, purses: list[Purse]) -> RunResult:
        rows = self._job.rows
        whole = collected.frame()
        spent_up = next((purse.budget for purse in purses if purse.exhausted), None)
        stopped = ""
        if spent_up is not None:
            # what was under way when it was spent has an answer of nobody
            refused = whole["outcomes"].str.contains(rf"^\d+ {Outcome.OVER_BUDGET}$").sum()
            left = rows.n - whole.height + int(refused)
            stopped = f"stopped by the budget of {spent_up}, {left:,} of {rows.n:,} rows were not asked"
        return RunResult(
            frame=whole.select(rows.key, *COLUMNS),
            answered=collected.answers,
            key=rows.key,
            n_rows=rows.n,
            stopped=stopped,
            asked=tally.asked,
            reused=tally.reused,
            failed=tally.failed,
            spent=tally.price,
            seconds=tally.seconds,
            certainty=whole,
            rows=rows,
            providers={expert.name: provider(expert) for expert in self._job.experts},
            job=self._job,
            reasons=tally.failures,
            store=self._store,
        )


async def _keep(alive: Living) -> None:
    while True:
        await asyncio.sleep(_KEEP_SECONDS)
        with suppress(StoreError):
            await asyncio.to_thread(alive.keep)


async def _hand_over(ledger: Ledger) -> None:
    """Bring a run's rows to its server, beside the loop, which belongs to other circles too: a server can hang.

    Others may have a spool of their own, and find what was settled on the server only. After a while the run ends all
    the same: its rows are in the spool, and the thread goes on.
    """

    def work() -> None:
        try:
            with suppress(StoreError):
                ledger.store.flush()
        finally:
            ledger.alive.end()

    ending = asyncio.create_task(call_in_thread(work))
    await asyncio.wait([ending], timeout=_HANDING_SECONDS)
    error = ending.exception() if ending.done() else None
    if isinstance(error, RuntimeError):  # the interpreter ends, and starts no thread
        work()
    elif error is not None:
        raise error


def _free(key: str | None) -> str | None:
    if key in (*COLUMNS, ROW_NUMBER, CONFIDENCE):
        raise InvalidFrame(
            f"A result has a column {key!r} of its own, and the key is called so too: rename it in the frame, or give "
            "key=None to number the rows."
        )
    return key


def _require_apart(experts: Sequence[Expert], replicates: int) -> None:
    names = [expert.name for expert in experts]
    numbered = {f"{name} #{n + 1}" for name in names for n in range(1, replicates)}
    if taken := numbered.intersection(names):
        raise InvalidInput(
            f"With replicates={replicates} an expert's second answer stands under the name {min(taken)!r}, which "
            "another expert has: rename that one."
        )
