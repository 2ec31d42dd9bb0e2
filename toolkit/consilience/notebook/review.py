"""A person answers questions in a notebook, least certain first and blind, as an expert among the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from consilience.errors import ConsilienceError, Unparseable
from consilience.experts.human import Desk, Human
from consilience.loop import background, call_in_thread
from consilience.markup import frame_table, page
from consilience.models import AnswerKind
from consilience.notebook import wire
from consilience.notebook.widget import Widget, action, drawn_by
from consilience.policies import SYSTEM, Clock
from consilience.reviewing import Saving, Session, Standing, queued
from consilience.reviewing.queues import Reviewed
from consilience.verdict.result import shown

if TYPE_CHECKING:
    import polars as pl

    from consilience.runs import RunResult
    from consilience.store import Store

_LINE = 160
_BLOCK = 200
_VOTES = 20


class Review(Widget):
    """Go through the least certain questions by keyboard, and answer them as an expert.

    What a circle said is not sent to the page before the person has answered, unless ``blind=False``. Each answer is
    written at once as the response of a person, and the verdict is decided again with it.

    Parameters
    ----------
    what
        A run or its result, of which the least certain rows come first; a `Store`, a `Human` or a `Desk`, of which the
        questions that wait for the person come, the oldest first; or any frame, whose rows come as they stand.
    person
        Who answers; a `Human` brings a name.
    blind
        Whether what the circle says stays hidden until the person has answered.
    question
        For a frame: the column that holds the question, or a prompt with columns in braces.
    answer
        For a frame: the kind of answer, such as ``cs.Label("yes", "no")``.
    key
        For a frame: the column that tells rows apart; rows are numbered by default.
    store
        Where answers are written; by default that of the run. Without one they stay in this kernel.
    n
        Questions at most; all rows of a frame.
    clock
        Measures how long a question is looked at.

    Attributes
    ----------
    answers
        Polars frame, one row an answer: the key, ``answer, note, seconds, decided_at, blind``.
    remaining
        Questions without an answer.
    unsaved
        Answers that are not written yet.
    result
        The result of the reviewed run with the person as a further expert, its rows decided again.

    Examples
    --------
    >>> import consilience as cs
    >>> from consilience.notebook import Review
    >>> review = Review({"question": ["Is water wet?", "Is ice wet?"]}, answer=cs.Label("yes", "no"))
    >>> review.remaining, review.answers.columns
    (2, ['row', 'answer', 'note', 'seconds', 'decided_at', 'blind'])
    >>> review.close()
    """

    _esm, _css = drawn_by("review")

    who = traitlets.Dict().tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)
    current = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    paused = traitlets.Bool(False).tag(sync=True)

    def __init__(  # noqa: PLR0913 - `queued` says what the parts of a frame are
        self,
        what: Reviewed,
        person: str = "ana",
        *,
        blind: bool = True,
        question: str = "question",
        answer: AnswerKind | None = None,
        key: str | None = None,
        store: Store | None = None,
        n: int = 50,
        clock: Clock = SYSTEM,
    ) -> None:
        name = _named(what) or person
        queue = queued(what, name, question=question, answer=answer, key=key, store=store, n=n)
        self.session = Session(queue, name, clock=clock)
        self.blind = blind
        self._prefix = _common_start([task.question.text for task in queue.tasks])
        self._unwritten: dict[int, Saving] = {}
        self._failed: dict[int, Saving] = {}
        self._writing: int | None = None
        self._busy = False
        self._standings: dict[int, Standing | None] = {}
        self._turn = 0
        super().__init__(who=dict(wire.expert(name, "person")))
        self._go(self.session.next())

    @property
    def answers(self) -> pl.DataFrame:
        """The answers until now."""
        with self._lock:
            return self.session.frame()

    @property
    def remaining(self) -> int:
        """Questions without an answer."""
        return self.session.remaining

    @property
    def unsaved(self) -> int:
        """Answers that are not written yet."""
        with self._lock:
            return len(self._unwritten) + len(self._failed) + (self._writing is not None)

    @property
    def result(self) -> RunResult:
        """The result of the run with the person in it, for its reports."""
        with self._lock:
            return self.session.result()

    def snapshot(self) -> str:
        """Return how far the person was, and the answers."""
        session = self.session
        said = f"Review by {session.person}: {len(session.given):,} of {len(session.tasks):,} answered"
        table = frame_table(self.answers) if session.given else ""
        return page(said, table, note="Review is drawn by a running notebook: run this cell to go on.")

    @action
    def need(self, start: int, end: int) -> None:
        """Send the rows that are in sight."""
        numbers = range(max(start, 0), min(end, start + _BLOCK, len(self.session.tasks)))
        with self._lock:
            rows = [self._row(number) for number in numbers]
        self.reply("rows", start=start, rows=rows)

    @action
    def focus(self, number: int) -> None:
        """Show a question."""
        self.session.task(number)
        self._go(number)

    @action
    def answer(self, number: int, value: object, note: str = "") -> None:
        """Answer a question and go on; ``None`` abstains."""
        asked = self.session.task(number).question.answer
        try:
            with self._lock:
                saving = self.session.answer(number, wire.given(value, asked), note=str(note))
        except Unparseable as error:
            self.reply("refused", number=number, reason=wire.text(error, 500))
            return
        self._save(saving)
        self._go(self.session.next(number))

    @action
    def skip(self, number: int) -> None:
        """Leave a question for the end."""
        with self._lock:
            self.session.skip(number)
        self._changed(number)
        following = self.session.next(number)
        self._go(number if following is None else following)

    @action
    def undo(self) -> None:
        """Take the last step back."""
        with self._lock:
            number = self.session.last()
            saving = self.session.undo()
        if number is None:
            return
        if saving is not None:
            self._save(saving)
        self._changed(number)
        self._go(number)

    @action
    def pause(self, paused: bool) -> None:
        """Stop the clock and cover the question, or go on."""
        number = (self.current or {}).get("number")
        self.session.look(None if paused else number)
        self.publish(paused=bool(paused))
        self.flush()

    @action
    def retry(self) -> None:
        """Write again what could not be written."""
        with self._lock:
            again, self._failed = self._failed, {}
        for saving in again.values():
            self._save(saving)

    @action
    def more(self) -> None:
        """Look for questions that came since."""
        background.submit(self._more())

    def _go(self, number: int | None) -> None:
        """Have a question before the person; ``None`` when all are answered."""
        self._turn += 1
        self.session.look(number)
        shown_now = None if number is None else self._detail(number)
        self.publish(current=shown_now, paused=False, progress=self._progress())
        self.flush()
        if number is not None and not self.blind and number not in self._standings:
            background.submit(self._read(number))

    def _detail(self, number: int) -> dict[str, Any]:
        task, given = self.session.tasks[number], self.session.given.get(number)
        found = self._standings.get(number) if given is not None or not self.blind else None
        if found is not None:
            self.session.see(number)
        return {
            "turn": self._turn,
            "number": number,
            "key": wire.text(task.key, 80),
            "text": wire.text(task.question.text),
            "context": wire.text(task.question.context or ""),
            "kind": wire.kind(task.question.answer),
            "mine": None if given is None else wire.answer(given.answer, task.question.answer),
            "given": given is not None,
            "note": "" if given is None else wire.text(given.note, 2_000),
            "circle": None if found is None else _circle(found, given is not None),
        }

    def _row(self, number: int) -> dict[str, Any]:
        task, given = self.session.tasks[number], self.session.given.get(number)
        line = " ".join(task.question.text[len(self._prefix) :][: 4 * _LINE].split())
        said = "" if given is None else "abstained" if given.answer is None else shown(given.answer)
        return {"line": wire.text(line[:_LINE]), "state": self._state(number), "said": wire.text(said, 80)}

    def _state(self, number: int) -> str:
        if number in self._failed:
            return "failed"
        if number in self._unwritten or number == self._writing:
            return "saving"
        if number in self.session.given:
            return "saved" if self.session.queue.place.name else "kept"
        return "skipped" if number in self.session.skipped else "open"

    def _progress(self) -> dict[str, Any]:
        session = self.session
        known = [
            shown(given.answer) == found.headline
            for number, given in session.given.items()
            if given.answer is not None and (found := self._standings.get(number)) is not None
        ]
        return {
            "n": len(session.tasks),
            "done": len(session.given),
            "skipped": len(session.skipped),
            "steps": session.n_steps,
            "saving": len(self._unwritten) + (self._writing is not None),
            "failed": len(self._failed),
            "more": session.queue.more is not None,
            "place": wire.text(session.queue.place.name, 80),
            "compared": len(known) if not session.remaining else 0,
            "agreed": sum(known) if not session.remaining else 0,
        }

    def _changed(self, number: int) -> None:
        with self._lock:
            row = self._row(number)
        self.reply("rows", start=number, rows=[row])

    def _save(self, saving: Saving) -> None:
        """Have it written behind what waits already; of two answers to one question only the last is written."""
        with self._lock:
            self._failed.pop(saving.number, None)
            idle = not self._busy
            self._busy = True
            self._unwritten.pop(saving.number, None)
            self._unwritten[saving.number] = saving
        self._changed(saving.number)
        if idle:
            background.submit(self._write_all())

    async def _write_all(self) -> None:
        while True:
            with self._lock:
                if not self._unwritten:
                    self._busy = False
                    break
                number = self._writing = next(iter(self._unwritten))
                saving = self._unwritten.pop(number)
            try:
                found = await call_in_thread(self.session.save, saving)
            except (ConsilienceError, OSError) as error:
                self._not_saved(saving, error)
            else:
                self._standings[number] = found if isinstance(found, Standing) else None
            with self._lock:
                self._writing = None
            self._changed(number)
        self.publish(progress=self._progress())

    def _not_saved(self, saving: Saving, error: Exception) -> None:
        with self._lock:
            if saving.number not in self._unwritten:
                self._failed[saving.number] = saving
        self.publish(error=f"An answer could not be written: {error}")

    async def _more(self) -> None:
        try:
            await call_in_thread(self.session.more)
        except (ConsilienceError, OSError) as error:
            self.publish(error=f"New questions could not be looked for: {error}")
            return
        if not self.current and self.session.remaining:
            self._go(self.session.next())
        else:
            self.publish(progress=self._progress())

    async def _read(self, number: int) -> None:
        try:
            found = await call_in_thread(self.session.queue.place.standing, self.session.tasks[number])
        except (ConsilienceError, OSError) as error:
            self.publish(error=f"What the circle said could not be read: {error}")
            return
        self._standings.setdefault(number, found if isinstance(found, Standing) else None)
        with self._lock:
            if (self.current or {}).get("number") == number:
                self.publish(current=self._detail(number))


def _named(what: object) -> str:
    if isinstance(what, Human):
        return what.name
    return what.person if isinstance(what, Desk) else ""


def _common_start(texts: list[str]) -> str:
    """Return the words with which all texts begin, such as a run's instruction."""
    if len(texts) < 2:
        return ""
    first, last = min(texts), max(texts)
    same = next(
        (n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    start = first[:same]
    return start[: max(start.rfind(" "), start.rfind("\n")) + 1]


def _circle(found: Standing, counted: bool) -> dict[str, Any]:
    return {
        "headline": wire.text(found.headline, 2_000),
        "support": wire.text(found.support, 200),
        "counted": counted,
        "votes": [
            {
                "answer": wire.text(shown(vote.answer), 300),
                "experts": [
                    wire.expert(name, "person" if name in found.people else "")
                    for name in vote.experts[:_VOTES]
                ],
            }
            for vote in found.votes[:_VOTES]
        ],
    }
