"""The command line of a store: ``consilience store status``, ``maintain``, ``compact``, ``export``, and so on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from consilience.errors import ConsilienceError, InvalidInput

if TYPE_CHECKING:
    from rich.table import Table

    from consilience.store import Store

app = typer.Typer(help="See to a store: its size, its age, its way in and out.", no_args_is_help=True)

_File = Annotated[
    str,
    typer.Argument(help="DuckDB file of the store, or postgresql://user@host/database.", show_default=False),
]
_Folder = Annotated[Path, typer.Argument(help="Folder in which 'history' lies.", show_default=False)]
_Keep = Annotated[
    list[str] | None,
    typer.Option(help="table=days, may be given again; by default metrics=7, metrics_1m=90, statements=90."),
]


@app.command()
def status(file: _File) -> None:
    """Say what the store holds, since when, and what waits in its spool."""
    with _opened(file) as store:
        found = store.status()
    console = _console()
    version = "not made yet" if found.version is None else f"version {found.version}"
    console.print(f"{found.address}: {version}, {_bytes(found.size)}", markup=False, soft_wrap=True)
    console.print(f"waiting in the spool: {found.waiting} segments, {_bytes(found.waiting_size)}")
    table = _table("table", "rows", "oldest", "newest")
    for name, rows, oldest, newest in found.tables.iter_rows():
        table.add_row(
            name, f"{rows:,}", *("" if at is None else f"{at:%Y-%m-%d %H:%M}" for at in (oldest, newest))
        )
    console.print(table)


@app.command()
def maintain(file: _File, keep: _Keep = None) -> None:
    """Roll metrics up to minutes and hours, and remove days that are older than is kept."""
    from consilience.store.upkeep import KEEP

    with _opened(file) as store:
        done = store.maintain(keep=_days(keep) if keep else KEEP)
    _count("rolled up", done.rolled)
    _count("removed", done.removed)


@app.command()
def compact(file: _File) -> None:
    """Write the file anew without the space of what was removed; others wait meanwhile."""
    with _opened(file) as store:
        done = store.compact()
    _console().print(f"{_bytes(done.before)} before, {_bytes(done.after)} now")


@app.command()
def export(
    file: _File,
    folder: _Folder,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day, in UTC.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day to stop before, in UTC.")
    ] = None,
) -> None:
    """Write every table as Parquet, a folder a day, for Polars, DuckDB and Dask."""
    with _opened(file) as store:
        rows = store.export(folder, since=since and since.date(), until=until and until.date())
    _count("exported", rows)


@app.command("import")
def import_(file: _File, folder: _Folder) -> None:
    """Take what export wrote; what is there already is passed over."""
    with _opened(file, new=True) as store:
        rows = store.import_(folder)
    _count("imported", rows)


@app.command()
def migrate(file: _File) -> None:
    """Bring the file to this version's schema now, instead of with the next write."""
    with _opened(file) as store:
        version = store.migrate()
    _console().print(f"version {version}")


@contextmanager
def _opened(file: str, *, new: bool = False) -> Iterator[Store]:
    """Yield the store, and turn errors that are meant for people into one sentence, 2 for what can be retyped."""
    from consilience.store import Store

    try:
        if not new and "://" not in file and not Path(file).expanduser().exists():
            raise InvalidInput(f"A store that exists is required, {file} does not: mend the path.")
        with Store(file) as store:
            yield store
    except ConsilienceError as error:
        Console(stderr=True).print(f"consilience: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(2 if isinstance(error, InvalidInput) else 1) from None
    except KeyboardInterrupt:
        Console(stderr=True).print("consilience: stopped")
        raise typer.Exit(130) from None


def _days(keep: list[str]) -> dict[str, int]:
    days = {}
    for each in keep:
        table, _, number = each.partition("=")
        if not number.isdecimal():
            raise InvalidInput(f"--keep takes table=days, such as metrics=7; {each!r} came.")
        days[table] = int(number)
    return days


def _count(done: str, rows: Mapping[str, int]) -> None:
    table = _table(done, "rows")
    for name, n in rows.items():
        table.add_row(name, f"{n:,}")
    _console().print(table)


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(heading, justify="right" if heading == "rows" else "left")
    return table


def _console() -> Console:
    return Console(highlight=False)


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
