"""The demo: sixty questions with known answers to one live and three recorded models, then one of the user's own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule

from consilience.circle import Circle
from consilience.evaluation import CircleReport, answers_frame, evaluate
from consilience.experts.base import Expert
from consilience.experts.recorded import Recorded
from consilience.experts.registry import as_expert
from consilience.models import Label
from consilience.report import accuracy_table, outcome_line, reading, verdict_panel, verdict_table
from consilience.samples import PanelQuestion, panel60, panel60_path

if TYPE_CHECKING:
    from consilience.verdict import Verdict

_RECORDED = {"gemma-270m": "gemma270", "qwen-0.5b": "qwen25coder05", "qwen-1.5b": "qwen25coder15"}
# the local server decodes four at a time; a few more in the queue keep it busy between answers
_AT_ONCE = 6
_SHOWN = 8


def experts() -> list[Expert]:
    """Return the demo's circle: the live local model and three recordings."""
    recordings = [
        Recorded(panel60_path(), f"{recorded}_fewshot", name=name) for name, recorded in _RECORDED.items()
    ]
    return [as_expert("local:smollm2"), *recordings]


def run(console: Console, store: Path, question: str) -> None:
    """Ask, judge, print.

    Parameters
    ----------
    console
        Where to print.
    store
        The DuckDB file that keeps every question, response and verdict.
    question
        The free yes-or-no question at the end.
    """
    with Circle(experts(), store=store) as circle:
        panel = panel60()
        verdicts = _ask_panel(console, circle, panel)
        report = _judge(verdicts, panel)
        _print_verdicts(console, verdicts, panel)
        _print_report(console, report, circle)
        with Circle([as_expert("local:smollm2")], store=circle.store) as alone:
            _print_own(console, alone.ask_sync(question, answer=Label("yes", "no")))
        _print_kept(console, circle, store)


def _ask_panel(console: Console, circle: Circle, panel: Sequence[PanelQuestion]) -> list[Verdict]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("Asking", total=len(panel))

        async def ask(one: PanelQuestion, gate: asyncio.Semaphore) -> Verdict:
            async with gate:
                verdict = await circle.ask(one.question)
            progress.advance(bar)
            return verdict

        async def ask_all() -> list[Verdict]:
            gate = asyncio.Semaphore(_AT_ONCE)
            return list(await asyncio.gather(*(ask(one, gate) for one in panel)))

        return asyncio.run(ask_all())


def _judge(verdicts: Sequence[Verdict], panel: Sequence[PanelQuestion]) -> CircleReport:
    numbers = [one.number for one in panel]
    gold = {"task": numbers, "label": [one.gold for one in panel]}
    return evaluate(answers_frame(verdicts, numbers), gold)


def _print_verdicts(console: Console, verdicts: Sequence[Verdict], panel: Sequence[PanelQuestion]) -> None:
    split = [(v, one.gold) for v, one in zip(verdicts, panel, strict=True) if v.dissent or v.degraded]
    console.print(
        Rule(f"{len(verdicts)} questions, {len(verdicts[0].responses)} experts", align="left", style="dim")
    )
    console.print("smollm2 answers live, \u25c9 is a recording. More than half of those asked decide.\n")
    chosen = sorted(split, key=lambda pair: pair[0].support.n)[:_SHOWN]
    console.print(f"The {len(chosen)} most disputed of {len(split)} questions without unanimity:")
    console.print(verdict_table([pair[0] for pair in chosen], [pair[1] for pair in chosen]))
    console.print()
    console.print(outcome_line(verdicts))
    console.print()


def _print_report(console: Console, report: CircleReport, circle: Circle) -> None:
    console.print(Rule("Did the circle help?", align="left", style="dim"))
    console.print(accuracy_table(report, {expert.name: str(expert.source) for expert in circle.experts}))
    console.print()
    console.print(reading(report))
    console.print()


def _print_own(console: Console, verdict: Verdict) -> None:
    console.print(Rule("A question of your own", align="left", style="dim"))
    console.print(verdict_panel(verdict))
    console.print(
        "smollm2 has 135 million parameters: it shows how asking works, not what is true.\n", style="dim"
    )


def _print_kept(console: Console, circle: Circle, store: Path) -> None:
    assert circle.store is not None
    counts = circle.store.sql(
        "SELECT (SELECT count(*) FROM questions), (SELECT count(*) FROM responses), (SELECT count(*) FROM verdicts)"
    ).row(0)
    console.print(
        "Kept: {:,} questions, {:,} responses, {:,} verdicts in [bold]{}[/bold].".format(*counts, store),
        highlight=False,
    )
