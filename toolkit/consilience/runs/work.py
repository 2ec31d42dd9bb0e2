"""The work of a run: a window of rows in flight, over batches whose cells were looked up and reserved."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from consilience.consult import Calls, consult
from consilience.disclosure import Disclosure, Shown
from consilience.errors import InvalidFrame, StoreAway, StoreError
from consilience.experts.base import Expert
from consilience.loop import Lane
from consilience.models import AnswerKind, Example, Question, Response, Usage
from consilience.runs.asked import Asked, Member
from consilience.runs.budget import Purse
from consilience.runs.collected import Collected
from consilience.runs.ledger import SETTLED, Cell, Ledger
from consilience.runs.outages import Outages
from consilience.runs.rows import Rows
from consilience.runs.settling import Settling
from consilience.runs.tally import Tally
from consilience.runs.template import Tags, Template
from consilience.terms import Terms
from consilience.verdict import decide
from consilience.verdict.methods import Voting, usual

if TYPE_CHECKING:
    from consilience.experts.recorder import Recorder

_BATCH = 2048
_READ = 512
_PAUSE = 0.25
_FREE = Usage(0, 0, 0.0)
_AWAY_SECONDS = 60.0  # what a server takes that is started again, or that another machine takes over from
_AHEAD_SECONDS = 2.0


_Answers: TypeAlias = dict[Member, Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be asked of whom, and how."""

    experts: Sequence[Expert]
    policies: Mapping[str, Calls]
    rows: Rows
    template: Template
    answer: AnswerKind
    context: str | None
    examples: tuple[Example, ...]
    replicates: int
    deadline: float
    method: Voting
    concurrency: int
    disclosure: Disclosure
    tags: Tags
    recorder: Recorder | None

    def question(self, row: Mapping[str, Any]) -> Question:
        """Return the question of one row, as the user put it."""
        return Question(
            self.template.fill(row), self.answer, self.context, self.examples, tags=self.tags.fill(row)
        )

    def shown(self, row: Mapping[str, Any]) -> Shown:
        """Return the question of one row as it leaves, and who may be asked it."""
        return self.disclosure.of(self.question(row), self.experts)

    def members(self, experts: Sequence[Expert]) -> tuple[Member, ...]:
        """Return who answers a row, where these experts may see it."""
        return tuple((e.name, r) for r in range(self.replicates) for e in experts)


class Work:
    """One execution of a job.

    Parameters
    ----------
    job
        What is asked.
    ledger
        Where cells are settled; ``None`` keeps nothing.
    purses
        When one of them is exhausted no new row begins.
    tally, collected
        What is counted, and where verdicts go.
    """

    def __init__(
        self, job: Job, ledger: Ledger | None, purses: Sequence[Purse], tally: Tally, collected: Collected
    ) -> None:
        self._job = job
        self._ledger = ledger
        self._purses = purses
        self._tally = tally
        self._collected = collected
        self._settling = None if ledger is None else Settling(ledger.store)
        self._outages = Outages(job.policies.values())
        self._window = asyncio.Semaphore(job.concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._shared: dict[tuple[str, tuple[Member, ...]], asyncio.Future[_Answers]] = {}
        self._same: set[tuple[str, tuple[Member, ...]]] = set()
        self._by_name = {expert.name: expert for expert in job.experts}
        self._members = job.members(job.experts)
        self._elsewhere: list[Asked] = []
        self._fresh = False
        self._looking = threading.Lock()
        self._over = threading.Event()
        self._alone = False
        self._error: BaseException | None = None

    async def run(self) -> None:
        """Go through all rows.

        A store that is away is waited for, while calls that are under way go on.

        Raises
        ------
        StoreError
            The store cannot be used any more; what was asked until then is waited for, and written when it can be.
        """
        try:
            await self._go()
        except BaseException:  # a cancellation too: what was answered is written
            for task in self._tasks:
                task.cancel()
            if self._settling is not None:
                self._settling.finish()
            if self._tasks:
                await asyncio.wait(self._tasks)
            if self._settling is not None:
                self._settling.finish()  # what was heard meanwhile
            raise
        if self._settling is not None:
            await self._settling.close()

    @property
    def _stopped(self) -> bool:
        full = self._settling is not None and self._settling.error is not None
        return full or self._error is not None or any(purse.exhausted for purse in self._purses)

    async def _go(self) -> None:
        batches = self._prepared(self._job.rows.batches(_READ))
        lane = Lane("consilience-rows")
        upcoming = asyncio.create_task(lane.call(next, batches, None))
        try:
            while (batch := await upcoming) is not None and not self._stopped:
                upcoming = asyncio.create_task(lane.call(next, batches, None))
                await self._launch_all(batch)
                await self._await_others(_BATCH)
            await self._await_others(0)
        except (StoreError, InvalidFrame) as error:
            self._error = error  # calls that are under way are paid for: they end before it is told
        finally:
            self._over.set()
            await asyncio.gather(upcoming, return_exceptions=True)
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._error is not None:
            raise self._error

    async def _launch_all(self, batch: list[Asked]) -> None:
        """Launch rows in their order; the list is emptied, so that what is done is not kept by it."""
        batch.reverse()
        while batch:
            asked = batch.pop()
            if asked.busy:
                self._elsewhere.append(asked)
            else:
                await self._launch(asked)

    async def _await_others(self, most: int) -> None:
        """Wait until at most so many rows are under way in other runs; whose run died is asked here."""
        while len(self._elsewhere) > most and not self._stopped:
            await asyncio.sleep(_PAUSE)
            looked, self._elsewhere = self._elsewhere[:_BATCH], self._elsewhere[_BATCH:]
            await asyncio.to_thread(self._patiently, self._look_up, looked)
            await self._launch_all(looked)

    async def _launch(self, asked: Asked) -> None:
        if self._stopped:
            return
        if not asked.missing:
            self._finish(asked, {})
            return
        await self._window.acquire()
        if self._settling is not None:
            await self._settling.room()
        if not await self._outages.over(lambda: self._stopped):
            self._window.release()
            return
        task = asyncio.create_task(self._row(asked))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if self._outages.there:  # this row is the probe: the next one hears what becomes of it
            await asyncio.sleep(_PAUSE)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._window.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = error

    async def _row(self, asked: Asked) -> None:
        if not self._job.rows.repeated(asked.number):
            self._finish(asked, await self._ask(asked))
            return
        same = asked.question.digest, asked.members
        known = self._shared.get(same)
        if known is None:
            known = self._shared[same] = asyncio.get_running_loop().create_future()
            try:
                known.set_result(await self._ask(asked))
            except BaseException:  # a cancellation too: equal rows wait for this one
                known.cancel()
                raise
            self._finish(asked, known.result())
            return
        answers = await asyncio.shield(known)
        first = next(iter(answers.values()))
        asked.question = replace(asked.question, id=first.question_id)
        self._finish(asked, answers)

    async def _ask(self, asked: Asked) -> _Answers:
        # No comprehension here, and in what this awaits: variables that it shares are objects of their own in each row
        # that is under way, and the garbage collector goes through them.
        answers: _Answers = {}
        asked.go_on()
        if self._job.replicates == 1:
            await self._ask_once(asked, answers, 0)
        else:
            await asyncio.gather(*map(partial(self._ask_once, asked, answers), range(self._job.replicates)))
        return answers

    async def _ask_once(self, asked: Asked, answers: _Answers, replicate: int) -> None:
        each = self._each(asked, replicate)
        if each:
            heard = partial(self._heard, asked, answers, replicate)
            await consult(each, self._job.policies, Terms(deadline=self._job.deadline), heard=heard)

    def _each(self, asked: Asked, replicate: int) -> list[tuple[Expert, Question]]:
        return [
            (self._by_name[name], asked.question) for name, number in asked.missing if number == replicate
        ]

    def _heard(self, asked: Asked, answers: _Answers, replicate: int, response: Response) -> None:
        response = asked.kept(response)
        answers[response.expert, replicate] = response
        self._settle(Cell(asked.question.digest, response.expert, replicate), response, asked.question)

    def _settle(self, cell: Cell, response: Response, question: Question) -> None:
        self._tally.answered(response, settled=response.outcome in SETTLED)
        if self._job.recorder is not None:
            self._job.recorder.put(question, response)
        if self._ledger is not None and self._settling is not None:
            self._settling.put(self._ledger.rows(cell, response, question))

    def _finish(self, asked: Asked, answers: _Answers) -> None:
        said = [asked.saved[m].response if m in asked.saved else answers[m] for m in asked.members]
        again = self._job.rows.repeated(asked.number) and self._told(asked)
        if again:  # what was asked once is paid for once, whichever rows share it
            said = [replace(response, usage=_FREE) for response in said]
        responses = [_numbered(response, m[1]) for response, m in zip(said, asked.members, strict=True)]
        withheld = [_numbered(r, n) for n in range(self._job.replicates) for r in asked.withheld]
        verdict = decide(
            asked.question, [*responses, *withheld], method=usual(self._job.answer, self._job.method)
        )
        n_reused = len(asked.members) if again else len(asked.saved)
        self._tally.decided(n_reused, len(asked.members))
        self._collected.add(asked.number, asked.key, asked.restored(verdict), n_reused)
        kept = again or (not answers and asked.tells(verdict))
        if self._ledger is not None and self._settling is not None and not kept:
            if not answers:
                asked.go_on()
                verdict = replace(verdict, question=asked.question)
            # whoever was not asked has no cell, and stands beside the first answers
            self._settling.put(self._ledger.decided(verdict, () if asked.saved else withheld))

    def _told(self, asked: Asked) -> bool:
        """Whether a row with the same prompt has its verdict already; from now on this one."""
        same = asked.question.digest, asked.members
        if same in self._same:
            return True
        self._same.add(same)
        return False

    def _prepared(self, batches: Iterator[list[dict[str, Any]]]) -> Iterator[list[Asked]]:
        numbered = enumerate(row for rows in batches for row in rows)
        while batch := [self._asked(number, row) for number, row in itertools.islice(numbered, self._ahead)]:
            if self._ledger is not None:
                self._patiently(partial(self._claim, self._ledger), batch)
            yield batch

    def _patiently(self, read: Callable[[list[Asked]], None], batch: list[Asked]) -> None:
        """Read the store, again and again while it is away: its spool on this machine goes on taking answers."""
        until = time.monotonic() + _AWAY_SECONDS
        while True:
            try:
                read(batch)
            except StoreAway:
                if time.monotonic() >= until or self._over.wait(_PAUSE):
                    raise
            else:
                return

    @property
    def _ahead(self) -> int:
        """Rows to claim at once: what is done in two seconds, so that another process finds some to do."""
        if self._ledger is None:
            return _BATCH
        rate = self._tally.done / max(self._tally.seconds, 1e-3)
        return min(max(round(_AHEAD_SECONDS * rate), 2 * self._job.concurrency), _BATCH)

    def _asked(self, number: int, row: dict[str, Any]) -> Asked:
        key = row[self._job.rows.key]
        if self._job.disclosure.open:
            return Asked(number, key, self._job.question(row), None, self._members)
        shown = self._job.shown(row)
        whole = len(shown.experts) == len(self._by_name)
        members = self._members if whole else self._job.members(shown.experts)
        return Asked(number, key, shown.question, shown, members)

    def _claim(self, ledger: Ledger, batch: list[Asked]) -> None:
        known = not self._fresh
        if known:
            self._read(ledger, batch, alone=self._alone)
        open_rows = [asked for asked in batch if asked.missing]
        if open_rows:
            once = {(asked.question.digest, asked.members): asked for asked in open_rows}.values()
            ledger.reserve((c for asked in once for c in asked.cells(asked.missing)), datetime.now(UTC))
            self._alone = ledger.alone()
            if not self._alone:
                self._look_up(open_rows)
            elif not (known or ledger.first()):
                self._read(ledger, open_rows, alone=True)
        self._fresh = not any(asked.saved for asked in batch)

    def _look_up(self, batch: list[Asked]) -> None:
        """Read what is settled and what other runs have under way."""
        assert self._ledger is not None
        # Two batches may be looked up at once: what a run that ended left is taken in before the other one is.
        with self._looking:
            standing = self._ledger.standing({cell for a in batch for cell in a.cells(a.missing)})
            if standing.settled:
                self._read(self._ledger, batch, alone=False)
        for asked in batch:
            asked.busy = not standing.elsewhere.isdisjoint(asked.cells(asked.missing))

    def _read(self, ledger: Ledger, batch: list[Asked], *, alone: bool) -> None:
        saved = ledger.settled({asked.question.digest: asked.question for asked in batch}, alone=alone)
        for asked in batch:
            own = zip(asked.members, asked.cells(asked.members), strict=True)
            asked.saved = {member: saved[cell] for member, cell in own if cell in saved} if saved else {}


def _numbered(response: Response, replicate: int) -> Response:
    """Return a response under the name under which it votes: a replicate after the first has a number."""
    return replace(response, expert=f"{response.expert} #{replicate + 1}") if replicate else response
