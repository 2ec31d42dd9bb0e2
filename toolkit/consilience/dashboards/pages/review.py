"""Review: people answer here, blind, as members of the circle."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmu

from consilience.dashboards.query import Known, Query
from consilience.dashboards.roles import Role
from consilience.dashboards.section import Section, empty, failed, skeleton
from consilience.experts.human.desk import Desk
from consilience.markup import Html, escape
from consilience.models import Items, Label, Question, Ranking, Score

if TYPE_CHECKING:
    from consilience.dashboards.visit import Visit
    from consilience.store import Store

_WAITING = 200
_DAYS = 30
# The least certain first: those without a decision, then by how few stand behind the answer.
_UNSURE = """
WITH newest AS (
    SELECT question_id, asked_at, decision, degraded, support_share,
        row_number() OVER (PARTITION BY question_id ORDER BY decided_at DESC, id) AS nth
    FROM verdicts WHERE asked_at >= ?
), seen AS (
    SELECT DISTINCT question_id FROM responses
    WHERE asked_at >= ? AND expert = ? AND outcome IN ('answered', 'abstained')
)
SELECT n.question_id FROM newest n LEFT JOIN seen s ON s.question_id = n.question_id
WHERE n.nth = 1 AND s.question_id IS NULL
    AND (n.degraded OR n.decision IN ('tie', 'no majority', 'no answer', 'no quorum') OR n.support_share < 1)
ORDER BY CASE WHEN n.decision IN ('tie', 'no majority', 'no answer', 'no quorum') THEN 0 ELSE 1 END,
    n.support_share NULLS FIRST, n.asked_at DESC, n.question_id LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question that a person may answer, and nothing of what others said.

    Parameters
    ----------
    question
        The question.
    asked
        Whether a circle asked this person for it; the others are the unsure ones of everybody.
    """

    question: Question
    asked: bool


def read_waiting(store: Store, person: str) -> tuple[Waiting, ...]:
    """Return what waits for a person, their own questions first, then what the circles are least sure of."""
    from consilience.store.recorded import recorded

    own = [Waiting(pending.question, True) for pending in Desk(person, store=store).open(_WAITING)]
    since = datetime.now(UTC) - timedelta(days=_DAYS)
    ids = store.read(_UNSURE, since, since, person, _WAITING)["question_id"].to_list()
    known = {one.question.id: one.question for one in recorded(store, ids)} if ids else {}
    mine = {waiting.question.id for waiting in own}
    unsure = [Waiting(known[each], False) for each in ids if each in known and each not in mine]
    return (*own, *unsure)


def build(visit: Visit) -> Any:
    """Return the page."""
    return _Page(visit).view


class _Page:
    """One question at a time; what was answered or put off does not come back in this visit."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._person = visit.viewer.name or visit.params.get("person", "") or getpass.getuser()
        self._left: set[str] = set()
        self._waiting: tuple[Waiting, ...] = ()
        self._now: Waiting | None = None
        self._done = 0
        self._head = Section(skeleton(2))
        self._form = pn.Column(sizing_mode="stretch_width", margin=0)
        self.view = pn.Column(*self._named(), self._head, self._form, sizing_mode="stretch_width", margin=0)
        person = self._person
        visit.live(
            Query(("review", person), lambda store: read_waiting(store, person), ages=60.0), self._show
        )

    def _named(self) -> list[Any]:
        """Where nobody signs in, whoever looks says who they are."""
        if self._visit.viewer.name:
            return []
        who = pmu.TextInput(label="You answer as", value=self._person, width=240, size="small", margin=(8, 0))
        who.param.watch(lambda event: self._visit.go("review", person=event.new.strip()), "value")
        return [who]

    def _show(self, known: Known[tuple[Waiting, ...]]) -> None:
        if known.error is not None:
            self._head.draw(failed(str(known.error)))
            return
        self._waiting = known.value or ()
        self._next()

    def _open(self) -> list[Waiting]:
        return [each for each in self._waiting if each.question.id not in self._left]

    def _next(self) -> None:
        rest = self._open()
        if self._now is not None and self._now in rest:
            self._draw_head(rest)
            return
        self._now = rest[0] if rest else None
        if self._now is None:
            said = f"You answered {self._done:,}. " if self._done else ""
            self._head.draw(
                empty(
                    f"{said}Nothing waits for {self._person}. What the circles are unsure of appears here by itself."
                )
            )
            self._form[:] = []
            return
        self._draw_head(rest)
        self._form[:] = [
            Section(asked_of(self._now.question)),
            Answering(self._now.question, self._answer, self._put_off).view,
        ]

    def _draw_head(self, rest: list[Waiting]) -> None:
        now = self._now
        own = sum(each.asked for each in rest)
        who = "A circle asks you this." if now is not None and now.asked else "The circle is unsure of this."
        self._head.draw(
            Html(
                f"<p class=cs-m>{escape(who)} You see nobody's answer before yours. Waiting: {len(rest):,}, of them "
                f"{own:,} asked of {escape(self._person, 80)}; answered in this visit: {self._done:,}.</p>"
            )
        )

    def _answer(self, answer: object) -> None:
        now = self._now
        assert now is not None

        def submit() -> bool:
            self._visit.audit("review", now.question.id)
            Desk(self._person, store=self._visit.store).submit(now.question.id, answer)
            return True

        if self._visit.act(Role.REVIEWER, "Answering a question", submit):
            self._done += 1
            self._visit.notify("Your answer is kept, and counts as one of the circle's.")
            self._put_off()

    def _put_off(self) -> None:
        if self._now is not None:
            self._left.add(self._now.question.id)
        self._now = None
        self._next()


def asked_of(question: Question) -> Html:
    """Return a question as a person reads it before answering."""
    context = f"<div class=cs-context>{escape(question.context, 20_000)}</div>" if question.context else ""
    return Html(f"<div class=cs-asked>{escape(question.text, 20_000)}</div>{context}")


class Answering:
    """The controls for one answer of a kind.

    Parameters
    ----------
    question
        What is asked.
    answer
        Called with the raw answer; ``None`` abstains.
    put_off
        Called for later.
    """

    def __init__(self, question: Question, answer: Any, put_off: Any) -> None:
        self._answer = answer
        kind = question.answer
        abstain = pmu.Button(label="I cannot say", variant="text", size="small")
        abstain.on_click(lambda _event: answer(None))
        later = pmu.Button(label="Later", variant="text", size="small")
        later.on_click(lambda _event: put_off())
        field = self._choices(kind) if isinstance(kind, Label) else self._field(kind)
        self.view = pn.Column(
            field, pn.Row(abstain, later, margin=(8, 0)), sizing_mode="stretch_width", margin=0
        )

    def _choices(self, kind: Label) -> Any:
        buttons = []
        for choice in kind.choices:
            button = pmu.Button(label=choice[:80], variant="outlined", margin=0)
            button.on_click(lambda _event, choice=choice: self._answer(choice))
            buttons.append(button)
        return pn.FlexBox(*buttons, gap="8px", margin=(16, 0))

    def _field(self, kind: Any) -> Any:
        send = pmu.Button(label="Answer", variant="contained", margin=(8, 0))
        if isinstance(kind, Score):
            field = pmu.FloatInput(
                label=f"A number from {kind.low:g} to {kind.high:g}", value=None, width=256
            )
            send.on_click(lambda _event: self._answer("" if field.value is None else field.value))
        elif isinstance(kind, Ranking):
            field = pmu.MultiChoice(
                label="In order, the best first", options=list(kind.items), value=[], width=480
            )
            send.on_click(lambda _event: self._answer(list(field.value)))
        else:
            label = "One recommendation a line" if isinstance(kind, Items) else "Your answer"
            field = pmu.TextAreaInput(
                label=label, value="", rows=5, max_length=100_000, sizing_mode="stretch_width"
            )
            send.on_click(lambda _event: self._answer(_written(kind, field.value)))
        return pn.Column(field, send, sizing_mode="stretch_width", margin=(16, 0))


def _written(kind: Any, text: str) -> object:
    if isinstance(kind, Items):
        return [line.strip() for line in text.splitlines() if line.strip()]
    return text
