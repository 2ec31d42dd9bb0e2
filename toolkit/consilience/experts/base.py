"""What an expert is, and how a plain function becomes one."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from consilience.errors import Abstained, InvalidInput
from consilience.loop import call_in_thread
from consilience.models import Question, Reply, Source

if TYPE_CHECKING:
    from consilience.policies import Policy


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


@runtime_checkable
class StreamingExpert(Expert, Protocol):
    """An expert that can also be read while it writes; `Circle.stream` uses it, everything else uses ``answer``."""

    def stream(self, question: Question) -> AsyncGenerator[str | Reply, None]:
        """Yield pieces of text as they are written, and at last the `Reply`; without one it was cut off."""


@runtime_checkable
class Shared(Protocol):
    """An expert that shares a service with others, and so its limits."""

    def policy(self) -> Policy:
        """Return the policy under which the service is asked."""


class FunctionExpert:
    """A plain function or coroutine function as an expert.

    Parameters
    ----------
    function
        Takes the `Question`; returns the answer (a text, or a list of texts for `Items`), a `Reply`, or ``None``
        to abstain. A plain function runs in a thread of its own, so it may block. What it answered in a run is
        settled under its name, and under its attribute ``prompt_hash`` where it has one: a text that is another one
        when its answers are to be new.
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
        self.prompt_hash = getattr(function, "prompt_hash", None)

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


Answering = Callable[[Question], object] | Callable[[Question], Coroutine[Any, Any, object]]
