"""A run in a notebook: what it will cost, how far it is, what failed and why, and what it gave."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any

import traitlets

from consilience.errors import ConsilienceError, InvalidInput
from consilience.loop import background
from consilience.notebook import wire
from consilience.notebook.widget import Widget, action, drawn_by
from consilience.runs import Plan, RunResult
from consilience.runs import Run as Running
from consilience.runs.plan import cells_of, duration
from consilience.runs.tally import Tally

_QUEUE = 20
_REASONS = 50
_CELL = 300


class Run(Widget):
    """Start, watch, pause and go on with a run.

    Parameters
    ----------
    run
        What `Circle.run` returned. Without one the widget says how to make it.

    Attributes
    ----------
    run
        The run.
    result
        Of its last execution that came to an end; ``None`` before.
    state
        ``"planning"``, ``"ready"``, ``"running"``, ``"paused"``, ``"done"`` or ``"failed"``.

    Examples
    --------
    >>> import consilience as cs
    >>> circle = cs.Circle([cs.Scripted("ana", ["bug"])])
    >>> widget = Run(
    ...     circle.run({"text": ["It crashes"]}, "Classify: {text}", answer=cs.Label("bug", "other"))
    ... )
    >>> widget.result is None
    True
    >>> widget.close()
    """

    _esm, _css = drawn_by("run")

    state = traitlets.Unicode("planning").tag(sync=True)
    plan = traitlets.Dict().tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)
    summary = traitlets.Dict().tag(sync=True)

    def __init__(self, run: Running | None = None) -> None:
        self.run = run
        self.result: RunResult | None = None
        self._task: concurrent.futures.Future[None] | None = None
        super().__init__(state="empty" if run is None else "planning")
        if run is not None:
            background.submit(self._plan(run, "ready"))

    @action
    def start(self) -> None:
        """Ask what is missing; return at once.

        Raises
        ------
        InvalidInput
            It runs already, or there is no run.
        """
        run = self._required()
        with self._lock:
            if self._task is not None:
                raise InvalidInput("The run is under way: pause it, or wait for its end.")
            self.publish(state="running", error="", progress={}, summary={})
            self.flush()
            self._task = background.submit(self._follow(run))

    @action
    def pause(self) -> None:
        """Stop asking; what was settled stays in the store, and `start` goes on with the rest."""
        with self._lock:
            task = self._task
        if task is not None:
            task.cancel()

    def stop(self) -> None:
        """Pause."""
        self.pause()

    @action
    def queue(self) -> None:
        """Send the rows to look at first to the page."""
        if self.result is None:
            raise InvalidInput("The least certain rows are known when the run has ended: start it.")
        first = self.result.review_queue(_QUEUE)
        rows = [
            [None if cell is None else wire.text(_said(cell), _CELL) for cell in row] for row in first.rows()
        ]
        self.reply("queue", columns=first.columns, rows=rows)

    def show(self, tally: Tally, state: str = "") -> None:
        """Take how far the run is; it calls this every quarter of a second."""
        self.publish(progress=_progress(tally, state))

    #: Seconds between two calls of `show`.
    interval = 0.25

    def _required(self) -> Running:
        if self.run is None:
            raise InvalidInput(
                "A run is required, there is none: run = circle.run(frame, ...), then Run(run)."
            )
        return self.run

    async def _follow(self, run: Running) -> None:
        try:
            result = await run.watched(self)
        except asyncio.CancelledError:
            self._ended("paused")
            background.submit(self._plan(run, "paused"))
            raise
        except ConsilienceError as error:
            self._ended("failed", str(error))
        except Exception as error:  # noqa: BLE001 - the edge of a task that nobody awaits: it would end out of sight
            self._ended("failed", f"{type(error).__name__}: {error}")
        else:
            self.result = result
            self._ended("done")
        await self._plan(run, self.state)

    def _ended(self, state: str, error: str = "") -> None:
        with self._lock:
            self._task = None
        summary = _summary(self.result) if state == "done" and self.result is not None else {}
        self.publish(state=state, summary=summary, **({"error": error} if error else {}))
        self.flush()

    async def _plan(self, run: Running, state: str) -> None:
        try:
            plan = await asyncio.to_thread(lambda: run.plan)
        except ConsilienceError as error:
            self.publish(state="failed", error=str(error))
            return
        with self._lock:
            if self._task is None:
                self.publish(plan=_planned(plan), state=state)


def _planned(plan: Plan) -> dict[str, object]:
    return {
        "heading": plan.heading,
        "calls": plan.calls,
        "settled": plan.settled,
        "usd": wire.number(plan.usd),
        "unpriced": sum(expert.calls for expert in plan.experts if expert.name in plan.unpriced),
        "seconds": duration(plan.seconds),
        "budget": str(plan.budget) if plan.budget else "",
        "kept": plan.kept,
        "notes": [wire.text(note, 500) for note in plan.notes],
        "experts": [
            [wire.expert(each.name), f"{each.calls:,}", f"{each.settled:,}", *cells_of(each)]
            for each in plan.experts[:100]
        ],
    }


def _progress(tally: Tally, state: str) -> dict[str, object]:
    return {
        "rows": tally.rows,
        "done": tally.done,
        "asked": tally.asked,
        "reused": tally.reused,
        "failed": tally.failed,
        "usd": wire.number(tally.cost_usd),
        "unpriced": tally.n_unpriced,
        "rate": wire.number(tally.rate),
        "left": state or duration(tally.remaining) + (" left" if tally.remaining is not None else ""),
        "seconds": wire.number(tally.seconds),
        "outcomes": [{**wire.outcome(ended), "n": n} for ended, n in tally.outcomes.most_common()],
        "failures": [
            [wire.expert(why.expert), wire.outcome(why.outcome), wire.text(why.reason, _CELL), n]
            for why, n in tally.failures.most_common(_REASONS)
        ],
        "reasons": len(tally.failures),
    }


def _summary(result: RunResult) -> dict[str, object]:
    return {
        "rows": result.frame.height,
        "of": result.n_rows,
        "banner": wire.text(result.banner if result.degraded else "", 1_000),
        "stopped": bool(result.stopped),
        "decisions": [[name, n] for name, n in result.decisions().items()],
        "seconds": wire.number(result.seconds),
        "failed": result.failed,
    }


def _said(cell: Any) -> str:
    return f"{cell:.2f}" if isinstance(cell, float) else " ".join(str(cell).split())
