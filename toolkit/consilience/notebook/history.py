"""What was asked before: searched, read, compared, and decided again at no cost."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import traitlets

from consilience.errors import ConsilienceError, InvalidInput
from consilience.loop import background, call_in_thread
from consilience.markup import frame_table, page
from consilience.models import Items, Label, Ranking, Score, Text
from consilience.notebook import wire
from consilience.notebook.verdicts import verdict_card
from consilience.notebook.widget import Widget, action, drawn_by
from consilience.store import Store
from consilience.store.listing import experts_of, listed, newest

if TYPE_CHECKING:
    import polars as pl

    from consilience.verdict import Verdict

_KINDS = tuple(kind.kind for kind in (Label, Score, Text, Items, Ranking))
_SINCE = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}
_BLOCK = 200
_LINE = 160
_CELL = 600
_COMPARED = 200
_NO_FILTERS = {"text": "", "expert": "", "kind": "", "since": ""}


class History(Widget):
    """Search the history of a store, read its verdicts, compare two of them, and decide again from stored answers.

    While it is in sight it looks for new questions every two seconds, with one statement.

    Parameters
    ----------
    store
        A `Store` or its path. Without one the widget says how to make one.
    text
        What is looked for at first; nothing by default.
    n
        Questions at most, the newest.

    Attributes
    ----------
    frame
        Polars frame of the questions that fit, newest first: ``question_id, asked_at, question, answer_kind,
        headline`` and the columns of the verdict.
    selected
        Ids of the questions that are looked at: one, or the two that are compared.
    verdict
        The verdict that is shown, a replay where one was chosen; ``None`` when none is.
    store
        Where it reads.

    Examples
    --------
    >>> from consilience.notebook import History
    >>> history = History()
    >>> history.selected, history.verdict
    ([], None)
    >>> history.close()
    """

    _esm, _css = drawn_by("history", "verdict")

    state = traitlets.Unicode("ready").tag(sync=True)
    place = traitlets.Unicode("").tag(sync=True)
    filters = traitlets.Dict(_NO_FILTERS).tag(sync=True)
    kinds: traitlets.List[Any] = traitlets.List(list(_KINDS)).tag(sync=True)
    experts: traitlets.List[Any] = traitlets.List().tag(sync=True)
    found = traitlets.Dict().tag(sync=True)
    looked_at: traitlets.List[Any] = traitlets.List().tag(sync=True)
    card = traitlets.Dict().tag(sync=True)
    compared: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(
        self, store: Store | str | os.PathLike[str] | None = None, *, text: str = "", n: int = 10_000
    ) -> None:
        if n < 1:
            raise InvalidInput(f"History shows a number of questions from 1 up, n={n} came.")
        self.store = store if isinstance(store, Store) or store is None else Store(store)
        self.verdict: Verdict | None = None
        self._whole: Verdict | None = None
        self._n = n
        self._frame: pl.DataFrame | None = None
        self._version = 0
        self._reading = 0
        self._busy = False
        self._newest: tuple[object, ...] = ()
        super().__init__(
            state="empty" if self.store is None else "loading",
            place="" if self.store is None else wire.text(self.store.name, 80),
            filters=_NO_FILTERS | {"text": text[:_CELL]},
            found={"n": 0, "more": False, "version": 0},
        )
        if self.store is not None:
            self.refresh()
            background.submit(self._name())

    @property
    def selected(self) -> list[str]:
        """Ids of the questions that are looked at."""
        return list(self.looked_at)

    @property
    def frame(self) -> pl.DataFrame:
        """The questions that fit; read now when they were not before."""
        if self._frame is None:
            self._frame = self._read(self.filters)
        return self._frame

    def snapshot(self) -> str:
        """Return the newest of the questions that were found until now."""
        note = "History is drawn by a running notebook: run this cell to search and read."
        if self._frame is None:
            return page(note=note)
        return page(frame_table(self._frame.drop("question_id")), note=note)

    @action
    def need(self, start: int, end: int) -> None:
        """Send the rows that are in sight."""
        frame = self._frame
        if frame is None or start < 0:
            return
        part = frame.slice(start, min(end - start, _BLOCK))
        rows = [_line(row) for row in part.iter_rows(named=True)]
        self.reply("rows", start=start, version=self._version, rows=rows)

    @action
    def search(self, filters: Mapping[str, object]) -> None:
        """Look for a text, an expert, a kind of answer, a span of time."""
        known = {name: str(filters.get(name) or "")[:_CELL] for name in _NO_FILTERS}
        self.publish(filters=known, state="loading")
        self.flush()
        background.submit(self._list())

    @action
    def refresh(self) -> None:
        """Look for new questions; nothing when a look is under way."""
        if self.store is not None and not self._busy:
            self._busy = True
            background.submit(self._news())

    @action
    def look(self, number: int) -> None:
        """Show the question of a row."""
        self._pick([self._id(number)])

    @action
    def compare(self, number: int) -> None:
        """Show the question of a row beside the one that is shown."""
        other = self._id(number)
        if self.looked_at and self.looked_at[0] != other:
            self._pick([self.looked_at[0], other])

    @action
    def single(self) -> None:
        """Show the first of the compared questions alone."""
        self._pick(self.selected[:1])

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
            As in `Verdict.replay`; with none of them the stored verdict is shown again.
        """
        if self._whole is None:
            raise InvalidInput("There is no verdict to decide again: choose a question first.")
        whole = self._whole
        if method in (None, whole.method) and not without and not weights:
            self._show(whole)
            return
        self._show(whole.replay(method=method, without=without or [], weights=weights or None))  # type: ignore[arg-type]

    def _id(self, number: int) -> str:
        frame = self._frame
        if frame is None or not 0 <= number < frame.height:
            raise InvalidInput("That row is not in the list any more: choose one that is shown.")
        return str(frame["question_id"][number])

    def _pick(self, ids: list[str]) -> None:
        self._reading += 1
        self.verdict = self._whole = None
        self.publish(looked_at=ids, card={}, compared=[])
        self.flush()
        if len(ids) == 2:
            background.submit(self._beside(ids, self._reading))
        elif ids:
            background.submit(self._detail(ids[0], self._reading))

    def _show(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.publish(card=verdict_card(verdict, self._whole))
        self.flush()

    def _read(self, filters: Mapping[str, str]) -> pl.DataFrame:
        if self.store is None:
            raise InvalidInput("A store is required, there is none: History(cs.Store('history.duckdb')).")
        span = _SINCE.get(filters["since"])
        return listed(
            self.store,
            filters["text"].strip(),
            self._n + 1,
            expert=filters["expert"] or None,
            kind=filters["kind"] or None,
            since=None if span is None else datetime.now(UTC) - span,
        )

    async def _news(self) -> None:
        found = await self._in_thread(newest, self.store)
        if found not in (None, self._newest):
            await self._list()
            self._newest = found  # read before the list, which may hold more: then the next look lists again
        self._busy = False

    async def _list(self) -> None:
        filters = dict(self.filters)
        frame = await self._in_thread(self._read, filters)
        if filters != dict(self.filters):
            return  # another search was begun meanwhile, and shows its own
        if frame is None:
            self.publish(state="ready")
            return
        with self._lock:
            more, frame = frame.height > self._n, frame.head(self._n)
            if self._frame is None or not frame.equals(self._frame):
                self._frame, self._version = frame, self._version + 1
            at = self._frame["question_id"].index_of(self.looked_at[0]) if self.looked_at else None
        self.publish(
            state="ready",
            found={
                "n": frame.height,
                "more": more,
                "version": self._version,
                "at": -1 if at is None else at,
            },
        )

    async def _name(self) -> None:
        names = await self._in_thread(experts_of, self.store)
        self.publish(experts=[wire.text(name, 80) for name in names or ()])

    async def _detail(self, question_id: str, reading: int) -> None:
        assert self.store is not None
        verdict = await self._in_thread(self.store.verdict, question_id)
        if verdict is None or reading != self._reading:
            return
        # decided again from what is stored, which is the stored verdict until the person chooses otherwise
        kept = verdict.replayed.of if verdict.replayed else verdict.id
        self._whole = replace(verdict, id=kept, replayed=None)
        self._show(self._whole)

    async def _beside(self, ids: list[str], reading: int) -> None:
        assert self.store is not None
        frame = await self._in_thread(self.store.compare, *ids)
        if frame is not None and reading == self._reading:
            rows = [
                [wire.text(what, 80), _said(a), _said(b), same]
                for what, a, b, same in frame.head(_COMPARED).iter_rows()
            ]
            self.publish(compared=rows)

    async def _in_thread(self, function: Callable[..., Any], *args: object) -> Any:
        """Return what a function that blocks gives; ``None`` when it could not, which is shown."""
        try:
            return await call_in_thread(function, *args)
        except (ConsilienceError, OSError) as error:
            self.publish(error=str(error))
            return None


def _said(value: str | None) -> str | None:
    return None if value is None else wire.text(value, _CELL)


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    said = row["headline"]
    return {
        "id": row["question_id"],
        "question": wire.text(" ".join(str(row["question"]).split()), _LINE),
        "kind": wire.text(row["answer_kind"], 40),
        "headline": "" if said is None else wire.text(" ".join(said[: 4 * _LINE].split()), _LINE),
        "support": "" if row["support_of"] is None else f"{row['support_n']} of {row['support_of']}",
        "degraded": bool(row["degraded"]),
        "at": row["asked_at"].isoformat(),
    }
