"""Who agrees with whom: a heat map of experts, the camps, who stands apart, and what two of them differ on."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import traitlets

from consilience import agreement as coefficients
from consilience.agreement import Coefficient, Pairwise, pairwise
from consilience.errors import ConsilienceError, InvalidInput
from consilience.evaluation import ComparedAnswers, circle_votes, compared_answers
from consilience.evaluation.compared import RunAnswers
from consilience.frames import Frame, to_polars
from consilience.loop import background
from consilience.markup import Html, escape, interval_bar, page, table
from consilience.notebook import wire
from consilience.notebook.widget import Widget, action, drawn_by

if TYPE_CHECKING:
    import polars as pl

_PAINT_SECONDS = 0.2
_NO_GOLD = "How many independent votes they are worth takes known answers: Agreement(frame, gold=known)."


@dataclass(frozen=True, slots=True)
class Method:
    """A coefficient as it is offered: its name on the page, the function, and its settings."""

    label: str
    function: Callable[..., Coefficient]
    settings: tuple[tuple[str, Any], ...] = ()


LABELS = {
    "krippendorff_alpha": Method("Krippendorff's alpha", coefficients.krippendorff_alpha),
    "fleiss_kappa": Method("Fleiss' kappa", coefficients.fleiss_kappa),
    "conger_kappa": Method("Cohen's kappa (Conger's for all)", coefficients.conger_kappa),
    "gwet_ac1": Method("Gwet's AC1", coefficients.gwet_ac1),
    "brennan_prediger": Method("Brennan-Prediger kappa", coefficients.brennan_prediger),
}
SCORES = {
    "icc": Method("ICC(2,1)", coefficients.icc),
    "interval_alpha": Method(
        "Krippendorff's alpha, interval", coefficients.krippendorff_alpha, (("level", "interval"),)
    ),
    "ordinal_alpha": Method(
        "Krippendorff's alpha, ordinal", coefficients.krippendorff_alpha, (("level", "ordinal"),)
    ),
}


@dataclass(frozen=True, slots=True)
class Compared:
    """What one method says: of all experts, of each two."""

    overall: Coefficient
    pairs: Pairwise


class Agreement(Widget):
    """A heat map of experts by experts, and the answers behind each of its cells.

    Parameters
    ----------
    source
        A long frame with ``task``, ``expert``, and ``label`` or ``score`` (and perhaps ``text``, shown beside the
        answers); the result of a run; or a frame of `Store.latest` or `Store.search`. ``None`` shows what to do.
    gold
        Known answers, ``task`` and ``label``: they say how many independent votes the experts are worth.
    method
        The coefficient to begin with, a name among `LABELS` or, for scores, `SCORES`.
    draws
        Bootstrap draws over tasks, for the intervals.

    Raises
    ------
    InvalidFrame
        The source cannot be compared.
    InvalidInput
        The method is not one of these.

    Examples
    --------
    >>> import consilience as cs
    >>> from consilience.notebook import Agreement
    >>> frame = {"task": [1, 1, 2, 2, 3, 3], "expert": ["ana", "ben"] * 3, "label": list("xxyyxy")}
    >>> seen = Agreement(frame)
    >>> round(seen.overall.value, 2), seen.select("ana", "ben"), seen.differing.rows()
    (0.44, None, [(3, 'x', 'y')])
    """

    _esm, _css = drawn_by("agreement")
    state = traitlets.Unicode("empty").tag(sync=True)
    experts: traitlets.List[Any] = traitlets.List().tag(sync=True)
    cells: traitlets.List[Any] = traitlets.List().tag(sync=True)
    camps: traitlets.List[Any] = traitlets.List().tag(sync=True)
    all_experts = traitlets.Dict().tag(sync=True)
    findings: traitlets.List[Any] = traitlets.List().tag(sync=True)
    votes = traitlets.Unicode("").tag(sync=True)
    methods: traitlets.List[Any] = traitlets.List().tag(sync=True)
    method = traitlets.Unicode("").tag(sync=True)
    pair = traitlets.Dict().tag(sync=True)
    task = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        source: RunAnswers | Frame | None = None,
        *,
        gold: Frame | None = None,
        method: str = "",
        draws: int = 500,
    ) -> None:
        self._answers = None if source is None else compared_answers(source)
        self._gold = _known(gold, source)
        self._draws = draws
        self._work: concurrent.futures.Future[Compared] | None = None
        self._differ: pl.DataFrame | None = None
        offered = SCORES if self._answers is not None and self._answers.value == "score" else LABELS
        if method and method not in offered:
            raise InvalidInput(f"method is one of {', '.join(offered)}, {method!r} came.")
        super().__init__(methods=[{"name": name, "label": each.label} for name, each in offered.items()])
        if self._answers is None:
            return
        self.choose(method or next(iter(offered)))
        with suppress(concurrent.futures.TimeoutError, ConsilienceError):
            # few experts are there with the first paint; what the work raises stands in `error`
            self._compared(_PAINT_SECONDS)
        self.flush()

    @property
    def pairs(self) -> Pairwise:
        """The coefficient of every two experts; waits until it is known."""
        return self._compared().pairs

    @property
    def matrix(self) -> pl.DataFrame:
        """The heat map as a table: ``expert`` and a column an expert, in the order of the page."""
        return self.pairs.matrix()

    @property
    def overall(self) -> Coefficient:
        """The coefficient of all experts."""
        return self._compared().overall

    @property
    def selected(self) -> tuple[str, str] | None:
        """The two experts whose cell is open."""
        return (self.pair["first"]["name"], self.pair["second"]["name"]) if self.pair else None

    @property
    def differing(self) -> pl.DataFrame:
        """What the two selected experts differ on: ``task``, ``first``, ``second``."""
        if self._differ is None:
            raise InvalidInput(
                "Two experts are required, none are selected: select('ana', 'ben'), or a cell."
            )
        return self._differ

    def select(self, first: str, second: str) -> None:
        """Open the cell of two experts."""
        self._differ = self.pairs.differ(first, second)
        between = self.pairs.between(first, second)
        self.publish(
            pair={
                "first": wire.expert(first),
                "second": wire.expert(second),
                "differ": len(self._differ),
                "tasks": self._both(first, second),
                "said": wire.text(str(between), 200),
            },
            task={},
        )
        self.flush()

    @action
    def choose(self, method: str) -> None:
        """Take another coefficient."""
        offered = SCORES if self._answers is not None and self._answers.value == "score" else LABELS
        if method not in offered or self._answers is None:
            raise InvalidInput(f"A method is one of {', '.join(offered)}, {method!r} came.")
        self.stop()
        self.publish(method=method, state="working")
        self._work = background.submit(self._compare(self._answers, offered[method]))

    @action
    def pick(self, first: int, second: int) -> None:
        """Open the cell of a row and a column."""
        names = self.pairs.experts
        if not (0 <= first < len(names) and 0 <= second < len(names)) or first == second:
            raise InvalidInput(f"Two of {len(names)} experts are required, {first} and {second} came.")
        self.select(names[first], names[second])

    @action
    def rows(self, first: int, to: int) -> None:
        """Send rows of what the selected two differ on."""
        shown = self.differing.slice(max(first, 0), min(max(to - first, 0), 500))
        rows = [[wire.text(cell, 400) for cell in row] for row in shown.iter_rows()]
        self.reply("rows", first=max(first, 0), rows=rows)

    @action
    def show(self, n: int) -> None:
        """Show a row in full: the words of the task, and what every expert said."""
        if self._answers is None or not 0 <= n < len(self.differing):
            raise InvalidInput(f"A row of {len(self.differing)} is required, {n} came.")
        task = self.differing["task"][n]
        said = self._answers.of(task)
        self.publish(
            task={
                "n": n,
                "name": wire.text(task, 200),
                "text": wire.text(self._answers.text_of(task), 8000),
                "said": [
                    [wire.expert(name), None if x is None else wire.text(x, 2000)]
                    for name, x in said.iter_rows()
                ],
            }
        )

    def stop(self) -> None:
        """End what is being computed."""
        if self._work is not None:
            self._work.cancel()

    def snapshot(self) -> str:
        """Return the matrix as a table for pages without the widget."""
        if self._answers is None or self._work is None or not self._work.done() or self._work.exception():
            return super().snapshot()
        overall, pairs = self.overall, self.pairs
        frame = pairs.matrix().head(20)
        shown = table(frame.columns[:21], (row[:21] for row in frame.iter_rows()), numeric=frame.columns[1:])
        said = "".join(f"<div class=cs-row>{escape(each)}</div>" for each in pairs.findings())
        bar = interval_bar(overall.value, overall.low, overall.high)
        return page(Html(f"{bar}{shown}{said}"), note=overall.explain())

    def _compared(self, seconds: float | None = None) -> Compared:
        if self._work is None:
            raise InvalidInput("Answers are required, none came: Agreement(frame).")
        return self._work.result(seconds)

    async def _compare(self, answers: ComparedAnswers, method: Method) -> Compared:
        try:
            found = await asyncio.to_thread(self._computed, answers, method)
            votes = await asyncio.to_thread(self._votes, answers)
        except ConsilienceError as error:
            self.publish(error=str(error), state="failed")
            raise
        self._show(found, votes)
        return found

    def _computed(self, answers: ComparedAnswers, method: Method) -> Compared:
        settings: dict[str, Any] = {**dict(method.settings), "draws": self._draws}
        if method.function in (coefficients.gwet_ac1, coefficients.brennan_prediger):
            # chance depends on the whole scale, also where two experts used part of it
            settings["labels"] = answers.frame["label"].drop_nulls().unique().sort().to_list()
        return Compared(
            method.function(answers.frame, **settings), pairwise(answers.frame, method.function, **settings)
        )

    def _votes(self, answers: ComparedAnswers) -> str:
        if self._gold is None or answers.value == "score":
            return _NO_GOLD if answers.value == "label" else ""
        return circle_votes(answers.frame, self._gold, draws=self._draws).explain()

    def _show(self, found: Compared, votes: str) -> None:
        names = found.pairs.experts
        between = [found.pairs.between(one, other) for one, other in combinations(names, 2)]
        known = self.selected
        self.publish(
            experts=[wire.expert(name) for name in names],
            cells=[[_short(c.value), _short(c.low), _short(c.high), c.n_tasks, c.note] for c in between],
            camps=[len(camp) for camp in found.pairs.camps],
            all_experts={
                "value": wire.number(found.overall.value),
                "low": wire.number(found.overall.low),
                "high": wire.number(found.overall.high),
                "said": wire.text(found.overall.explain(), 500),
            },
            findings=[wire.text(said, 1000) for said in found.pairs.findings()],
            votes=wire.text(votes, 1000),
            state="ready",
        )
        if known is not None:
            self.publish(pair={**self.pair, "said": str(found.pairs.between(*known))})
        self.flush()

    def _both(self, first: str, second: str) -> int:
        """Return how many tasks two experts answered both."""
        assert self._answers is not None
        import polars as pl

        frame = self._answers.frame.drop_nulls()
        own = [frame.filter(pl.col("expert") == name)["task"] for name in (first, second)]
        return len(own[0].filter(own[0].is_in(own[1].implode())))


def _known(gold: Frame | None, source: RunAnswers | Frame | None) -> pl.DataFrame | None:
    if gold is None:
        return None
    known = to_polars(gold)
    key = source.key if isinstance(source, RunAnswers) else "task"
    return known.rename({key: "task"}) if "task" not in known.columns and key in known.columns else known


def _short(value: float) -> float | None:
    found = wire.number(value)
    return None if found is None else round(found, 4)
