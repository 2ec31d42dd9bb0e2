"""Ask a circle: the question, who is asked, what each writes as it comes, and the verdict."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import traitlets

from consilience.asking import KINDS, ROUNDS, Form, as_form, stopped
from consilience.errors import ConsilienceError, InvalidInput, StoreError
from consilience.experts.prices import price_words
from consilience.loop import background
from consilience.models import AnswerKind, Outcome, Question, Response, Source, Text
from consilience.notebook import wire
from consilience.notebook.verdicts import answer_card, line, verdict_card
from consilience.notebook.widget import Widget, action, drawn_by
from consilience.streaming import Asked, Decided, Ended, Event, Stream, Token

if TYPE_CHECKING:
    from consilience.circle import Circle
    from consilience.rounds import Rounds
    from consilience.verdict import Verdict

_LIVE = 60_000
_LISTED = 20
_FIELD = 50_000


class Ask(Widget):
    """Ask a circle in a notebook and watch its experts answer side by side.

    Parameters
    ----------
    circle
        Who is asked. Without one the widget says how to make one.
    question, context
        What stands in the form at first; nothing by default.
    answer
        The kind of answer that is chosen at first; a free text by default.
    deadline
        Seconds that a question may take; the circle's by default.
    rounds
        A strategy from `consilience.rounds`, or your own, that is chosen at first; once by default, and the form offers
        debate, Delphi and peer review.
    required
        Names of experts who must have answered, ticked at first; nobody by default, a majority of the asked is enough.

    Attributes
    ----------
    question
        What stands in the form, as it was typed last.
    verdict
        The verdict that is shown, a replay where one was chosen; ``None`` before the first.
    verdicts
        What the circle decided on each question that was asked here, oldest first, replays left out.
    circle
        Who is asked.

    Examples
    --------
    >>> import consilience as cs
    >>> ask = Ask(cs.Circle([cs.Scripted("ana", ["yes"])]), "Is water wet?", answer=cs.Label("yes", "no"))
    >>> ask.question, ask.verdict
    ('Is water wet?', None)
    """

    _esm, _css = drawn_by("ask", "verdict")

    state = traitlets.Unicode("ready").tag(sync=True)
    experts: traitlets.List[Any] = traitlets.List().tag(sync=True)
    kinds: traitlets.List[Any] = traitlets.List().tag(sync=True)
    form = traitlets.Dict().tag(sync=True)
    columns: traitlets.List[Any] = traitlets.List().tag(sync=True)
    elapsed = traitlets.Float(0.0).tag(sync=True)
    deadline = traitlets.Float(0.0).tag(sync=True)
    round = traitlets.Int(1).tag(sync=True)
    rounds: traitlets.List[Any] = traitlets.List().tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)
    history: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        circle: Circle | None = None,
        question: str = "",
        *,
        answer: AnswerKind | None = None,
        context: str = "",
        deadline: float | None = None,
        rounds: Rounds | None = None,
        required: Sequence[str] = (),
    ) -> None:
        kind = answer or Text()
        self.circle = circle
        self.verdict: Verdict | None = None
        self.verdicts: list[Verdict] = []
        self._own = kind
        self._own_rounds = rounds
        self._under_way: _UnderWay | None = None
        self._left: _UnderWay | None = None
        usual = {"question": question, "context": context, "first": "", "min_responses": "", "quorum": False}
        names = [] if circle is None else [expert.name for expert in circle.experts]
        super().__init__(
            state="empty" if circle is None else "ready",
            kinds=list(KINDS if kind.kind in KINDS else (*KINDS, kind.kind)),
            rounds=[*ROUNDS] if rounds is None else [*ROUNDS, wire.text(repr(rounds), 80)],
            form=usual
            | as_form(kind)
            | {"deadline": "" if deadline is None else f"{deadline:g}", "experts": names}
            | {"rounds": "once" if rounds is None else "own", "required": [*required]},
            experts=_marks(circle),
            deadline=0.0 if circle is None else circle.deadline,
        )
        if circle is not None:
            _priced(self, circle)

    @property
    def question(self) -> str:
        """What stands in the form."""
        return str(self.form.get("question", ""))

    @question.setter
    def question(self, text: str) -> None:
        self.publish(form=self.form | {"question": text})
        self.flush()

    @action
    def draft(self, form: Mapping[str, object]) -> None:
        """Keep what was typed, so that a page that is loaded again has it."""
        self.publish(form=_bounded(form))
        self.flush()

    @action
    def ask(self, form: Mapping[str, object] | None = None) -> None:
        """Ask what stands in the form, or the given one; return at once.

        Raises
        ------
        InvalidInput, EmptyQuestion, UnknownExpert
            It cannot be asked, or a question is under way.
        """
        fields = self.form if form is None else _bounded(form)
        with self._lock:
            if self._under_way is not None:
                raise InvalidInput("A question is under way: stop it, or wait for its verdict.")
            asked = Form(fields, self._own, self._own_rounds)
            circle = asked.circle(self._required())
            stream = circle.stream(asked.question, **asked.how)
            self._under_way = under_way = _UnderWay(circle)
            self._left = None
            self.publish(
                form=fields,
                state="asking",
                round=1,
                columns=under_way.columns,
                elapsed=0.0,
                shown={},
                error="",
            )
            self.flush()
            under_way.task = background.submit(self._follow(stream, under_way))

    @action
    def stop(self) -> None:
        """Stop the question that is under way; what came is kept until the next one."""
        with self._lock:
            under_way, self._under_way = self._under_way, None
            self._left = under_way
        if under_way is None:
            return
        if under_way.task is not None:
            under_way.task.cancel()
        under_way.stop()
        self.publish(state="stopped", **under_way.shown())
        self.flush()

    @action
    def decide(self) -> None:
        """Decide from the answers that had come when the question was stopped; it is not kept in the store."""
        left = self._left
        if left is None or left.question is None or not left.responses:
            raise InvalidInput("No answer had come when the question was stopped: ask it again.")
        self._take(stopped(left.question, left.circle, list(left.responses.values()), left.seconds))

    @action
    def replay(
        self,
        method: str | None = None,
        without: list[str] | None = None,
        weights: dict[str, float] | None = None,
    ) -> None:
        """Decide again from the same answers, by another method or without some experts; nobody is asked.

        Parameters
        ----------
        method, without, weights
            As in `Verdict.replay`; with none of them the circle's own verdict is shown again.
        """
        whole = self._whole()
        if method in (None, whole.method) and not without and not weights:
            self._show(whole)
            return
        self._show(whole.replay(method=method, without=without or [], weights=weights or None))  # type: ignore[arg-type]

    @action
    def look(self, id: str) -> None:  # noqa: A002 - the page's word
        """Show an earlier verdict of this widget."""
        found = next((verdict for verdict in self.verdicts if verdict.id == id), None)
        if found is None:
            raise InvalidInput(f"This widget has {len(self.verdicts):,} verdicts, none is {id!r}.")
        self._show(found)

    @action
    def collect(self) -> None:
        """Take answers that people gave after the deadline, and decide again with them; return at once."""
        background.submit(self._collect(self._required()))

    async def _collect(self, circle: Circle) -> None:
        try:
            found = await circle.collect()
        except ConsilienceError as error:
            self._say(str(error))
            return
        shown = self.verdict
        here = [
            verdict for verdict in found if shown is not None and verdict.question.id == shown.question.id
        ]
        for verdict in here:
            self._take(verdict)
        if not here:
            self._say("No late answer to this question has come yet: look again later.")

    def _required(self) -> Circle:
        if self.circle is None:
            raise InvalidInput(
                "A circle is required, there is none: circle = cs.Circle([...]), then Ask(circle)."
            )
        return self.circle

    def _whole(self) -> Verdict:
        shown = self.verdict
        if shown is None:
            raise InvalidInput("There is no verdict to decide again: ask first.")
        of = shown.replayed.of if shown.replayed else shown.id
        return next((verdict for verdict in self.verdicts if verdict.id == of), shown)

    async def _follow(self, stream: Stream, under_way: _UnderWay) -> None:
        try:
            async with stream:
                async for event in stream:
                    self._hear(event, under_way)
        except asyncio.CancelledError:
            raise
        except StoreError as error:
            self._fail(under_way, str(error), error.verdict)
        except ConsilienceError as error:
            self._fail(under_way, str(error))
        except Exception as error:  # noqa: BLE001 - the edge of a task that nobody awaits: it would end out of sight
            self._fail(under_way, f"{type(error).__name__}: {error}")

    def _hear(self, event: Event, under_way: _UnderWay) -> None:
        if isinstance(event, Decided):
            if self._end(under_way):
                self._take(event.verdict)
            return
        under_way.hear(event)
        if under_way is self._under_way:
            self.publish(**under_way.shown())

    def _fail(self, under_way: _UnderWay, error: str, verdict: Verdict | None = None) -> None:
        if not self._end(under_way):
            return
        if verdict is not None:
            self._take(verdict)
        else:
            self.publish(state="stopped", **under_way.shown())
        self.publish(error=error)

    def _end(self, under_way: _UnderWay) -> bool:
        """Return whether a question was still under way, which it is no more."""
        with self._lock:
            if self._under_way is not under_way:
                return False
            self._under_way = None
            return True

    def _take(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        self._show(verdict)

    def _show(self, verdict: Verdict) -> None:
        self.verdict = verdict
        listed = [line(each) for each in self.verdicts[: -_LISTED - 1 : -1]]
        self.publish(state="decided", shown=self._card(verdict), columns=[], history=listed)
        self.flush()

    def _card(self, verdict: Verdict) -> dict[str, object]:
        people = [
            wire.text(response.expert, 80)
            for response in verdict.responses
            if response.source is Source.PERSON and response.outcome is Outcome.TIMED_OUT
        ]
        kept = self.circle is not None and self.circle.store is not None and verdict.replayed is None
        return verdict_card(verdict, self._whole()) | {"late": people if kept else []}


class _UnderWay:
    """A question that is being asked: what each expert wrote and how it ended."""

    def __init__(self, circle: Circle) -> None:
        self.circle = circle
        self.question: Question | None = None
        self.round = 1
        self.responses: dict[str, Response] = {}
        self._ended: set[str] = set()
        self.task: concurrent.futures.Future[None] | None = None
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._stopped: float | None = None
        self._written = {expert.name: "" for expert in circle.experts}
        self._limit = min(4_000, _LIVE // len(circle.experts))

    @property
    def seconds(self) -> float:
        """Since it was asked, until it was stopped."""
        return (self._stopped or time.monotonic()) - self._started

    def stop(self) -> None:
        self._stopped = time.monotonic()

    def hear(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, Asked):
                self.question, self.round = event.question, event.round
                # What was answered before stands until the expert has answered again.
                self._ended.difference_update(event.experts)
                self._written.update(dict.fromkeys(event.experts, ""))
            elif isinstance(event, Token) and event.expert in self._written:
                self._written[event.expert] = (self._written[event.expert] + event.text)[-self._limit :]
            elif isinstance(event, Ended):
                self.responses[event.response.expert] = event.response
                self._ended.add(event.response.expert)

    def shown(self) -> dict[str, Any]:
        """Return what is shown of it, read when it is."""
        return {"columns": self.columns, "round": lambda: self.round, "elapsed": lambda: self.seconds}

    def columns(self) -> list[object]:
        with self._lock:
            return [self._column(expert.name, str(expert.source)) for expert in self.circle.experts]

    def _column(self, name: str, source: str) -> dict[str, object]:
        if name in self._ended:
            return answer_card(self.responses[name], self._limit)
        return {
            "who": wire.expert(name, source),
            "outcome": None,
            "text": wire.text(self._written[name], self._limit),
        }


def _marks(circle: Circle | None) -> list[dict[str, object]]:
    experts = [] if circle is None else circle.experts
    return [{**wire.expert(expert.name, str(expert.source)), "price": ""} for expert in experts]


def _priced(widget: Ask, circle: Circle) -> None:
    """Show prices as soon as they are read: the list is a tenth of a second to load."""

    async def read() -> None:
        words = await asyncio.to_thread(lambda: [price_words(expert) for expert in circle.experts])
        widget.publish(
            experts=[{**mark, "price": said} for mark, said in zip(_marks(circle), words, strict=True)]
        )

    background.submit(read())


def _bounded(form: Mapping[str, object]) -> dict[str, object]:
    return {
        str(name)[:40]: value[:_FIELD] if isinstance(value, str) else value
        for name, value in list(dict(form).items())[:40]
    }
