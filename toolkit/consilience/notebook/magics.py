"""``%circle``, ``%%circle`` and ``%%circle_sql``: ask the text of a cell; ``%load_ext consilience`` brings them.

The cell waits for the verdict as any cell waits, and Ctrl-C (or Interrupt) stops the question. The background loop does
the work, so that this also holds where the notebook's own loop is running.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from consilience.circle import Circle
from consilience.errors import ConsilienceError, InvalidInput
from consilience.markup import Displayed, Html, Table, escape, page
from consilience.notebook import spoken
from consilience.notebook.completion import completer
from consilience.runs import Budget
from consilience.verdict import Verdict

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from consilience.store import Store

_NO_CIRCLE = (
    "No circle yet. %circle --experts local:smollm2,my_function makes one that the cells below ask, and "
    "%%circle --experts ... asks the text of its own cell."
)


class NoCircle(Displayed):
    """What stands in place of a circle until there is one."""

    def __repr__(self) -> str:
        return _NO_CIRCLE

    def _repr_html_(self) -> str:
        return page(Html(f"<div class=cs-card><div class=cs-m>{escape(_NO_CIRCLE)}</div></div>"))


@magics_class
class CircleMagics(Magics):
    """The magics, with the circle that they ask.

    Parameters
    ----------
    shell
        The notebook's.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.circle_now: Circle | None = None
        self._own = False
        self._made_of: tuple[object, ...] = ()
        self._stores: dict[str, Store] = {}

    @magic_arguments()
    @argument("--experts", help="Who is asked: provider:model or variables, with commas and no spaces.")
    @argument("--answer", default="text", help="text, label:yes,no, score:0,10, ranking:a,b,c or items.")
    @argument("--out", help="The variable that takes the verdict.")
    @argument("--context", help="The variable that holds material for the question.")
    @argument(
        "--store",
        help="DuckDB file or postgresql:// URL that keeps what is asked, or a variable with a store.",
    )
    @argument("--budget", type=float, help="US dollars that this circle may spend.")
    @argument("--deadline", type=float, help="Seconds until whoever is silent counts as timed out.")
    @argument("name", nargs="?", help="A variable that holds a circle, to ask that one.")
    @line_cell_magic
    def circle(self, line: str, cell: str | None = None) -> Circle | NoCircle | Verdict:
        """Ask the circle the text of the cell, in which {variables} are put in; alone on a line, show the circle."""
        with _sentences():
            said = parse_argstring(self.circle, line)
            circle = self._circle_of(said)
            if cell is None:
                return circle or NoCircle()
            if circle is None:
                raise InvalidInput("%%circle asks somebody: %%circle --experts ana,ben.")
            return self._ask(circle, said, cell)

    @magic_arguments()
    @argument("--out", help="The variable that takes the frame (Polars).")
    @argument(
        "--store", help="DuckDB file, postgresql:// URL, or a variable with a store; by default the circle's."
    )
    @argument("--limit", type=int, default=100_000, help="Rows at most; 100,000 by default.")
    @cell_magic
    def circle_sql(self, line: str, cell: str) -> Table:
        """Read a store by one SELECT; {variables} are bound as values, and nothing can be changed."""
        with _sentences():
            said = parse_argstring(self.circle_sql, line)
            query, values = spoken.bound(cell.strip(), self._names)
            frame = self._store_of(said.store).sql(query, *values, limit=said.limit)
            self._keep(said.out, frame)
            return Table(frame)

    def close(self) -> None:
        """Give back what the magics opened themselves."""
        self._change(None, (), own=False)
        for store in self._stores.values():
            store.close()
        self._stores.clear()

    @property
    def _names(self) -> dict[str, Any]:
        assert self.shell is not None
        names: dict[str, Any] = self.shell.user_ns
        return names

    def _ask(self, circle: Circle, said: Namespace, cell: str) -> Verdict:
        context = None if said.context is None else str(spoken.value_of(said.context, self._names))
        verdict = circle.ask_sync(
            spoken.filled(cell.strip(), self._names),
            answer=spoken.answer_of(said.answer),
            context=context,
            deadline=said.deadline,
        )
        self._keep(said.out, verdict)
        return verdict

    def _circle_of(self, said: Namespace) -> Circle | None:
        if said.name is not None:
            if said.experts or said.store or said.budget is not None:
                raise InvalidInput(
                    f"The circle {said.name!r} has its own experts, store and budget: leave them out."
                )
            found = spoken.value_of(said.name, self._names)
            if not isinstance(found, Circle):
                raise InvalidInput(
                    f"The variable {said.name!r} holds no circle but a {type(found).__name__}."
                )
            self._change(found, (), own=False)
        elif said.experts is not None:
            self._make(said)
        elif said.store or said.budget is not None:
            raise InvalidInput("--store and --budget make a new circle: name its --experts too.")
        return self.circle_now

    def _make(self, said: Namespace) -> None:
        experts = spoken.experts_of(said.experts, self._names)
        store = self._opened(said.store)
        wanted = (*experts, store, said.budget)
        if wanted == self._made_of and self.circle_now is not None:
            return  # the same circle goes on, so that its budget does
        budget = None if said.budget is None else Budget(usd=said.budget)
        self._change(Circle(experts, store=store, budget=budget), wanted, own=True)

    def _change(self, circle: Circle | None, made_of: tuple[object, ...], *, own: bool) -> None:
        old, owned = self.circle_now, self._own
        self.circle_now, self._own, self._made_of = circle, own, made_of
        if old is not None and owned and old is not circle:
            old.close()

    def _store_of(self, said: str | None) -> Store:
        store = self._opened(said, must_exist=True)
        if store is None and self.circle_now is not None:
            store = self.circle_now.store
        if store is None:
            raise InvalidInput(
                "%%circle_sql reads a store: name one by --store history.duckdb, or ask with one."
            )
        return store

    def _opened(self, said: str | None, *, must_exist: bool = False) -> Store | None:
        if said is None:
            return None
        from pathlib import Path

        from consilience.store import Store
        from consilience.store.places import is_url

        found = spoken.store_of(said, self._names)
        if not isinstance(found, str):
            return found  # type: ignore[no-any-return]
        if found not in self._stores:
            if must_exist and not (is_url(found) or Path(found).exists()):
                raise InvalidInput(
                    f"There is no store {found!r}: ask with --store first, or name another file."
                )
            self._stores[found] = Store(found)
        return self._stores[found]

    def _keep(self, name: str | None, value: Any) -> None:
        if name is None:
            return
        if not name.isidentifier():
            raise InvalidInput(f"--out takes the name of a variable, {name!r} came.")
        self._names[name] = value


def load(shell: InteractiveShell) -> None:
    """Bring the magics and their completion into a shell; doing it again starts them anew."""
    unload(shell)
    magics = CircleMagics(shell)
    shell.register_magics(magics)
    for name in ("%circle", "%%circle", "%%circle_sql"):
        shell.set_hook("complete_command", completer(shell), str_key=name)


def unload(shell: InteractiveShell) -> None:
    """Take the magics out of a shell, and give back what they hold."""
    known = shell.magics_manager.registry.pop(CircleMagics.__name__, None)
    if known is None:
        return
    known.close()
    for kind in ("line", "cell"):
        for name in ("circle", "circle_sql"):
            shell.magics_manager.magics[kind].pop(name, None)


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn errors that are meant for people into one sentence; Ctrl-C passes through."""
    try:
        yield
    except ConsilienceError as error:
        raise UsageError(str(error)) from None
