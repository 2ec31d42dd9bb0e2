"""Experts: how each does, who errs with whom, and what their votes are worth together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmu

from consilience.dashboards.downloads import as_csv, download
from consilience.dashboards.look import figure
from consilience.dashboards.query import Known, Query
from consilience.dashboards.section import Section, empty
from consilience.dashboards.tiles import amount, share, usd
from consilience.errors import InvalidFrame, InvalidInput
from consilience.markup import Html, colour, escape, expert_mark, table

if TYPE_CHECKING:
    import polars as pl

    from consilience.dashboards.visit import Visit
    from consilience.evaluation import CircleReport, UnverifiedReport
    from consilience.store import Store

_HINT = (
    'import consilience as cs\ncs.Circle(["local:smollm2"], store="history.duckdb").ask_sync("Is ice cold?")'
)
_SPANS = {"7 days": "7d", "30 days": "30d", "a year": "365d"}
_DAYS = {"7d": 7, "30d": 30, "365d": 365}
_TASKS = 20_000
_DRAWS = 200
_EACH = """
SELECT expert, any_value(source) AS source, count(*) AS n,
    count(CASE WHEN outcome = 'answered' THEN 1 END) AS answered,
    count(CASE WHEN outcome IN ('timed out', 'failed', 'circuit open', 'unparseable') AND source <> 'person'
        THEN 1 END) AS bad,
    percentile_cont(0.50) WITHIN GROUP (ORDER BY latency_s) AS p50,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_s) AS p95,
    sum(cost_usd) AS cost, count(cost_usd) AS priced
FROM responses WHERE asked_at >= ? GROUP BY expert ORDER BY n DESC, expert LIMIT 100
"""
_LABELS = """
WITH chosen AS (
    SELECT id, asked_at FROM questions WHERE asked_at >= ? AND answer_kind = 'label' ORDER BY asked_at DESC, id LIMIT ?
)
SELECT r.question_id AS task, r.expert, r.source, r.answer AS label, r.confidence, r.cost_usd
FROM responses r JOIN chosen q ON r.question_id = q.id AND r.asked_at = q.asked_at
WHERE r.asked_at >= (SELECT min(asked_at) FROM chosen)
    AND r.outcome NOT IN ('not needed')
"""
_WITH_THE_CIRCLE = """
SELECT date_trunc('day', r.asked_at) AS day, r.expert, count(*) AS n,
    avg(CASE WHEN r.answer = v.answer THEN 1.0 ELSE 0.0 END) AS agreed
FROM responses r JOIN verdicts v ON v.question_id = r.question_id AND v.asked_at = r.asked_at
WHERE r.asked_at >= ? AND r.outcome = 'answered' AND v.answer IS NOT NULL
    AND v.decision IN ('majority', 'plurality') GROUP BY 1, 2 HAVING count(*) >= 5 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """How the experts do over a span of time.

    Parameters
    ----------
    each
        A row an expert: calls, outcomes, latencies, cost.
    days
        A row a day and expert: how often it said what the circle decided.
    report
        What the answers to questions with labels say; ``None`` where there are too few.
    gold
        Questions that a person answered: the known answers.
    why
        Why there is no report.
    """

    each: pl.DataFrame
    days: pl.DataFrame
    report: CircleReport | UnverifiedReport | None
    gold: int
    why: str = ""


def read_experts(store: Store, days: int) -> Standing:
    """Return how the experts did in the last days; three statements, and the evaluation of up to 20,000 questions."""
    since = datetime.now(UTC) - timedelta(days=days)
    each = store.read(_EACH, since)
    if not each.height:
        return Standing(each, each, None, 0)
    answers = store.read(_LABELS, since, _TASKS).unique(("task", "expert"), keep="last", maintain_order=True)
    gold, report, why = _judged(answers)
    return Standing(each, store.read(_WITH_THE_CIRCLE, since), report, gold, why)


def _judged(answers: pl.DataFrame) -> tuple[int, CircleReport | UnverifiedReport | None, str]:
    """Hold the models' answers against what people said of the same questions."""
    import polars as pl

    from consilience.evaluation import evaluate

    people = pl.col("source") == "person"
    said = (
        answers.filter(people & pl.col("label").is_not_null())
        .group_by("task")
        .agg(pl.col("label").unique().sort(), n=pl.col("label").n_unique())
    )
    gold = said.filter(pl.col("n") == 1).select("task", pl.col("label").list.first())
    others = answers.filter(~people).drop("source")
    try:
        if gold.height and others.join(gold, on="task").height:
            return gold.height, evaluate(others, gold, draws=_DRAWS), ""
        return 0, evaluate(others, draws=_DRAWS), ""
    except (InvalidFrame, InvalidInput) as error:
        return gold.height, None, str(error)


def build(visit: Visit) -> Any:
    """Return the page."""
    return _Page(visit).view


class _Page:
    """A span of time, and what is known of the experts in it."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        span = visit.params.get("since", "30d")
        self._days = _DAYS.get(span, 30)
        chosen = pmu.Select(
            label="Asked in the last",
            options=_SPANS,
            value=span if span in _DAYS else "30d",
            width=176,
            size="small",
            margin=(8, 0),
        )
        chosen.param.watch(lambda event: visit.go("experts", since=event.new), "value")
        days = self._days
        self._query = Query(("experts", days), lambda store: read_experts(store, days), ages=300.0)
        self._trend = _Trend(visit, self._query)
        self.view = pn.Column(
            chosen,
            visit.section(self._query, drawn, rows=8),
            self._trend.column,
            pn.Row(download(visit, "Download as CSV", "experts.csv", self._csv), margin=(24, 0, 0, 0)),
            sizing_mode="stretch_width",
            margin=0,
        )

    def _csv(self) -> bytes:
        return as_csv(self._visit.store.read(_EACH, datetime.now(UTC) - timedelta(days=self._days)))


def drawn(found: Standing) -> Html:
    """Return the experts as a table, and below it what their answers say of the circle."""
    if not found.each.height:
        return empty("Nobody was asked in this time. Ask something, and its experts appear here.", _HINT)
    rows = [
        (
            expert_mark(row["expert"], row["source"]),
            f"{row['n']:,}",
            share(row["answered"] / row["n"]),
            share(row["bad"] / row["n"]),
            amount(row["p50"], "", 2),
            amount(row["p95"], "", 2),
            usd(row["cost"]),
            "" if row["priced"] == row["n"] else f"{row['n'] - row['priced']:,}",
        )
        for row in found.each.iter_rows(named=True)
    ]
    columns = ("expert", "asked", "answered", "failed", "p50, s", "p95, s", "cost", "of unknown price")
    body = table(columns, rows, numeric=columns[1:])
    scroll = f"<div class=cs-scroll tabindex=0 role=region aria-label=Experts>{body}</div>"
    return Html(scroll + _report(found))


def _report(found: Standing) -> str:
    head = "<h2>Did the circle help?</h2>"
    if found.report is None:
        return head + empty(found.why or "No question with labels was asked in this time.")
    if found.gold:
        told = f"Against what people said: {found.gold:,} questions that a person answered, and no two differently."
    else:
        told = "No person has answered a question with labels in this time, so who is right is not known. See Review."
    return f"{head}<p class=cs-m>{escape(told)}</p>{found.report._repr_html_()}"


class _Trend:
    """How often each expert said what the circle decided, by day."""

    def __init__(self, visit: Visit, query: Query[Standing]) -> None:
        self.column = pn.Column(sizing_mode="stretch_width", margin=0)
        self._sources: dict[str, Any] = {}
        self._plot: Any = None
        visit.live(query, self._show)

    def _show(self, known: Known[Standing]) -> None:
        days = None if known.value is None else known.value.days
        if days is None or "agreed" not in days.columns or days["day"].n_unique() < 2:
            return
        for rows in days.partition_by("expert", maintain_order=True):
            name = str(rows["expert"][0])
            data = {"x": rows["day"].to_numpy(), "y": rows["agreed"].to_numpy()}
            if name in self._sources:
                self._sources[name].data = data
            else:
                self._add(name, data)

    def _add(self, name: str, data: dict[str, Any]) -> None:
        from bokeh.models import ColumnDataSource

        if self._plot is None:
            self._plot = figure("day, UTC", "said what the circle decided, share", x_axis_type="datetime")
            head = Section(
                Html(
                    "<h2>With the circle</h2>"
                    "<p class=cs-m>Share of each day's answers that the circle decided for.</p>"
                )
            )
            self.column[:] = [head, pn.pane.Bokeh(self._plot, sizing_mode="stretch_width", margin=0)]
        source = self._sources[name] = ColumnDataSource(data)
        self._plot.line("x", "y", source=source, color=colour(name), line_width=2, legend_label=name[:40])
        self._plot.scatter("x", "y", source=source, color=colour(name), size=6)
