"""A run as cards: its plan, its progress, its result; what models wrote is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.markup import Html, details, escape, expert_mark, frame_table, page, table
from consilience.runs.plan import cells_of, duration

if TYPE_CHECKING:
    from consilience.runs.plan import Plan
    from consilience.runs.result import RunResult
    from consilience.runs.tally import Tally

_SHOWN = 100
_WIDTH = 360


def plan_card(plan: Plan) -> str:
    """Return a plan as self-contained HTML."""
    columns = ("expert", "calls", "settled", "US dollars", "tokens", "s a call")
    rows = [(expert_mark(e.name), f"{e.calls:,}", f"{e.settled:,}", *cells_of(e)) for e in plan.experts]
    notes = "".join(f"<div class=cs-row>{escape(note)}</div>" for note in plan.notes)
    body = (
        f"<div class=cs-q>{escape(plan.heading)}</div><div class=cs-a>{plan.calls:,} calls to make</div>"
        f"{table(columns, rows, numeric=columns[1:])}{notes}<div class=cs-foot>{escape(plan.summary)}</div>"
    )
    return page(Html(f"<div class=cs-card>{body}</div>"))


def progress_card(tally: Tally, state: str) -> str:
    """Return how far a run is as a bar and a line."""
    share = min(tally.done / tally.rows, 1.0)
    label = f"{tally.done:,} of {tally.rows:,} rows, {share:.0%}"
    bar = (
        f"<svg role=progressbar aria-label='{label}' aria-valuemin=0 aria-valuemax=100 aria-valuenow={100 * share:.0f} "
        f"width={_WIDTH} height=16>"
        f"<rect y=4 width={_WIDTH} height=8 fill='var(--l)' />"
        f"<rect y=4 width={share * _WIDTH:.1f} height=8 fill='var(--a)' /></svg>"
    )
    said = f"<span class=cs-m>{escape(line(tally, state))}</span>"
    return page(Html(f"<div class=cs-row>{bar} {label}</div><div class=cs-row>{said}</div>"))


def line(tally: Tally, state: str = "") -> str:
    """Return what a run has done so far, on one line."""
    rate = "" if tally.rate is None else f", {tally.rate:,.1f} rows/s"
    known = tally.remaining is not None
    left = state or (f"{duration(tally.remaining)} left" if known else "time left unknown")
    return f"{left}{rate}; {counts(tally)}; {tally.price}"


def counts(tally: Tally) -> str:
    """Return how many cells were asked, taken from what is settled, and left without an answer."""
    return f"asked {tally.asked:,}, reused {tally.reused:,}, failed {tally.failed:,}"


def waiting_card(rows: int, experts: Sequence[str]) -> str:
    """Return a run that was not executed yet, and what to do with it."""
    who = "".join(map(expert_mark, experts))
    body = (
        f"<div class=cs-q>A run of {rows:,} rows</div><div class=cs-row>{who}</div>"
        "<div class=cs-row>Not run yet: <code>run.plan</code> says what it will ask and cost, "
        "<code>await run</code> runs it.</div>"
    )
    return page(Html(f"<div class=cs-card>{body}</div>"))


def result_card(result: RunResult) -> str:
    """Return a run's result as self-contained HTML: banner, counts, the first rows, foot."""
    banner = f"<div class=cs-banner role=note>{escape(result.banner)}</div>" if result.degraded else ""
    decided = ", ".join(f"{n:,} {name}" for name, n in result.decisions().items())
    foot = (
        f"{result.asked:,} cells asked, {result.reused:,} reused, {result.failed:,} failed \u00b7 "
        f"{result.spent} \u00b7 {result.seconds:,.1f} s \u00b7 least certain first: <code>review_queue()</code>"
    )
    body = (
        f"<div class=cs-q>{result.frame.height:,} of {result.n_rows:,} rows</div>{banner}"
        f"<div class=cs-a>{escape(decided or 'no row was decided')}</div>"
        f"{details(f'The first {min(_SHOWN, len(result))} rows', _rows(result))}<div class=cs-foot>{foot}</div>"
    )
    return page(Html(f"<div class=cs-card>{body}</div>"))


def _rows(result: RunResult) -> Html:
    names = (result.key, "answer", "decision", "support", "agreement", "outcomes", "cost_usd")
    return frame_table(result.frame.select(names), _SHOWN)
