"""Verdicts and reports in a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from consilience.markup import colour, plain
from consilience.models import Items
from consilience.verdict import Decision
from consilience.verdict.result import shown

if TYPE_CHECKING:
    from consilience.dedup import Merged, Recommendation
    from consilience.evaluation import CircleReport
    from consilience.models import Response
    from consilience.verdict import Verdict

_BAR = 20
_CONFLICTS = 3
_SOURCES = {"recorded": " \u25c9", "person": " \u263b"}


def verdict_panel(verdict: Verdict) -> Panel:
    """Return one verdict in full, in the order of the card in a notebook."""
    parts: list[RenderableType] = [Text(plain(verdict.question.text, 2_000), style="dim")]
    if verdict.replayed:
        parts.append(Text(plain(verdict.replayed, 400), style="dim"))
    if verdict.degraded:
        parts.append(Text(verdict.banner, style="bold yellow"))
    parts.append(Text(plain(verdict.headline, 4_000), style="bold"))
    parts.append(Text(str(verdict.support), style="dim"))
    if isinstance(verdict.question.answer, Items):
        parts += [_recommendation(row, verdict.recommendations) for row in verdict.recommendations]
    parts.append(_answers(verdict.responses))
    if verdict.agreement and not math.isnan(verdict.agreement.value):
        parts.append(Text(f"Agreement: {verdict.agreement.explain()}", style="dim"))
    parts.append(Text(f"Cost {verdict.usage.price}, method {verdict.method}", style="dim"))
    return Panel(Group(*parts), border_style="dim", padding=(0, 1))


def _recommendation(row: Recommendation, among: Merged) -> Text:
    text = Text.assemble(f"{row.support:>3}  ", plain(row.text, 400), ("  " + ", ".join(row.experts), "dim"))
    for number in row.conflicts[:_CONFLICTS]:
        text.append(f"\n     \u21c4 contradicts: {_flat(among[number].text)}", "yellow")
    left = len(row.conflicts) - _CONFLICTS
    return text.append(f"\n     \u21c4 and {left:,} more", "yellow") if left > 0 else text


def _answers(responses: Sequence[Response]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("expert", "outcome", "answer"):
        table.add_column(heading)
    for heading in ("confidence", "seconds"):
        table.add_column(heading, justify="right")
    for response in responses:
        said = response.reason if response.answer is None else response.answer
        text = "" if said is None else shown(said)
        table.add_row(
            expert(response.expert, response.source),
            Text(f"{response.outcome.glyph} {response.outcome}"),
            Text(plain(text, 400)),
            "\u2013" if response.confidence is None else f"{response.confidence:.2f}",
            f"{response.latency_s:.2f}",
        )
    return Padding(table, (1, 0))


def expert(name: str, source: str = "") -> Text:
    """Return an expert's name with its colour, and the mark of a recording or a person."""
    return Text.assemble(("\u25cf ", colour(name)), plain(name, 60), (_SOURCES.get(source, ""), "dim"))


def verdict_table(verdicts: Sequence[Verdict], gold: Sequence[str]) -> Table:
    """Return verdicts beside the known answers, one line each."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("question", max_width=25, no_wrap=True, overflow="ellipsis")
    table.add_column("circle", max_width=14, no_wrap=True, overflow="ellipsis")
    table.add_column("gold")
    table.add_column("for it", no_wrap=True)
    table.add_column("others", overflow="fold")
    for verdict, known in zip(verdicts, gold, strict=True):
        against = [f"{_flat(shown(vote.answer))}: {', '.join(vote.experts)}" for vote in verdict.dissent]
        missing = [f"{r.expert} {r.outcome}" for r in verdict.responses if not r.answered]
        style = "" if verdict.answer == known else "yellow"
        table.add_row(
            Text(_flat(verdict.question.text)),
            Text("tie" if verdict.decision is Decision.TIE else _flat(verdict.headline), style=style),
            Text(known),
            f"{verdict.support.n} of {verdict.support.of}",
            Text("\n".join(against + missing), style="dim"),
        )
    return table


def _flat(said: str) -> str:
    return " ".join(plain(said, 400).split())


def outcome_line(verdicts: Sequence[Verdict]) -> Text:
    """Return how the responses ended and how the votes fell, over many verdicts."""
    ended: dict[str, int] = {}
    fell: dict[str, int] = {}
    for verdict in verdicts:
        fell[verdict.decision] = fell.get(verdict.decision, 0) + 1
        for outcome, n in verdict.outcomes.items():
            ended[f"{outcome.glyph} {outcome}"] = ended.get(f"{outcome.glyph} {outcome}", 0) + n
    degraded = sum(verdict.degraded for verdict in verdicts)
    fell.setdefault(Decision.TIE, 0)
    return Text(f"Responses: {_counts(ended)}.  Verdicts: {_counts(fell)}; {degraded} degraded.")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {word}" for word, n in counts.items())


def accuracy_table(report: CircleReport, sources: dict[str, str]) -> Table:
    """Return the accuracy of each member, method and baseline, with its interval as a bar."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("who")
    table.add_column("right", justify="right", no_wrap=True)
    table.add_column("0 to 1", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    for row in report.accuracy.iter_rows(named=True):
        table.add_row(
            _who(row["who"], row["kind"], sources),
            f"{row['right']} of {row['tasks']}",
            _bar(row["low"], row["accuracy"], row["high"]),
            f"{row['low']:.2f} to {row['high']:.2f}",
        )
    return table


def _who(name: str, kind: str, sources: dict[str, str]) -> Text:
    if kind == "member":
        return expert(name, sources.get(name, ""))
    return Text(f"  {plain(name, 60)}", style="bold" if kind == "circle" else "dim")


def reading(report: CircleReport) -> Text:
    """Return the finding, what the members' votes are worth, and how far they agree."""
    lines = [(report.finding, "bold")]
    lines += [(report.votes.explain(), "")] if report.votes is not None else []
    lines += [(report.agreement.explain(), "dim")]
    return Text("\n").join(Text(line, style=style) for line, style in lines)


def _bar(low: float, value: float, high: float) -> Text:
    first, at, last = (round(point * (_BAR - 1)) for point in (low, value, high))
    text = Text()
    for cell in range(_BAR):
        if cell == at:
            text.append("\u2503", "bold")
        elif first <= cell <= last:
            text.append("\u2501")
        else:
            text.append("\u2500", "dim")
    return text
