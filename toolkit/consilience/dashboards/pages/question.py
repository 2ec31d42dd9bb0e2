"""One question: its verdict, every answer side by side, and the same answers decided in another way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmu

from consilience.dashboards.address import written_address
from consilience.dashboards.downloads import as_csv, download
from consilience.dashboards.query import Known, Query
from consilience.dashboards.section import Section, failed, skeleton
from consilience.errors import ConsilienceError
from consilience.markup import Html, escape, table

if TYPE_CHECKING:
    import polars as pl

    from consilience.dashboards.visit import Visit
    from consilience.store import Store
    from consilience.store.recorded import StoredQuestion
    from consilience.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Shown:
    """A question and its verdict; ``None`` where nobody has answered yet."""

    stored: StoredQuestion
    verdict: Verdict | None = field(compare=False)  # made of the answers, anew at each reading


def read_question(store: Store, question_id: str) -> Shown:
    """Return a question and the verdict on it, decided again from its stored answers; one statement."""
    from consilience.store.recall import recalled

    stored = store.question(question_id)
    return Shown(stored, recalled(stored) if stored.responses else None)


def build(visit: Visit) -> Any:
    """Return the page of the question that the URL names."""
    return _Question(visit, visit.params["id"]).view


class _Question:
    """A verdict's card, the controls that decide again, and another question beside it."""

    def __init__(self, visit: Visit, question_id: str) -> None:
        self._visit, self._id = visit, question_id
        self._card = Section(skeleton(8))
        self._again = pn.Column(sizing_mode="stretch_width", margin=0)
        self._replayed = Section()
        self._verdict: Verdict | None = None
        visit.live(
            Query(("question", question_id), lambda store: read_question(store, question_id)), self._show
        )
        self.view = pn.Column(
            Section(Html(f"<p><a href='{escape(_back(visit))}'>All questions</a></p>")),
            self._card,
            self._again,
            self._replayed,
            self._beside(),
            self._foot(),
            sizing_mode="stretch_width",
            margin=0,
        )

    def _show(self, known: Known[Shown]) -> None:
        found = known.value
        if known.error is not None or found is None:
            self._card.draw(failed(str(known.error)))
            return
        shown = found.verdict or found.stored
        self._card.draw(Html(shown._repr_html_()))
        first, self._verdict = self._verdict is None, found.verdict
        if found.verdict is not None:
            if first:
                self._again[:] = [self._controls(found.verdict)]
            self._decide()

    def _controls(self, verdict: Verdict) -> Any:
        from consilience.verdict.methods import methods_for

        params = self._visit.params
        methods = {"as it was decided": ""} | {
            str(name): str(name) for name in methods_for(verdict.question.answer)
        }
        names = [response.expert for response in verdict.responses]
        method = pmu.Select(
            label="Method",
            options=methods,
            value=_among(params.get("method", ""), methods.values()),
            width=216,
            size="small",
            margin=0,
        )
        without = pmu.MultiChoice(
            label="Without",
            options=names,
            value=[name for name in _names(params) if name in names],
            width=320,
            margin=0,
        )
        method.param.watch(lambda event: self._changed(method=event.new), "value")
        without.param.watch(
            lambda event: self._changed(without=json.dumps(event.new) if event.new else ""), "value"
        )
        head = Section(
            Html(
                "<h2>Decide again</h2>"
                "<p class=cs-m>From the stored answers; nobody is asked, and nothing is spent.</p>"
            )
        )
        return pn.Column(
            head, pn.FlexBox(method, without, gap="16px", margin=0), margin=0, sizing_mode="stretch_width"
        )

    def _changed(self, **params: str) -> None:
        self._visit.put(**params)
        self._decide()

    def _decide(self) -> None:
        from consilience.verdict.methods import checked_method

        params, verdict = self._visit.params, self._verdict
        method, without = params.get("method", ""), _names(params)
        if verdict is None or not (method or without):
            self._replayed.draw("")
            return
        try:
            chosen = checked_method(verdict.question.answer, method) if method else None
            again = verdict.replay(method=chosen, without=without)
            self._replayed.draw(Html(again._repr_html_()))
        except ConsilienceError as error:
            self._replayed.draw(failed(str(error)))

    def _beside(self) -> Any:
        other = self._visit.params.get("with", "")
        find = pmu.TextInput(
            label="Compare with",
            placeholder="the id of another question, from its URL",
            value=other,
            width=320,
            size="small",
            margin=0,
        )
        find.param.watch(
            lambda event: self._visit.go("questions", id=self._id, **{"with": _id_in(event.new)}), "value"
        )
        parts: list[Any] = [Section(Html("<h2>Side by side</h2>")), find]
        if other:
            query = Query(
                ("compare", self._id, other), lambda store: compared(store.compare(self._id, other))
            )
            parts.append(self._visit.section(query, Html, rows=6))
        return pn.Column(*parts, sizing_mode="stretch_width", margin=0)

    def _foot(self) -> Any:
        def answers() -> bytes:
            return as_csv(self._visit.store.question(self._id).to_polars())

        return pn.Row(
            download(self._visit, "Download the answers", "answers.csv", answers), margin=(24, 0, 0, 0)
        )


def compared(frame: pl.DataFrame) -> Html:
    """Return two questions side by side; what differs is marked in words."""
    rows = [(what, a, b, "" if same else "differs") for what, a, b, same in frame.iter_rows()]
    body = table(("what", "this one", "the other", "difference"), rows)
    return Html(f"<div class=cs-scroll tabindex=0 role=region aria-label='Side by side'>{body}</div>")


def _names(params: dict[str, str]) -> list[str]:
    try:
        found = json.loads(params.get("without", "") or "[]")
    except ValueError:
        return []
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _among(value: str, choices: Any) -> str:
    return value if value in choices else ""


def _id_in(text: str) -> str:
    """Return the id in what was pasted: an id, or the URL of a question."""
    from consilience.dashboards.address import read_address

    _, mark, search = text.strip().partition("?")
    return read_address(search).get("id", "") if mark else text.strip()


def _back(visit: Visit) -> str:
    left = ("id", "with", "method", "without")
    return written_address({"page": "questions"} | {k: v for k, v in visit.params.items() if k not in left})
