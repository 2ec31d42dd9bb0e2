"""The places of a person's answers: a store, a desk, the result of a run, or this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from consilience.errors import InvalidInput
from consilience.models import Items, Outcome, Question, Response, Source, Usage
from consilience.reviewing.tasks import Standing, Task, standing
from consilience.verdict import Method, decide
from consilience.verdict.methods import WEIGHTED, checked_method, usual

if TYPE_CHECKING:
    from consilience.experts.human import Desk
    from consilience.runs import RunResult
    from consilience.store import Store
    from consilience.store.recorded import StoredQuestion

# Of questions with the same words the newest that was decided.
_KNOWN = """
WITH wanted AS (
    SELECT q.id, q.digest, row_number() OVER (PARTITION BY q.digest ORDER BY
        CASE WHEN EXISTS (SELECT 1 FROM verdicts v WHERE v.question_id = q.id AND v.asked_at = q.asked_at)
        THEN 0 ELSE 1 END, q.asked_at DESC, q.id) AS nth
    FROM questions q WHERE q.digest IN (SELECT unnest(?::TEXT[]))
)
SELECT digest, id FROM wanted WHERE nth = 1
"""
_LATER = 1e-3


class InStore:
    """Answers as responses in a store, each beside a verdict that is decided again with it.

    A question that the store knows by its words keeps its responses; another one is recorded with the first answer.
    """

    def __init__(self, store: Store, questions: Sequence[Question] = ()) -> None:
        self._store = store
        self._questions = questions
        self._ids: dict[str, str] | None = None

    @property
    def name(self) -> str:
        """What people call the store."""
        return self._store.name

    def standing(self, task: Task) -> Standing | None:
        """Return what the newest verdict says, decided again from the responses."""
        stored = self._stored(task.question)
        if stored is None or not stored.responses:
            return None
        return standing(decide(stored.question, stored.responses, method=_method(stored)))

    def record(self, task: Task, response: Response) -> Standing:
        """Write the response and the verdict in one go."""
        stored = self._stored(task.question)
        question = task.question if stored is None else stored.question
        before = () if stored is None else stored.responses
        own = replace(response, question_id=question.id, latency_s=_after(response, before))
        verdict = decide(question, [*before, own], method=None if stored is None else _method(stored))
        self._store.record(question, [own], verdict)
        return standing(verdict)

    def _stored(self, question: Question) -> StoredQuestion | None:
        from consilience.store.recorded import recorded

        known = self._known().get(question.digest, question.id)
        return next(iter(recorded(self._store, [known])), None)

    def _known(self) -> dict[str, str]:
        """Return the ids of questions that the store knows by their words; read once, for all of them together."""
        if self._ids is None:
            digests = list({question.digest for question in self._questions})
            found = self._store.read(_KNOWN, digests).rows() if digests else []
            self._ids = dict(found)
        return self._ids


class AtDesk:
    """Answers to what a person is asked: to the circle that waits, or into the store when it does not wait any more."""

    def __init__(self, desk: Desk, store: Store | None) -> None:
        self._desk = desk
        self._kept = None if store is None else InStore(store)
        self._waiting: set[str] = set()

    @property
    def name(self) -> str:
        """The store, or the person's desk."""
        return f"the desk of {self._desk.person}" if self._kept is None else self._kept.name

    def waits(self, question_id: str) -> None:
        """Remember that a circle waits for this answer."""
        self._waiting.add(question_id)

    def standing(self, task: Task) -> Standing | None:
        """Return what the store says."""
        return None if self._kept is None else self._kept.standing(task)

    def record(self, task: Task, response: Response) -> Standing | None:
        """Give the answer to whoever waits for it."""
        if task.question.id not in self._waiting and self._kept is not None:
            return self._kept.record(task, response)
        if response.outcome is Outcome.WITHDRAWN:
            raise InvalidInput(
                "The circle that asked has taken this answer: undo reaches answers that it does not wait for. Answer "
                "again once its verdict is in the store."
            )
        verdict = self._desk.submit(task.question.id, response.answer)
        self._waiting.discard(task.question.id)
        return None if verdict is None else standing(verdict)


class InResult:
    """Answers beside those of a run that has no store: they stay in this process, and rows are decided again."""

    name = ""

    def __init__(self, result: RunResult) -> None:
        self._result = result
        self._own: dict[object, list[Response]] = {}

    def standing(self, task: Task) -> Standing:
        """Return what the run's answers to the row add up to."""
        said = answers_of(self._result, task.key, task.question)
        job = self._result.job
        method = usual(job.answer, job.method)
        return standing(decide(task.question, [*said, *self._own.get(task.key, ())], method=method))

    def record(self, task: Task, response: Response) -> Standing:
        """Keep the response in memory."""
        own = self._own.setdefault(task.key, [])
        own.append(replace(response, latency_s=_after(response, own)))
        return self.standing(task)


class InMemory:
    """Answers to the rows of a frame, which stay in this process.

    Parameters
    ----------
    said
        What stands in the frame, by key.
    """

    name = ""

    def __init__(self, said: Mapping[object, Standing]) -> None:
        self._said = said

    def standing(self, task: Task) -> Standing | None:
        """Return what stands in the frame."""
        return self._said.get(task.key)

    def record(self, task: Task, response: Response) -> Standing | None:  # noqa: ARG002 - the session keeps it
        """Return what stands in the frame."""
        return self._said.get(task.key)


def _method(stored: StoredQuestion) -> Method | None:
    """Return how the newest verdict was decided; the usual way where it weighed, since a person has no weight yet."""
    kept = stored.verdict
    if kept is None or kept.method in WEIGHTED:
        return None
    return checked_method(stored.question.answer, kept.method)


def _after(response: Response, before: tuple[Response, ...] | list[Response]) -> float:
    """Return seconds that lie behind everything the person said before, also when the wall clock was set back."""
    said = [r.latency_s for r in before if r.expert == response.expert]
    return max([response.latency_s, *(seconds + _LATER for seconds in said)])


def answers_of(result: RunResult, key: object, question: Question) -> list[Response]:
    """Return what a run's experts said to a row, as responses; what they are is not kept."""
    import polars as pl

    rows = result.answers.filter(pl.col("task") == pl.lit(key, dtype=result.answers.schema["task"]))
    return [_answered(question, row) for row in rows.iter_rows(named=True)]


def _answered(question: Question, row: Mapping[str, object]) -> Response:
    label = row["label"]
    kind = question.answer
    raw = str(label).split("; ") if isinstance(kind, Items) else label
    return Response(
        question_id=question.id,
        expert=str(row["expert"]),
        source=Source.MODEL,
        outcome=Outcome(str(row["outcome"])),
        answer=None if label is None else kind.parse(raw),
        confidence=_known(row["confidence"]),
        usage=Usage(cost_usd=_known(row["cost_usd"])),
    )


def _known(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
