"""One person's way through a queue: answers, skips, and the way back over any number of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from consilience.errors import InvalidInput
from consilience.models import AnswerValue, Items, Outcome, Ranking, Response, Score, Source
from consilience.models.identifiers import new_id
from consilience.policies import SYSTEM, Clock
from consilience.reviewing.queues import Queue, keys_of
from consilience.reviewing.tasks import Standing, Task
from consilience.verdict.result import shown

if TYPE_CHECKING:
    import polars as pl

    from consilience.runs import RunResult


@dataclass(frozen=True, slots=True)
class Given:
    """A person's answer.

    Parameters
    ----------
    answer
        As its kind read it; ``None`` where the person abstained.
    note
        What they noted beside it.
    seconds
        How long they looked at the question.
    decided_at
        When they answered, in UTC.
    blind
        Whether they had not seen what the circle says.
    """

    answer: AnswerValue | None
    note: str
    seconds: float
    decided_at: datetime
    blind: bool = True


@dataclass(frozen=True, slots=True)
class Saving:
    """What is to be written: an answer to a task, or that it was taken back.

    Parameters
    ----------
    number
        Of the task.
    given
        ``None`` takes the answer back.
    """

    number: int
    given: Given | None


@dataclass(frozen=True, slots=True)
class _Step:
    number: int
    given: Given | None
    was_skipped: bool
    wrote: bool


class Session:
    """One person's way through a queue.

    What changes it returns what is to be saved; `save` writes that, and blocks. Whoever calls saves in the order of the
    changes.

    Parameters
    ----------
    queue
        What is reviewed.
    person
        Who answers.
    now
        The time of day.
    clock
        Measures how long a question is looked at.

    Attributes
    ----------
    tasks
        What is reviewed.
    given
        Answers by the number of their task.
    skipped
        Tasks that were skipped and have no answer.

    Examples
    --------
    >>> import consilience as cs
    >>> from consilience.reviewing import queued
    >>> queue = queued({"question": ["Is water wet?", "Is ice wet?"]}, "ana", answer=cs.Label("yes", "no"))
    >>> session = Session(queue, "ana")
    >>> session.answer(0, "Yes").given.answer, session.next(0), session.remaining
    ('yes', 1, 1)
    >>> session.undo().given, session.remaining
    (None, 2)
    """

    def __init__(
        self,
        queue: Queue,
        person: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Clock = SYSTEM,
    ) -> None:
        self.queue = queue
        self.tasks = queue.tasks
        self.person = person
        self.given: dict[int, Given] = {}
        self.skipped: set[int] = set()
        self._seen: set[int] = set()
        self._steps: list[_Step] = []
        self._now, self._clock = now, clock
        self._looking: int | None = None
        self._since = 0.0
        self._seconds: dict[int, float] = {}

    @property
    def remaining(self) -> int:
        """Tasks without an answer."""
        return len(self.tasks) - len(self.given)

    @property
    def n_steps(self) -> int:
        """How many steps there are to undo."""
        return len(self._steps)

    def look(self, number: int | None) -> None:
        """Say which task the person has before them; ``None`` while they pause."""
        now = self._clock.monotonic()
        if self._looking is not None:
            self._seconds[self._looking] = self._seconds.get(self._looking, 0.0) + now - self._since
        self._looking, self._since = number, now

    def see(self, number: int) -> None:
        """Say that the person is shown what the circle says to a task: answers from now on are not blind."""
        self._seen.add(number)

    def answer(self, number: int, raw: object, *, note: str = "") -> Saving:
        """Answer a task, or answer it anew; ``None`` abstains.

        Raises
        ------
        Unparseable
            It is no answer of the task's kind.
        InvalidInput
            There is no such task.
        """
        task = self.task(number)
        value = None if raw is None else task.question.answer.parse(raw)
        self._step(number, wrote=True)
        self.skipped.discard(number)
        self.look(self._looking)
        seconds = self._seconds.get(number, 0.0)
        self.given[number] = Given(value, note.strip(), seconds, self._now(), number not in self._seen)
        return Saving(number, self.given[number])

    def skip(self, number: int) -> None:
        """Leave a task for the end; one that has an answer keeps it."""
        self.task(number)
        if number in self.given or number in self.skipped:
            return
        self._step(number, wrote=False)
        self.skipped.add(number)

    def undo(self) -> Saving | None:
        """Take the last step back, whatever it was; ``None`` when there is none, or nothing of it was written.

        Where the step changed an answer, the one before counts again.
        """
        if not self._steps:
            return None
        step = self._steps.pop()
        self.given.pop(step.number, None)
        self.skipped.discard(step.number)
        if step.given is not None:
            self.given[step.number] = step.given
        if step.was_skipped:
            self.skipped.add(step.number)
        return Saving(step.number, step.given) if step.wrote else None

    def last(self) -> int | None:
        """Return the number of the task that `undo` would go back to."""
        return self._steps[-1].number if self._steps else None

    def next(self, after: int = -1) -> int | None:
        """Return the next task without an answer: below, then from the top, and those that were skipped last."""
        n = len(self.tasks)
        around = [(after + 1 + step) % n for step in range(n)] if n else []
        left = [number for number in around if number not in self.given]
        return next((number for number in left if number not in self.skipped), left[0] if left else None)

    def task(self, number: int) -> Task:
        """Return a task.

        Raises
        ------
        InvalidInput
            There is none of that number.
        """
        if not 0 <= number < len(self.tasks):
            raise InvalidInput(f"The review has {len(self.tasks)} questions, number {number + 1} came.")
        return self.tasks[number]

    def more(self) -> int:
        """Look for questions that came since, put them at the end, and return how many came; blocks."""
        if self.queue.more is None:
            return 0
        known = {task.question.id for task in self.tasks}
        came = tuple(task for task in self.queue.more() if task.question.id not in known)
        self.tasks = (*self.tasks, *came)
        return len(came)

    def save(self, saving: Saving) -> Standing | None:
        """Write an answer, or that it was taken back, and return what the circle says with it; blocks.

        Raises
        ------
        StoreError, InboxError
            It cannot be written.
        InvalidInput
            It cannot be taken back any more.
        """
        task = self.tasks[saving.number]
        return self.queue.place.record(task, self._response(task, saving.given))

    def frame(self) -> pl.DataFrame:
        """Return the answers, in the order of the tasks: the key, ``answer, note, seconds, decided_at, blind``.

        ``answer`` is null where the person abstained; a list for rankings and recommendations, a number for scores, and
        text where the tasks are of several kinds.
        """
        import polars as pl

        numbers = sorted(self.given)
        given = [self.given[number] for number in numbers]
        kinds = {type(task.question.answer) for task in self.tasks}
        dtype = _dtype(next(iter(kinds)) if len(kinds) == 1 else None)
        values = [_plain(each.answer, dtype) for each in given]
        return pl.DataFrame(
            {
                self.queue.key: keys_of(self.tasks, self.queue.dtype, numbers),
                "answer": pl.Series(values, dtype=dtype),
                "note": pl.Series([each.note or None for each in given], dtype=pl.String),
                "seconds": pl.Series([each.seconds for each in given], dtype=pl.Float64),
                "decided_at": pl.Series([each.decided_at for each in given], dtype=pl.Datetime("us", "UTC")),
                "blind": pl.Series([each.blind for each in given], dtype=pl.Boolean),
            }
        )

    def result(self) -> RunResult:
        """Return the result of the run that is reviewed, with the answers until now in it.

        Raises
        ------
        InvalidInput
            It is no run that is reviewed.
        """
        if self.queue.result is None:
            raise InvalidInput(
                "Only the review of a run has a result, a store or a frame is reviewed: take `answers`."
            )
        from consilience.reviewing.results import reviewed

        said = {
            self.tasks[number].key: self._response(self.tasks[number], given)
            for number, given in self.given.items()
        }
        return reviewed(self.queue.result, said)

    def _step(self, number: int, *, wrote: bool) -> None:
        self._steps.append(_Step(number, self.given.get(number), number in self.skipped, wrote))

    def _response(self, task: Task, given: Given | None) -> Response:
        asked_at = task.question.asked_at
        outcome = Outcome.ANSWERED
        if given is None or given.answer is None:
            outcome = Outcome.WITHDRAWN if given is None else Outcome.ABSTAINED
        said = None if given is None else given.answer
        return Response(
            question_id=task.question.id,
            expert=self.person,
            source=Source.PERSON,
            outcome=outcome,
            answer=said,
            raw=None if said is None else shown(said),
            reason=_reason(self.person, outcome, given),
            latency_s=max((self._now() - asked_at).total_seconds(), 0.0),
            id=new_id(),
        )


def _reason(person: str, outcome: Outcome, given: Given | None) -> str | None:
    if given is None:
        return f"{person} took the answer back."
    if given.note:
        return given.note
    return f"{person} abstained." if outcome is Outcome.ABSTAINED else None


def _dtype(kind: type | None) -> pl.DataType:
    import polars as pl

    if kind in (Items, Ranking):
        return pl.List(pl.String)
    return pl.Float64() if kind is Score else pl.String()


def _plain(answer: AnswerValue | None, dtype: pl.DataType) -> object:
    import polars as pl

    if answer is None or dtype == pl.Float64:
        return answer
    if isinstance(answer, tuple) and dtype == pl.List(pl.String):
        return list(answer)
    return shown(answer)
