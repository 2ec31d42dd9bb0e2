"""Overview: whether all is well, and what it costs."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmu

from consilience.dashboards.look import INK, figure, span
from consilience.dashboards.query import Known, Query
from consilience.dashboards.roles import Role
from consilience.dashboards.section import Section, empty
from consilience.dashboards.standing import Standing, read_standing
from consilience.dashboards.thresholds import THRESHOLDS, set_thresholds
from consilience.dashboards.tiles import Tile, amount, share, tiles, usd
from consilience.dashboards.visit import Visit
from consilience.errors import InvalidInput
from consilience.markup import Html

STANDING: Query[Standing] = Query(("overview",), read_standing, ages=30.0)
_HINT = (
    'import consilience as cs\ncs.Circle(["local:smollm2"], store="history.duckdb").ask_sync("Is ice cold?")'
)


def build(visit: Visit) -> Any:
    """Return the page."""
    return pn.Column(
        visit.section(STANDING, drawn, rows=4),
        _Trends(visit).column,
        _Editor(visit).column if visit.viewer.may(Role.OPERATOR) else Section(),
        sizing_mode="stretch_width",
        margin=0,
    )


def drawn(found: Standing) -> Html:
    """Return the figures as tiles, or what to do when there is none yet."""
    if not (found.n or found.days.height or found.cost):
        return Html(
            empty("Nothing was asked in the last 30 days. Ask something, and it appears here.", _HINT)
            + tiles([_reviews(found)] if found.reviews else [])
        )
    return Html(tiles(_tiles(found)))


def _tiles(found: Standing) -> list[Tile]:
    unknown = f"; price of {found.unknown:,} unknown" if found.unknown else ""
    rate, hits, pool = (
        None if x is None else 100 * x for x in (found.error_rate, found.hit_rate, found.pool_use)
    )
    return [
        Tile(
            "Latency p95, 24 hours",
            amount(found.p95, "s"),
            f"p50 {amount(found.p50, 's')}, p99 {amount(found.p99, 's')}",
            _over(found, "latency", found.p95),
        ),
        Tile(
            "Error rate, 24 hours",
            share(found.error_rate),
            f"{found.bad:,} of {found.n:,} calls" if found.n else "no calls",
            _over(found, "errors", rate),
        ),
        Tile(
            "Cache hit rate, 24 hours",
            share(found.hit_rate),
            "answers that needed no call" if hits is not None else "no figures",
            _over(found, "cache", hits),
        ),
        Tile(
            "Pool use, last hour",
            share(found.pool_use),
            "fullest pool" if pool is not None else "no figures",
            _over(found, "pool", pool),
        ),
        Tile(
            "Cost today, UTC",
            usd(found.cost),
            f"{usd(found.forecast)} by midnight at this pace{unknown}",
            _over(found, "cost", found.forecast),
        ),
        Tile(
            "Agreement, last 7 days",
            amount(found.agreement),
            "mean of verdicts; 0 is chance",
            _over(found, "agreement", found.agreement),
        ),
        _reviews(found),
    ]


def _reviews(found: Standing) -> Tile:
    more = "unsure, and seen by nobody" if found.reviews else "nothing waits for a person"
    return Tile("Open reviews", f"{found.reviews:,}", more, _over(found, "reviews", found.reviews))


def _over(found: Standing, name: str, value: float | None) -> str:
    threshold, limit = THRESHOLDS[name], found.limits[name]
    if not threshold.crossed(value, limit):
        return ""
    return f"{'below' if threshold.least else 'above'} {limit:g} {threshold.unit}"


class _Trends:
    """Latency by hour and agreement by day; drawn when there is something to draw."""

    def __init__(self, visit: Visit) -> None:
        self.column = pn.FlexBox(sizing_mode="stretch_width", margin=0, gap="24px")
        self._sources: list[Any] = []
        visit.live(STANDING, self._show)

    def _show(self, known: Known[Standing]) -> None:
        found = known.value
        if found is None or not (found.hours.height or found.days.height):
            return
        hours = {
            "x": found.hours["hour"].to_numpy(),
            "p50": found.hours["p50"].to_numpy(),
            "p95": found.hours["p95"].to_numpy(),
        }
        days = {"x": found.days["day"].to_numpy(), "y": found.days["agreement"].to_numpy()}
        if self._sources:
            self._sources[0].data, self._sources[1].data = hours, days
        else:
            self._draw(hours, days)

    def _draw(self, hours: dict[str, Any], days: dict[str, Any]) -> None:
        from bokeh.models import ColumnDataSource

        self._sources = [ColumnDataSource(hours), ColumnDataSource(days)]
        latency = figure("hour, UTC", "latency, s", x_axis_type="datetime", x_range=span(hours=6))
        for name, dash in (("p95", "solid"), ("p50", "dashed")):
            latency.line("x", name, source=self._sources[0], color=INK, line_dash=dash, line_width=2)
            latency.scatter("x", name, source=self._sources[0], color=INK, size=5)
        agreement = figure(
            "day, UTC", "agreement, 1 is perfect", x_axis_type="datetime", x_range=span(days=7)
        )
        agreement.line("x", "y", source=self._sources[1], color=INK, line_width=2)
        agreement.scatter("x", "y", source=self._sources[1], color=INK, size=5)
        self.column[:] = [
            _captioned(
                "Latency", "p95 is the solid line, p50 the dashed one, over the last 24 hours.", latency
            ),
            _captioned(
                "Agreement",
                "Mean of the verdicts of each day, over the last 30 days; 0 is chance.",
                agreement,
            ),
        ]


def _captioned(title: str, sentence: str, plot: Any) -> Any:
    head = Section(Html(f"<h2>{title}</h2><p class=cs-m>{sentence}</p>"))
    return pn.Column(
        head,
        pn.pane.Bokeh(plot, sizing_mode="stretch_width", margin=0),
        styles={"flex": "1 1 320px", "min-width": "0"},
        margin=0,
    )


class _Editor:
    """Thresholds, for operators; the fields are made when they are asked for."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._fields: dict[str, Any] = {}
        opens = pmu.Button(label="Edit thresholds", variant="outlined", margin=(24, 0, 8, 0))
        opens.on_click(lambda _event: self._open())
        self.column = pn.Column(opens, sizing_mode="stretch_width", margin=0)

    def _open(self) -> None:
        known = self._visit.reader.known(STANDING)
        limits = known.value.limits if known is not None and known.value is not None else {}
        self._fields = {
            name: pmu.TextInput(
                label=f"{each.title} ({each.unit})",
                value=_written(limits.get(name, each.default)),
                width=256,
                margin=0,
            )
            for name, each in THRESHOLDS.items()
        }
        keeps = pmu.Button(label="Save thresholds", variant="contained", margin=(16, 0))
        keeps.on_click(lambda _event: self._visit.act(Role.OPERATOR, "Changing thresholds", self._keep))
        self.column[:] = [
            Section(
                Html(
                    "<h2>Thresholds</h2><p class=cs-m>An empty field means no limit. They hold for everybody.</p>"
                )
            ),
            pn.FlexBox(*self._fields.values(), gap="16px", margin=0),
            keeps,
        ]

    def _keep(self) -> None:
        limits = {
            name: _typed(THRESHOLDS[name].title, field.value_input) for name, field in self._fields.items()
        }
        told = ", ".join(f"{name} {limit}" for name, limit in limits.items())
        self._visit.audit("settings", "thresholds", told)
        set_thresholds(self._visit.store, limits, self._visit.viewer.name)
        self._visit.notify("The thresholds were saved.")


def _written(limit: float | None) -> str:
    return "" if limit is None else f"{limit:g}"


def _typed(title: str, text: str) -> float | None:
    """Return a limit as it was typed.

    Examples
    --------
    >>> _typed("Latency", "2.5"), _typed("Latency", " ")
    (2.5, None)
    """
    try:
        return float(text) if text.strip() else None
    except ValueError:
        raise InvalidInput(f"{title} takes a number from 0 up, or nothing; {text!r} came.") from None
