"""The command line of a run: ``consilience run FILE``, one prompt over all rows of a file."""

from __future__ import annotations

import importlib.util
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from consilience.errors import ConsilienceError, InvalidInput

if TYPE_CHECKING:
    import polars as pl

    from consilience.experts.base import Expert
    from consilience.models import AnswerKind
    from consilience.runs import Budget, Plan, RunResult

DEGRADED = 3
_OUT = (".parquet", ".csv")


Answer = Annotated[
    str, typer.Option(help="text, items, label:a,b or score:LOW,HIGH or ranking:a,b: what an answer must be.")
]
Experts = Annotated[
    list[str] | None,
    typer.Option(
        help="provider:model, or FILE.py:NAME for a function of yours; may be given again. [default: local:smollm2]"
    ),
]


def run(  # noqa: PLR0913, PLR0917 - one for each option
    file: Annotated[Path, typer.Argument(help="Parquet or CSV file of the rows.", show_default=False)],
    prompt: Annotated[
        str,
        typer.Option(
            help="What is asked of each row; {column} stands for its cell. @FILE reads it from a file.",
            show_default=False,
        ),
    ],
    answer: Answer = "text",
    expert: Experts = None,
    key: Annotated[
        str | None, typer.Option(help="Column that tells the rows apart; by default they are numbered.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="DuckDB file or postgresql:// URL that keeps every answer; with it a run can be resumed."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write one row a question here, as .parquet or .csv.")
    ] = None,
    budget_usd: Annotated[float | None, typer.Option(help="US dollars that may be spent.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(help="Tokens that may be spent.")] = None,
    budget_calls: Annotated[int | None, typer.Option(help="Calls that may be made.")] = None,
    replicates: Annotated[int, typer.Option(help="How often each expert is asked each question.")] = 1,
    concurrency: Annotated[int, typer.Option(help="Rows in flight at once.")] = 64,
    deadline: Annotated[float, typer.Option(help="Seconds for each question.")] = 120.0,
    as_text: Annotated[
        bool, typer.Option("--as-text", help="Take the cells of a CSV file as they stand: 007 stays 007.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Go on after the plan without asking.")] = False,
    plan_only: Annotated[
        bool, typer.Option("--plan", help="Print the plan and stop; nobody is asked.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Ask one prompt of all rows of a file; the plan comes first, and nothing is spent before you agree.

    Stop it with Ctrl-C whenever you like: with --store, the same command asks only what is missing.

    Ends with 0 when every row has every answer, 3 when some are missing (a budget was reached, an expert failed), 2
    for what can be retyped, 1 for an error or a plan that was declined, 130 after Ctrl-C.
    """
    from consilience.circle import Circle

    with sentences():
        _check_out(out, file)
        budget = _budget(budget_usd, budget_tokens, budget_calls)
        with Circle(experts(expert), store=store, deadline=deadline) as circle:
            prepared = circle.run(
                _rows(file, as_text=as_text),
                _prompt(prompt),
                answer=answer_kind(answer),
                key=key,
                replicates=replicates,
                concurrency=concurrency,
                budget=budget,
                progress=not quiet,
            )
            _say(str(prepared.plan))
            if plan_only:
                return
            if prepared.plan.calls and not yes:
                _agree(prepared.plan)
            result = prepared.wait_sync()
        _end(result, out)


@contextmanager
def sentences() -> Iterator[None]:
    """Turn errors that are meant for people into one sentence and an exit code, 2 for what the user can retype."""
    try:
        yield
    except ConsilienceError as error:
        Console(stderr=True).print(f"consilience: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(2 if isinstance(error, InvalidInput) else 1) from None
    except KeyboardInterrupt:
        Console(stderr=True).print("consilience: stopped")
        raise typer.Exit(130) from None


def answer_kind(given: str) -> AnswerKind:
    """Return the answer kind of its short form.

    Examples
    --------
    >>> answer_kind("label:bug,other"), answer_kind("score:0,10").kind
    (Label('bug', 'other'), 'score')
    """
    from consilience.models import Items, Label, Ranking, Score, Text

    kind, _, rest = given.partition(":")
    parts = [part.strip() for part in rest.split(",")] if rest else []
    if kind == "label" and parts:
        return Label(*parts)
    if kind == "ranking" and parts:
        return Ranking(*parts)
    if kind == "score" and len(parts) == 2:
        try:
            return Score(float(parts[0]), float(parts[1]))
        except ValueError:
            raise InvalidInput(f"--answer score:LOW,HIGH takes two numbers, {rest!r} came.") from None
    if not rest and kind in ("text", "items"):
        return Items() if kind == "items" else Text()
    raise InvalidInput(f"--answer is text, items, label:a,b, score:LOW,HIGH or ranking:a,b; {given!r} came.")


def experts(given: list[str] | None) -> list[str | Expert]:
    """Return the experts that were named, the local model where none was."""
    return [_expert(each) for each in given or ["local:smollm2"]]


def _expert(given: str) -> str | Expert:
    from consilience.experts.registry import as_expert

    path, separator, name = given.rpartition(":")
    if not separator or not path.endswith(".py"):
        return given
    file = Path(path)
    if not file.is_file():
        raise InvalidInput(
            f"--expert FILE.py:NAME takes a file that is there, {path!r} is not: mend the path."
        )
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a file of the user's raises
        raise InvalidInput(
            f"--expert FILE.py:NAME runs the file, and {path} fails with {type(error).__name__}: {error}"
        ) from error
    found = getattr(module, name, None)
    if found is None:
        raise InvalidInput(
            f"--expert FILE.py:NAME takes a function or an expert of the file, {path} has no {name!r}."
        )
    return as_expert(found)


def _rows(file: Path, *, as_text: bool) -> Path | pl.LazyFrame:
    if not as_text or not file.is_file():
        return file
    if file.suffix.lower() != ".csv":
        raise InvalidInput(f"--as-text is for CSV files, whose cells have no types; {file.name!r} came.")
    import polars as pl

    return pl.scan_csv(file, infer_schema=False)


def _prompt(given: str) -> str:
    if not given.startswith("@"):
        return given
    file = Path(given[1:])
    if not file.is_file():
        raise InvalidInput(f"--prompt @FILE takes a file that is there, {given[1:]!r} is not: mend the path.")
    return file.read_text(encoding="utf-8")


def _budget(usd: float | None, tokens: int | None, calls: int | None) -> Budget | None:
    from consilience.runs import Budget

    if usd is None and tokens is None and calls is None:
        return None
    return Budget(usd=usd, tokens=tokens, calls=calls)


def _check_out(out: Path | None, file: Path) -> None:
    if out is None:
        return
    if out.resolve() == file.resolve():
        raise InvalidInput(f"--out would take the place of the rows in {file.name}: name another file.")
    if out.suffix.lower() not in _OUT:
        raise InvalidInput(f"--out writes {' and '.join(_OUT)} files, {out.name!r} came.")
    if not out.parent.is_dir():
        raise InvalidInput(f"--out writes into a folder that is there, {str(out.parent)!r} is not: make it.")


def _agree(plan: Plan) -> None:
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"The plan makes {plan.calls:,} calls, and nobody is here to agree to them: give --yes, or --plan to stop "
            "after it."
        )
    if not typer.confirm(f"Make {plan.calls:,} calls?", err=True):
        _say("Nobody was asked.")
        raise typer.Exit(1)


def _end(result: RunResult, out: Path | None) -> None:
    if out is not None:
        _write(result, out)
    _say(result.explain())
    if out is not None:
        _say(f"{len(result):,} rows written to {out}")
    if result.degraded:
        raise typer.Exit(DEGRADED)


def _write(result: RunResult, out: Path) -> None:
    # Under another name first, so that what stood there is whole until the new file is.
    fresh = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    try:
        if out.suffix.lower() == ".csv":
            result.frame.write_csv(fresh)
        else:
            result.frame.write_parquet(fresh)
        os.replace(fresh, out)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise InvalidInput(f"--out {out} cannot be written: {error.strerror}.") from error


def _say(text: str) -> None:
    Console(highlight=False).print(text, markup=False, soft_wrap=True)
