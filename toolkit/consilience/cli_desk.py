"""The command line of a person: ``consilience desk open``, ``answer`` and ``abstain``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from consilience.cli_run import sentences
from consilience.errors import InvalidInput
from consilience.markup.plain import plain

if TYPE_CHECKING:
    from consilience.experts.human import Desk, Pending

app = typer.Typer(help="Answer what a person is asked, blind.", no_args_is_help=True)

_Person = Annotated[str, typer.Argument(help="Whose questions.", show_default=False)]
_Question = Annotated[str, typer.Argument(help="The question's id, as 'desk open' says.", show_default=False)]
_Inbox = Annotated[str, typer.Option(help="Folder or URL that the circle asks through.")]
_Store = Annotated[str, typer.Option(help="Store of the circle, for answers after the deadline.")]


@app.command("open")
def open_(person: _Person, inbox: _Inbox = "", store: _Store = "") -> None:
    """List the questions that wait, the oldest first; nobody else's answer is shown."""
    with _desk(person, inbox, store) as desk:
        waiting = desk.open()
    console = Console(soft_wrap=True)
    if not waiting:
        console.print(f"Nothing waits for {person}.", markup=False)
    for pending in waiting:
        console.print(_told(pending), markup=False, highlight=False)


@app.command()
def answer(
    person: _Person,
    question: _Question,
    said: Annotated[
        str, typer.Argument(help="The answer; '-' reads it from standard input.", show_default=False)
    ],
    inbox: _Inbox = "",
    store: _Store = "",
) -> None:
    """Answer a question: a choice, a number, a text, or lines of a list."""
    _submit(person, question, typer.get_text_stream("stdin").read() if said == "-" else said, inbox, store)


@app.command()
def abstain(person: _Person, question: _Question, inbox: _Inbox = "", store: _Store = "") -> None:
    """Say that the person cannot or will not answer."""
    _submit(person, question, None, inbox, store)


def _submit(person: str, question: str, said: str | None, inbox: str, store: str) -> None:
    with _desk(person, inbox, store) as desk:
        verdict = desk.submit(question, said)
    told = "The circle that waits takes it." if verdict is None else f"It stands now: {verdict.headline}."
    Console(soft_wrap=True).print(f"Answered. {told}", markup=False, highlight=False)


@contextmanager
def _desk(person: str, inbox: str, store: str) -> Iterator[Desk]:
    from consilience.experts.human import Desk
    from consilience.store import Store

    with sentences(), ExitStack() as held:
        if not inbox and not store:
            raise InvalidInput(
                "Questions wait in an inbox or a store, none was named: give --inbox or --store."
            )
        yield Desk(person, inbox=inbox or None, store=held.enter_context(Store(store)) if store else None)


def _told(pending: Pending) -> str:
    until = (
        "late"
        if pending.late
        else f"by {pending.deadline:%Y-%m-%d %H:%M} UTC"
        if pending.deadline
        else "open"
    )
    kind = f"{pending.question.answer!r}"
    shown = plain(pending.question.text, 2_000)
    context = f"\n  {plain(pending.question.context, 2_000)}" if pending.question.context else ""
    return f"{pending.id}  {until}  {plain(kind, 400)}\n  {shown}{context}"
