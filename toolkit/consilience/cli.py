"""The command line: ``demo``, ``ask``, ``run``, ``serve``, ``doctor``, ``bench``, ``store``, ``desk`` and more."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from consilience import cli_desk, cli_run, cli_serve, cli_store
from consilience.cli_run import sentences as _sentences
from consilience.errors import InvalidInput

if TYPE_CHECKING:
    from rich.table import Table

    from consilience.models import AnswerKind
    from consilience.verdict import Verdict

app = typer.Typer(
    help="Ask several experts at once, and know how far they really agree.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_store.app, name="store")
app.add_typer(cli_desk.app, name="desk")
app.command()(cli_run.run)
app.command("serve")(cli_serve.serve)
app.add_typer(cli_serve.users, name="serve-user")


@app.command()
def demo(
    store: Annotated[Path, typer.Option(help="DuckDB file that keeps everything.")] = Path(
        "consilience-demo.duckdb"
    ),
    question: Annotated[str, typer.Option(help="The free question at the end.")] = "Is the sea salty?",
) -> None:
    """Consult a live local model and three recorded ones on sixty questions, and judge the circle."""
    from consilience.demo import run

    console = Console()
    with _sentences():
        _setup(console)
        run(console, store, question)
        console.print(_next_steps())


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    labels: Annotated[
        str,
        typer.Option(
            help="Choices, comma-separated: the answer is one of them. Short for --answer label:a,b."
        ),
    ] = "",
    items: Annotated[
        bool,
        typer.Option("--items", help="The answer is a list of recommendations. Short for --answer items."),
    ] = False,
    answer: cli_run.Answer = "text",
    expert: cli_run.Experts = None,
    store: Annotated[
        str | None,
        typer.Option(help="DuckDB file or postgresql:// URL that keeps the answer; none by default."),
    ] = None,
    deadline: Annotated[
        float, typer.Option(help="Seconds until whoever is silent counts as timed out.")
    ] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a page.")] = False,
) -> None:
    """Ask one question; by default of the local model."""
    from consilience.circle import Circle

    with _sentences():
        kind = _answer_kind(labels, items, answer)
        with Circle(cli_run.experts(expert), store=store, deadline=deadline) as circle:
            verdict = circle.ask_sync(question, answer=kind)
        _print(verdict, as_json)


@app.command("setup-local")
def setup_local() -> None:
    """Fetch the local model (SmolLM2-135M-Instruct, 98 MB) into the cache folder; does nothing when it is there."""
    with _sentences():
        _setup(Console())


@app.command()
def doctor(
    local: Annotated[
        bool, typer.Option("--local", help="Also look for model servers at the usual ports of this machine.")
    ] = False,
    store: Annotated[
        str | None, typer.Option(help="Also look at this store: its file, or its postgresql:// URL.")
    ] = None,
    versions: Annotated[
        bool, typer.Option("--versions", help="Print versions only, for a report of a fault.")
    ] = False,
) -> None:
    """Say what works here, what does not, and what mends it."""
    from rich.text import Text

    from consilience.doctor import checks, servers, show_versions

    if versions:
        show_versions()
        return

    table = _table("what", "state", "found", "to mend it")
    words = {True: ("works", "green"), False: ("missing", "red"), None: ("", "")}
    found = checks(store) + (servers() if local else [])
    for check in found:
        word, style = words[check.works]
        table.add_row(check.what, Text(word, style=style), Text(check.found), Text(check.mend))
    Console().print(table)
    raise typer.Exit(0 if all(check.works is not False for check in found) else 1)


@app.command()
def bench(
    rounds: Annotated[int, typer.Option(help="Runs of each piece of work.")] = 3,
    smaller: Annotated[int, typer.Option(help="Divide the sizes by this, on a slow machine.")] = 1,
    to: Annotated[Path | None, typer.Option("--json", help="Write the figures here too.")] = None,
) -> None:
    """Measure the kernels on this machine, in half a minute."""
    from consilience.bench import facts, figures

    console, found = Console(), []
    with _sentences():
        console.print(*(f"{name} {value}" for name, value in facts().items()), sep=", ", highlight=False)
        table = _table("work", "size", "CPU ms", "wall ms", "peak MB", "beside", "times", "check")
        for figure in figures(rounds, smaller):
            found.append(figure.to_dict())
            table.add_row(
                figure.work,
                figure.size,
                f"{figure.cpu * 1e3:,.1f}",
                f"{figure.wall * 1e3:,.1f}",
                "" if figure.memory is None else f"{figure.memory / 1e6:,.0f}",
                figure.beside,
                "" if figure.times is None else f"{figure.times:.1f}",
                figure.check,
            )
        console.print(table)
        if to:
            to.write_text(json.dumps({"facts": facts(), "figures": found}, indent=1) + "\n", encoding="utf-8")


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Ask several experts at once, and know how far they really agree."""
    if version:
        import consilience

        typer.echo(consilience.__version__)
        raise typer.Exit


def _answer_kind(labels: str, items: bool, answer: str) -> AnswerKind:
    given = [f"label:{labels}"] * bool(labels) + ["items"] * items + [answer] * (answer != "text")
    if len(given) > 1:
        raise InvalidInput("--labels, --items and --answer exclude each other: an answer is of one kind.")
    return cli_run.answer_kind(given[0] if given else answer)


def _print(verdict: Verdict, as_json: bool) -> None:
    if as_json:
        json.dump(_as_json(verdict), sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    from consilience.report import verdict_panel

    Console().print(verdict_panel(verdict))


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "question": verdict.question.text,
        "decision": verdict.decision,
        "answer": verdict.answer,
        "support": {"n": verdict.support.n, "of": verdict.support.of},
        "degraded": (verdict.banner or verdict.headline) if verdict.degraded else None,
        "responses": verdict.to_polars().to_dicts(),
    }


def _setup(console: Console) -> None:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from consilience.experts.local import setup_local as fetch

    columns = (TextColumn("Fetching the local model"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=None, visible=False)
        done = fetch(progress=lambda got, size: progress.update(bar, completed=got, total=size, visible=True))
    state = "fetched" if done.downloaded else "ready"
    console.print(
        f"Local model {state}: {done.path.name}, {done.size / 1e6:.0f} MB, sha256 verified", highlight=False
    )


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _next_steps() -> Table:
    from rich.table import Table

    # make puts the environment on its own PATH, not on the user's: say what can be typed there
    found = shutil.which("consilience") and "MAKELEVEL" not in os.environ
    command = "consilience" if found else os.path.relpath(sys.argv[0])
    steps = [(f'{command} ask "Is ice cold?" --labels yes,no', "your own question")]
    if Path("notebooks/00_quickstart.ipynb").exists() and Path("Makefile").exists():
        steps.append(("make lab", "the notebooks"))
    steps.append((f"{command} doctor", "what works here"))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("next", style="bold", no_wrap=True)
    table.add_column("", no_wrap=True)
    for step in steps:
        table.add_row(*step)
    return table
