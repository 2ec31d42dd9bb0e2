"""A person as an expert."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from consilience.errors import Abstained, InvalidInput
from consilience.experts.human.folders import Folder, folder_at
from consilience.experts.human.inbox import ANSWERED, QUESTIONS, WITHDRAWN, Look, Pending, read_answer
from consilience.experts.human.note import note, note_name
from consilience.experts.human.sheet import Written, checked_name, file_name, folder_name, sheet
from consilience.loop import call_in_thread
from consilience.models import Question, Reply, Source
from consilience.policies import SYSTEM, Clock, remaining

_LOG = logging.getLogger("consilience.human")
_BACK_OFF = 1.5
_MOMENT = 0.001


class Notice(StrEnum):
    """Of what a person is told."""

    ASKED = "asked"
    REMINDER = "reminder"
    RETURNED = "returned"


@dataclass(slots=True, eq=False)
class _Ticket:
    pending: Pending
    name: str
    given: Written | None = None
    awaiting: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
    seen: bytes = field(default=b"", repr=False)


class Human:
    """A person, who is asked through files in a folder or from a notebook, and takes their time.

    Each question is one Markdown file in ``inbox/<name>/``; the answer is read from it when it is saved. A malformed
    answer goes back with one sentence on top that says what is wrong, and the question stays open. What was read is
    kept in ``answered/``, what went back in ``returned/``: nothing that a person wrote is deleted or overwritten.

    Parameters
    ----------
    name
        Unique within a circle; also the folder's name.
    inbox
        A path, or a URL that fsspec opens (``s3://team/inbox``; extra ``inbox``). Without one, questions wait in
        `pending` and are answered by `give`.
    poll
        Seconds between two looks at a file at first; they grow by half each time up to ``slowest``. 0.5 is a blink
        for somebody who waits beside it.
    slowest
        Longest time between two looks; 15 s cost an object store 240 requests an hour.
    remind
        Seconds after which a person is reminded, again and again until the deadline; not by default. ``REMINDER.txt``
        in their folder then lists what is open.
    notify
        Called in a thread as ``notify(notice, pending)`` when a question is asked, goes back or is due: to send a
        message. What it raises is logged.
    clock
        Measures the looks and reminders.

    Notes
    -----
    When the circle's deadline passes, the person is *timed out* and the question stays open: a later answer is taken
    by `collect`, which decides again. When whoever asked gave up before the deadline, the file moves to
    ``withdrawn/``. Nobody else's answer is shown.

    Raises
    ------
    InvalidInput
        The name, the place or a time cannot be used.

    Examples
    --------
    >>> ana = Human("ana")
    >>> async def story():
    ...     task = asyncio.create_task(ana.answer(Question("Is water wet?", id="q1")))
    ...     while not ana.pending():
    ...         await asyncio.sleep(0)
    ...     ana.give("q1", "Yes.")
    ...     return (await task).raw
    >>> asyncio.run(story())
    'Yes.'
    """

    source = Source.PERSON
    provider = "person"

    def __init__(
        self,
        name: str,
        inbox: str | os.PathLike[str] | None = None,
        *,
        poll: float = 0.5,
        slowest: float = 15.0,
        remind: float | None = None,
        notify: Callable[[Notice, Pending], object] | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self.name = checked_name(name)
        if not 0 < poll <= slowest < math.inf:
            raise InvalidInput(f"poll and slowest are 0 < poll <= slowest, {poll!r} and {slowest!r} came.")
        if remind is not None and not 0 < remind < math.inf:
            raise InvalidInput(f"remind is a number of seconds above 0, {remind!r} came.")
        self._inbox = inbox
        self._folder: Folder | None = None
        self._poll, self._slowest, self._remind = poll, slowest, remind
        self._notify, self._clock = notify, clock
        self._lock = threading.Lock()
        self._tickets: dict[str, _Ticket] = {}

    def __repr__(self) -> str:
        asked = ", inbox" if self._inbox is not None else ""
        return f"Human({self.name!r}{asked}, {len(self.pending())} open)"

    async def answer(self, question: Question) -> Reply:
        """Put the question before the person and wait for the answer.

        Raises
        ------
        Abstained
            The person said so.
        InboxError
            The inbox cannot be used.
        """
        folder = await self._opened()
        ticket = self._open(question, folder)
        try:
            if folder is not None:
                await call_in_thread(_put, folder, ticket, self.name)
            await self._tell(Notice.ASKED, ticket.pending)
            said = await self._said(ticket, folder)
        except asyncio.CancelledError:
            if remaining(SYSTEM) > _MOMENT:  # given up, not run out of time
                self._close(question.id)
                if folder is not None:
                    await call_in_thread(folder.take, ticket.name, WITHDRAWN)
            raise
        self._close(question.id)
        if said.abstained:
            raise Abstained(f"{self.name} abstained.")
        return Reply(said.raw)

    def pending(self) -> tuple[Pending, ...]:
        """Return the questions that wait for an answer, the oldest first; from any thread."""
        with self._lock:
            return tuple(t.pending for t in self._tickets.values() if t.given is None)

    def give(self, question_id: str, answer: object) -> None:
        """Answer a question that is pending, from any thread; ``None`` abstains.

        Parameters
        ----------
        question_id
            As in `pending`.
        answer
            What the question's answer kind reads. After the deadline it is kept for `collect`.

        Raises
        ------
        Unparseable
            The answer is not of the kind that was asked for; the question stays open.
        InvalidInput
            No question of that id is open.
        """
        with self._lock:
            ticket = self._tickets.get(question_id)
        if ticket is None or ticket.given is not None:
            raise InvalidInput(
                f"{self.name} has no open question {question_id!r}: take an id from pending()."
            )
        said = Written(abstained=True) if answer is None else Written(answer)
        if answer is not None:
            ticket.pending.question.answer.parse(answer)
        with self._lock:
            if ticket.given is not None:
                raise InvalidInput(f"{self.name} has answered {question_id!r} already.")
            ticket.given = said
            awaiting = ticket.awaiting
        if awaiting is not None and not awaiting[0].is_closed():
            awaiting[0].call_soon_threadsafe(awaiting[1].set)

    def given_late(self) -> list[tuple[Question, Written]]:
        """Return what was given by `give` after the deadline and is not collected yet."""
        with self._lock:
            return [
                (ticket.pending.question, ticket.given)
                for ticket in self._tickets.values()
                if ticket.given is not None and ticket.awaiting is None
            ]

    def forget(self, question_id: str) -> None:
        """Drop an open question or a late answer of this process; a file is not touched."""
        self._close(question_id)

    def folder(self) -> Folder | None:
        """Return the person's folder, opened; it may block."""
        if self._folder is None and self._inbox is not None:
            self._folder = folder_at(self._inbox, folder_name(self.name))
        return self._folder

    async def aclose(self) -> None:
        """Nothing is held; open questions stay open."""

    async def _opened(self) -> Folder | None:
        if self._folder is None and self._inbox is not None:
            await call_in_thread(self.folder)
        return self._folder

    def _open(self, question: Question, folder: Folder | None) -> _Ticket:
        name = file_name(question)
        pending = Pending(question, _moment(remaining(SYSTEM)), folder.where(name) if folder else None)
        ticket = _Ticket(pending, name, awaiting=(asyncio.get_running_loop(), asyncio.Event()))
        with self._lock:
            before = self._tickets.get(question.id)
            if before is not None and before.awaiting is not None:
                raise InvalidInput(
                    f"{self.name} is being asked {question.id!r} already: await the first call."
                )
            if before is not None:  # given while nobody waited
                ticket.given = before.given
            self._tickets[question.id] = ticket
        return ticket

    def _close(self, question_id: str) -> None:
        with self._lock:
            self._tickets.pop(question_id, None)

    async def _said(self, ticket: _Ticket, folder: Folder | None) -> Written:
        assert ticket.awaiting is not None
        woken = ticket.awaiting[1]
        pause, reminded = self._poll, self._clock.monotonic()
        try:
            while True:
                if ticket.given is not None:
                    if folder is not None:
                        await call_in_thread(folder.take, ticket.name, ANSWERED)
                    return ticket.given
                if folder is not None:
                    before = ticket.seen
                    found = await self._look(ticket, folder)
                    if found is not None:
                        return found
                    pause = self._poll if ticket.seen != before else min(pause * _BACK_OFF, self._slowest)
                if self._remind is not None and self._clock.monotonic() - reminded >= self._remind:
                    reminded = self._clock.monotonic()
                    await self._reminder(ticket, folder)
                await self._wait(woken, pause if folder is not None else math.inf, reminded)
        finally:
            ticket.awaiting = None

    async def _wait(self, woken: asyncio.Event, pause: float, reminded: float) -> None:
        """Return when an answer was given, the pause is over or a reminder is due."""
        if self._remind is not None:
            pause = min(pause, max(reminded + self._remind - self._clock.monotonic(), 0.0))
        if pause == math.inf:
            await woken.wait()
            return
        sleeping = asyncio.ensure_future(self._clock.sleep(pause))
        waiting = asyncio.ensure_future(woken.wait())
        try:
            await asyncio.wait((sleeping, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waiting.cancel()

    async def _look(self, ticket: _Ticket, folder: Folder) -> Written | None:
        found = await call_in_thread(read_answer, folder, ticket.name, ticket.pending, self.name, ticket.seen)
        assert isinstance(found, Look)
        ticket.seen = found.content
        if found.sent_back:
            await self._tell(Notice.RETURNED, ticket.pending)
        return found.written

    async def _reminder(self, ticket: _Ticket, folder: Folder | None) -> None:
        if folder is not None:
            text = "".join(
                f"{one.where}\n  by {one.deadline or 'no deadline'}: {' '.join(one.question.text.split())[:200]}\n"
                for one in self.pending()
            )
            await call_in_thread(folder.replace, "REMINDER.txt", f"Open questions:\n{text}".encode())
        await self._tell(Notice.REMINDER, ticket.pending)

    async def _tell(self, notice: Notice, pending: Pending) -> None:
        if self._notify is None:
            return
        try:
            await call_in_thread(self._notify, notice, pending)
        except Exception:  # noqa: BLE001 - a user's own messenger: the question stands in the inbox all the same
            _LOG.exception("%s could not be notified that a question was %s", self.name, notice)


def _put(folder: Folder, ticket: _Ticket, expert: str) -> None:
    question, deadline = ticket.pending.question, ticket.pending.deadline
    folder.create(note_name(ticket.name), note(question), QUESTIONS)
    folder.create(ticket.name, sheet(question, expert, deadline).encode())


def _moment(seconds: float) -> datetime | None:
    return None if seconds == math.inf else datetime.now(UTC) + timedelta(seconds=seconds)
