"""What an expert is, and how a plain function becomes one."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

from consilience.errors import Abstained, InvalidInput
from consilience.models import Question, Reply, Source


@runtime_checkable
class Expert(Protocol):
    """Anything with a name that answers a question.

    Attributes
    ----------
    name
        Unique within a circle.
    source
        Who or what answers; shown as a mark beside the name.
    """

    name: str
    source: Source

    async def answer(self, question: Question) -> Reply:
        """Answer, or raise an `ExpertError` that says why not. Cancellation must stop the work."""

    async def aclose(self) -> None:
        """Give back what the expert holds; it may be asked again afterwards."""


class FunctionExpert:
    """A plain function or coroutine function as an expert.

    Parameters
    ----------
    function
        Takes the `Question`; returns the answer (a text, or a list of texts for `Items`), a `Reply`, or ``None``
        to abstain. A plain function runs in a thread of its own, so it may block.
    name
        Its ``__name__`` by default.

    Examples
    --------
    >>> import asyncio
    >>> def shouts(question):
    ...     return question.text.upper()
    >>> asyncio.run(FunctionExpert(shouts).answer(Question("really?"))).raw
    'REALLY?'
    """

    source = Source.FUNCTION

    def __init__(self, function: Callable[[Question], object], name: str | None = None) -> None:
        self.name = name or _function_name(function)
        self._function = function

    def __repr__(self) -> str:
        return f"FunctionExpert({self.name!r})"

    async def answer(self, question: Question) -> Reply:
        """Call the function; ``None`` raises `Abstained`."""
        result = await _call(self._function, question)
        if result is None:
            raise Abstained(f"{self.name} returned None, which means that it abstains.")
        return result if isinstance(result, Reply) else Reply(result)

    async def aclose(self) -> None:
        """Nothing is held."""


def _function_name(function: Callable[..., object]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    if name == "<lambda>":
        raise InvalidInput(
            "A lambda has no name of its own to stand under in the verdict: write a def, or give it one with "
            "cs.experts.FunctionExpert(function, name='...')."
        )
    return str(name)


def _is_coroutine_function(function: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004 - the method itself is looked at
    )


async def _call(function: Callable[[Question], object], question: Question) -> object:
    if _is_coroutine_function(function):
        return await _as_coroutine(function(question))
    result = await call_in_thread(function, question)
    return await result if inspect.isawaitable(result) else result


async def _as_coroutine(awaitable: Any) -> object:
    return await awaitable


async def call_in_thread(function: Callable[..., object], *args: object) -> object:
    """Run a blocking function in a daemon thread of its own and await its result.

    The threads of an executor are joined when the interpreter ends, so one function that never returns would hold
    the whole program; a daemon thread does not. A thread cannot be stopped: after a cancellation it runs on and
    its result is dropped.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[object] = loop.create_future()

    def settle(result: object, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result: object = None
        error: BaseException | None = None
        try:
            result = function(*args)
        except (StopIteration, SystemExit, KeyboardInterrupt) as stop:
            # a future refuses the first and the others would end the loop that awaits it
            error = RuntimeError(f"{getattr(function, '__name__', 'the function')} raised {stop!r}")
        except BaseException as raised:  # noqa: BLE001 - the edge of a thread: what it raised belongs to the caller
            error = raised
        with suppress(RuntimeError):  # the loop was closed while the function ran: nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(
        target=work, name=f"consilience-{getattr(function, '__name__', 'call')}", daemon=True
    ).start()
    return await future


Answering = Callable[[Question], object] | Callable[[Question], Coroutine[Any, Any, object]]
