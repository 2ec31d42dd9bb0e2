"""Runs: how far each is, what failed, how to go on, and its cells as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import panel as pn

from consilience.dashboards.address import written_address
from consilience.dashboards.downloads import as_csv, download
from consilience.dashboards.query import Query
from consilience.dashboards.section import empty
from consilience.dashboards.tiles import Tile, share, tiles, usd
from consilience.markup import Html, escape, expert_mark, table
from consilience.markup.times import moment
from consilience.models.specs import kind_from_spec

if TYPE_CHECKING:
    import polars as pl

    from consilience.dashboards.visit import Visit
    from consilience.store import Store

_HINT = (
    'run = circle.run(frame, "Classify: {text}", answer=cs.Label("bug", "question"), key="id")\n'
    "run.plan       # what it will cost\nresult = await run"
)
# The newest row of a run says how it stands; its cells say how far it is.
_RUNS = """
WITH told AS (
    SELECT r.*, min(asked_at) OVER (PARTITION BY run_id) AS began,
        row_number() OVER (PARTITION BY run_id ORDER BY asked_at DESC, id) AS nth
    FROM runs r
)
SELECT run_id, began, asked_at, state, prompt, answer_spec, experts, key_column, row_count, replicates,
    asked, reused, failed, cost_usd
FROM told WHERE nth = 1 ORDER BY began DESC, run_id LIMIT 100
"""
_ONE = _RUNS.replace("WHERE nth = 1", "WHERE nth = 1 AND run_id = ?")
_CELLS = """
SELECT c.run_id, c.expert,
    count(DISTINCT CASE WHEN c.state = 'settled' THEN c.digest || ' ' || c.replicate END) AS settled,
    count(CASE WHEN c.state = 'failed' THEN 1 END) AS failed
FROM cells c WHERE c.asked_at >= ? GROUP BY c.run_id, c.expert
"""
_FAILURES = """
SELECT r.expert, r.outcome, r.reason, count(*) AS n, max(r.asked_at) AS newest
FROM cells c JOIN responses r ON r.id = c.response_id AND r.asked_at = c.asked_at
WHERE c.run_id = ? AND c.state = 'failed' GROUP BY r.expert, r.outcome, r.reason ORDER BY n DESC, r.expert LIMIT 100
"""
_EXPORT = """
SELECT q.text AS question, c.expert, c.replicate, c.state, r.outcome, r.answer, r.reason, r.confidence, r.latency_s,
    r.cost_usd, r.asked_at
FROM cells c JOIN responses r ON r.id = c.response_id AND r.asked_at = c.asked_at
LEFT JOIN questions q ON q.id = r.question_id AND q.asked_at = r.asked_at
WHERE c.run_id = ? AND c.state IN ('settled', 'failed') ORDER BY q.text, c.expert, c.replicate LIMIT 1000000
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """A run, and its cells so far.

    Parameters
    ----------
    told
        Its newest row in the table of runs.
    cells
        Expert to settled and failed cells, of this execution.
    """

    told: Mapping[str, Any]
    cells: Mapping[str, tuple[int, int]]

    @property
    def experts(self) -> list[str]:
        """Who is asked."""
        return list(json.loads(self.told["experts"] or "[]"))

    @property
    def of(self) -> int:
        """Cells of the whole run."""
        return int(self.told["row_count"] or 0) * len(self.experts) * int(self.told["replicates"] or 1)

    @property
    def done(self) -> int:
        """Cells that are settled, or were so before."""
        counted = sum(settled for settled, _ in self.cells.values()) + int(self.told["reused"] or 0)
        ended = self.told["state"] == "done"
        return self.of - int(self.told["failed"] or 0) if ended else min(counted, self.of)

    @property
    def failed(self) -> int:
        """Cells that failed, and are asked again when the run is run again."""
        told = self.told["failed"]
        return int(told) if told is not None else sum(failed for _, failed in self.cells.values())


def read_runs(store: Store) -> list[Progress]:
    """Return the newest runs with their cells; two statements."""
    runs = store.read(_RUNS)
    return _with_cells(store, runs)


def read_run(store: Store, run_id: str) -> tuple[Progress, pl.DataFrame] | None:
    """Return a run and why cells of it failed; three statements. ``None`` when there is none of this id."""
    found = _with_cells(store, store.read(_ONE, run_id))
    return (found[0], store.read(_FAILURES, run_id)) if found else None


def _with_cells(store: Store, runs: pl.DataFrame) -> list[Progress]:
    if not runs.height:
        return []
    cells: dict[str, dict[str, tuple[int, int]]] = {}
    for run_id, expert, settled, failed in store.read(_CELLS, runs["began"].min()).iter_rows():
        cells.setdefault(run_id, {})[expert] = (settled, failed)
    return [Progress(row, cells.get(row["run_id"], {})) for row in runs.iter_rows(named=True)]


def build(visit: Visit) -> Any:
    """Return the list of runs, or one when the URL names it."""
    run_id = visit.params.get("id", "")
    if not run_id:
        query = Query(("runs",), lambda store: listed(read_runs(store)), ages=30.0)
        return pn.Column(visit.section(query, Html, rows=6), sizing_mode="stretch_width", margin=0)
    query = Query(("run", run_id), lambda store: drawn(read_run(store, run_id)), ages=30.0)

    def made() -> bytes:
        return as_csv(visit.store.read(_EXPORT, run_id))

    return pn.Column(
        visit.section(query, Html, rows=8),
        pn.Row(download(visit, "Download the cells", "cells.csv", made), margin=(24, 0, 0, 0)),
        sizing_mode="stretch_width",
        margin=0,
    )


def listed(runs: list[Progress]) -> Html:
    """Return the runs as a table, each a link."""
    if not runs:
        return empty("No run was kept here yet. A run over a frame appears when it begins:", _HINT)
    now = datetime.now(UTC)
    rows = [_row(run, now) for run in runs]
    columns = ("began", "prompt", "state", "done", "rows", "failed cells", "cost")
    body = table(columns, rows, numeric=("rows", "failed cells", "cost"))
    return Html(f"<div class=cs-scroll tabindex=0 role=region aria-label=Runs>{body}</div>")


def _row(run: Progress, now: datetime) -> tuple[object, ...]:
    told = run.told
    href = escape(written_address({"page": "runs", "id": told["run_id"]}))
    prompt = " ".join(str(told["prompt"]).split())
    link = Html(f"<a class=cs-clip href='{href}' title='{escape(prompt, 500)}'>{escape(prompt, 120)}</a>")
    return (
        moment(told["began"], now),
        link,
        _state(told["state"]),
        bar(run.done, run.of),
        f"{told['row_count'] or 0:,}",
        f"{run.failed:,}",
        usd(told["cost_usd"]),
    )


def _state(state: str) -> Html:
    said = "under way, or its process ended without a word" if state == "started" else state
    mark = "" if state in ("started", "done") else " class=cs-warn"
    return Html(f"<span{mark}>{escape(said)}</span>")


def bar(done: int, of: int) -> Html:
    """Return how far a run is as a bar and in words."""
    part = min(done / of, 1.0) if of else 0.0
    label = f"{done:,} of {of:,} cells, {share(part)}"
    return Html(
        f"<svg role=img aria-label='{label}' width=120 height=12><rect y=3 width=120 height=6 fill='var(--l)' />"
        f"<rect y=3 width={120 * part:.1f} height=6 fill='var(--a)' /></svg> <span class=cs-m>{share(part)}</span>"
    )


def drawn(found: tuple[Progress, pl.DataFrame] | None) -> Html:
    """Return one run: its figures, its experts, its failures, and how to go on."""
    back = Html(f"<p><a href='{escape(written_address({'page': 'runs'}))}'>All runs</a></p>")
    if found is None:
        return Html(back + empty("There is no run of this id here. Choose one from the list."))
    run, failures = found
    told = run.told
    figures = tiles(
        [
            Tile(
                "Settled", share(run.done / run.of if run.of else None), f"{run.done:,} of {run.of:,} cells"
            ),
            Tile("Failed", f"{run.failed:,}", "cells, asked again when the run is run again"),
            Tile("Asked and reused", f"{told['asked'] or 0:,}", f"asked; {told['reused'] or 0:,} reused"),
            Tile(
                "Cost",
                usd(told["cost_usd"]),
                "of this execution" if told["cost_usd"] is not None else "unknown",
            ),
        ]
    )
    return Html(
        f"{back}<p class=cs-m>{escape(told['prompt'], 2_000)}</p>{figures}<h2>Experts</h2>{_experts(run)}"
        f"<h2>Failures</h2>{_failures(failures)}{_resume(run)}"
    )


def _experts(run: Progress) -> Html:
    each = int(run.told["row_count"] or 0) * int(run.told["replicates"] or 1)
    rows = [
        (expert_mark(name), bar(run.cells.get(name, (0, 0))[0], each), f"{run.cells.get(name, (0, 0))[1]:,}")
        for name in run.experts
    ]
    return table(("expert", "asked in this execution", "failed"), rows, numeric=("failed",))


def _failures(frame: pl.DataFrame) -> Html:
    if not frame.height:
        return empty("No cell of this run failed.")
    rows = [
        (expert_mark(expert), outcome, escape(reason, 300), f"{n:,}", moment(newest))
        for expert, outcome, reason, n, newest in frame.iter_rows()
    ]
    return table(("expert", "outcome", "reason", "cells", "last"), rows, numeric=("cells",))


def _resume(run: Progress) -> str:
    if run.told["state"] == "done" and not run.failed:
        return ""
    key = "" if run.told["key_column"] is None else f", key={run.told['key_column']!r}"
    times = int(run.told["replicates"] or 1)
    replicates = "" if times == 1 else f", replicates={times}"
    asked = f"frame, {str(run.told['prompt'])!r}, answer={_kind(run)}{key}{replicates}"
    code = f"run = circle.run({asked})\nresult = await run"
    return (
        "<h2>Go on</h2><p class=cs-m>Run it again with the same store, from any notebook or worker that has the "
        f"experts: only what is missing is asked.</p><pre><code>{escape(code, 2_000)}</code></pre>"
    )


def _kind(run: Progress) -> str:
    try:
        return f"cs.{kind_from_spec(str(run.told['answer_spec']))!r}"
    except ValueError:
        return "\u2026"  # of the user's own: only the user can write it
