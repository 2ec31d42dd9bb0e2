"""A person's desk: what they are asked, blind, and their answers to it, for a widget, a dashboard or a command line."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from consilience.errors import InvalidInput, Unparseable
from consilience.experts.human.folders import Folder
from consilience.experts.human.human import Human
from consilience.experts.human.inbox import ANSWERED, QUESTIONS, Pending, judged
from consilience.experts.human.late import collect, response_to, taken_up
from consilience.experts.human.note import note_name, noted
from consilience.experts.human.sheet import Written, decoded, filled, header, id_part
from consilience.models import AnswerValue, Question, quoted
from consilience.redaction import Redactor

if TYPE_CHECKING:
    from consilience.store import Store
    from consilience.verdict import Verdict

# A time-out is older than whatever came; of what came the last counts, and may have been taken back.
_LAST = """
WITH said AS (
    SELECT question_id, outcome, row_number() OVER (PARTITION BY question_id ORDER BY
        CASE WHEN outcome = 'timed out' THEN 1 ELSE 0 END, latency_s DESC, id) AS nth
    FROM responses WHERE expert = ? AND source = 'person'
)
SELECT question_id FROM said WHERE nth = 1"""
_UNANSWERED = _LAST + " AND outcome IN ('timed out', 'withdrawn')"
_HEARD = _LAST + " AND outcome IN ('answered', 'abstained') AND question_id = ?"


class Desk:
    """What a person is asked and has not answered, wherever it waits, and the way to answer it.

    Questions come from the `Human` of this process, from the person's inbox, which another process may fill, and from
    the store, where questions stand that a circle decided without them. Whoever shows them needs to know none of
    these places, and sees no answer of anybody else.

    Parameters
    ----------
    person
        A `Human` of this process, or the name of a person whom another process asks.
    inbox
        As in `Human`; a `Human` brings its own.
    store
        The store of the circles that ask. With it, an answer after the deadline is recorded at once and decides the
        question again; without it, the circle's ``collect()`` does that.
    redact
        As in `Circle`, for what is recorded.

    Notes
    -----
    Its methods block: call them in a thread where there is an event loop. Who may answer as whom is the caller's
    affair. A question with an answer kind of a user's own is open only in the process that asks it.

    Raises
    ------
    InvalidInput
        The name or the place cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> import consilience as cs
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = cs.Store(f"{folder.name}/history.duckdb")
    >>> circle = cs.Circle([cs.Human("ana"), cs.Scripted("ben", ["yes"])], store=store, deadline=0.01)
    >>> asked = circle.ask_sync("Is water wet?", answer=cs.Label("yes", "no"))
    >>> desk = Desk("ana", store=store)
    >>> [pending.question.text for pending in desk.open()]
    ['Is water wet?']
    >>> str(desk.submit(asked.question.id, "yes").support)
    '2 of 2, 1.00 [0.34, 1.00]'
    >>> desk.open()
    ()
    >>> store.close(), folder.cleanup()
    (None, None)
    """

    def __init__(
        self,
        person: Human | str,
        *,
        inbox: str | os.PathLike[str] | None = None,
        store: Store | None = None,
        redact: Redactor | bool = False,
    ) -> None:
        if isinstance(person, Human) and inbox is not None:
            raise InvalidInput(f"{person.name} has an inbox of their own: leave inbox= out.")
        self._here = person if isinstance(person, Human) else None
        self._human = person if isinstance(person, Human) else Human(person, inbox)
        self._store = store
        self._redact = (redact if isinstance(redact, Redactor) else Redactor()) if redact else None

    def __repr__(self) -> str:
        return f"Desk({self.person!r})"

    @property
    def person(self) -> str:
        """Whose desk it is."""
        return self._human.name

    def open(self, n: int = 200) -> tuple[Pending, ...]:
        """Return the questions that wait for the person, the oldest first, without anybody's answer to them.

        Parameters
        ----------
        n
            Questions at most.

        Raises
        ------
        InboxError, StoreError
            The inbox or the store cannot be read.
        """
        if n < 1:
            raise InvalidInput(f"open() takes a number of questions from 1 up, {n} came.")
        found: dict[str, Pending] = {}
        for pending in self._everywhere():
            found.setdefault(pending.id, pending)
        return tuple(sorted(found.values(), key=lambda one: (one.question.asked_at, one.id))[:n])

    def submit(self, question_id: str, answer: object) -> Verdict | None:
        """Answer a question as the person; ``None`` abstains.

        Parameters
        ----------
        question_id
            Of a question in `open`, or of any other that the store holds, such as one of a run's review queue.
        answer
            What the question's answer kind reads: a choice, a number, a text, a list of texts.

        Returns
        -------
        Verdict or None
            The verdict with the answer in it, where the store could decide again; ``None`` while a circle waits for
            the answer, and decides itself.

        Raises
        ------
        Unparseable
            The answer is not of the kind that was asked for, as the message says; the question stays open.
        InvalidInput
            The question is not known here, or the person has answered it.
        InboxError, StoreError
            The inbox or the store cannot be written.
        """
        if self._here is not None and any(one.id == question_id for one in self._here.pending()):
            return self._given(self._here, question_id, answer)
        lying = next((found for found in self._in_inbox(question_id) if found[1].id == question_id), None)
        if lying is not None:
            pending = lying[1]
            said = _said(pending.question, answer)
            self._deposit(*lying, said)
            return self._recorded(pending.question, said) if pending.late else None
        question = self._stored(question_id)
        if question is None:
            raise InvalidInput(
                f"{self.person} has no open question {question_id!r}: take the id of one in open()."
            )
        if self._store is not None and self._store.read(_HEARD, self.person, question_id).height:
            raise InvalidInput(f"{self.person} has answered {quoted(question.text)} already.")
        return self._recorded(question, _said(question, answer))

    def _everywhere(self) -> Iterator[Pending]:
        if self._here is not None:
            yield from self._here.pending()
        yield from (pending for _, pending in self._in_inbox())
        if self._store is not None:
            from consilience.store.recorded import recorded

            ids = self._store.read(_UNANSWERED, self.person)["question_id"].to_list()
            for one in recorded(self._store, ids) if ids else ():
                yield Pending(one.question, None, None, late=True)

    def _in_inbox(self, question_id: str | None = None) -> Iterator[tuple[str, Pending]]:
        """Yield file names and questions of the sheets in the inbox that have no finished answer."""
        folder = self._human.folder()
        for name in folder.names() if folder is not None else ():
            if question_id is not None and not name.endswith(f"--{id_part(question_id)}.md"):
                continue
            assert folder is not None
            pending = self._waiting(folder, name)
            if pending is not None:
                yield name, pending

    def _waiting(self, folder: Folder, name: str) -> Pending | None:
        content = folder.read(name)
        try:
            head = header(decoded(content or b""))
        except Unparseable:
            head = None
        question = noted(folder.read(note_name(name), QUESTIONS))
        if question is None and head is not None:
            question = self._stored(head.question_id)
        if question is None:
            return None
        deadline = None if head is None else head.deadline
        try:
            if content is None or judged(content, question) is not None:
                return None  # taken, or about to be
        except Unparseable:
            pass  # it goes back to whoever edits the file, and is as open as before
        late = deadline is not None and deadline <= datetime.now(UTC)
        return Pending(question, deadline, folder.where(name), late=late)

    def _given(self, human: Human, question_id: str, answer: object) -> Verdict | None:
        human.give(question_id, answer)
        if self._store is None or not any(question.id == question_id for question, _ in human.given_late()):
            return None
        verdicts = collect(self._store, [human], redact=self._redact)
        return next((verdict for verdict in verdicts if verdict.question.id == question_id), None)

    def _deposit(self, name: str, pending: Pending, said: Written) -> None:
        """Put a filled sheet where answers are read, then take the open one away: a crash between loses neither."""
        folder = self._human.folder()
        assert folder is not None
        answer = filled(pending.question, self.person, pending.deadline, said)
        asking = hashlib.sha256(str(pending.deadline).encode()).hexdigest()[:8]
        first = folder.create(f"{name.removesuffix('.md')}--{asking}.md", answer.encode(), ANSWERED)
        folder.take(name, QUESTIONS)
        if not first:
            raise InvalidInput(f"{self.person} has answered {quoted(pending.question.text)} already.")

    def _recorded(self, question: Question, said: Written) -> Verdict | None:
        if self._store is None or self._stored(question.id) is None:
            return None
        return taken_up(self._store, question, response_to(question, self._human, said), self._redact)

    def _stored(self, question_id: str) -> Question | None:
        if self._store is None:
            return None
        from consilience.store.recorded import recorded

        found = recorded(self._store, [question_id])
        return next((one.question for one in found if one.question.id == question_id), None)


def _said(question: Question, answer: object) -> Written:
    if answer is None:
        return Written(abstained=True)
    value: AnswerValue = question.answer.parse(answer)
    return Written(value)
