"""Functions under a policy: coroutine functions, plain functions and streams, and what is refused."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Generator
from types import CoroutineType
from typing import Any, Protocol, Self

from consilience.errors import InvalidInput
from consilience.loop import call_in_thread

__all__ = ["AsyncFunction", "Guard", "PlainFunction", "awaited", "decorate", "in_thread", "iterated"]


class Guard(Protocol):
    """What a decorated function needs of its policy."""

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        """Await a coroutine function."""

    def call_sync(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a plain function and wait."""

    def stream(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Iterate over an asynchronous generator."""


class _Decorated:
    """A function that keeps its name, its docstring and its place as a method."""

    def __init__(self, calls: Guard, function: Callable[..., Any]) -> None:
        self._calls = calls
        self._function = function
        functools.update_wrapper(self, function)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"<{self._function!r} under {self._calls!r}>"

    def __get__(self, instance: object, owner: type | None = None) -> Self:
        if instance is None:
            return self
        return type(self)(self._calls, functools.partial(self._function, instance))

    def __await__(self) -> Generator[Any, Any, Any]:
        # `await policy(function)` is a call without arguments, `@policy` decorates: only what follows tells
        return self._calls.call(self._function).__await__()


class AsyncFunction(_Decorated):
    """A coroutine function under a policy."""

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return await self._calls.call(self._function, *args, **kwargs)


class PlainFunction(_Decorated):
    """A plain function under a policy: it runs in a thread of its own, and the caller waits."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return self._calls.call_sync(self._function, *args, **kwargs)


def decorate(calls: Guard, function: Callable[..., Any]) -> Any:
    """Return the function under the policy.

    Raises
    ------
    InvalidInput
        It is a class, a generator function, or nothing that can be called.
    """
    called = _called(function)
    if inspect.isasyncgenfunction(called):

        @functools.wraps(function)
        async def stream(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            items = calls.stream(function, *args, **kwargs)
            try:
                async for item in items:
                    yield item
            finally:
                await items.aclose()

        return stream
    if inspect.iscoroutinefunction(called):
        return AsyncFunction(calls, function)
    return PlainFunction(calls, function)


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what runs when the function is called, having refused what a policy cannot hold."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isclass(function):
        raise InvalidInput(
            f"A policy decorates functions and methods, the class {function.__name__} came: decorate its methods."
        )
    if not callable(function):
        raise InvalidInput(f"A policy decorates functions, a {type(function).__name__} came.")
    called = function if inspect.isroutine(function) else type(function).__call__
    if inspect.isgeneratorfunction(called):
        raise InvalidInput(
            f"A policy holds plain functions, coroutine functions and asynchronous generators; "
            f"{getattr(function, '__name__', function)} is a generator, whose pauses belong to its caller: make it "
            f"`async def`, or decorate what it calls."
        )
    return called


def awaited(function: Callable[..., Any], result: Any) -> Awaitable[Any]:
    """Return the result if it can be awaited, and otherwise say what to do.

    Raises
    ------
    InvalidInput
        The function returned something else: it is a plain function or a stream.
    """
    if isinstance(result, CoroutineType) or inspect.isawaitable(result):
        return result
    name = getattr(function, "__name__", repr(function))
    instead = (
        f"async for item in policy.stream({name}, ...)"
        if hasattr(result, "__aiter__")
        else f"policy.call_sync({name}, ...), or decorate it"
    )
    raise InvalidInput(
        f"A coroutine function is required, {name} returned a {type(result).__name__}: use {instead}."
    )


def iterated(function: Callable[..., Any], result: Any) -> AsyncIterator[Any]:
    """Return the result as an asynchronous iterator, and otherwise say what to do.

    Raises
    ------
    InvalidInput
        The function returned something else: it is no stream.
    """
    if hasattr(result, "__aiter__"):
        return aiter(result)
    if isinstance(result, CoroutineType):
        result.close()
    name = getattr(function, "__name__", repr(function))
    raise InvalidInput(
        f"An asynchronous generator is required, {name} returned a {type(result).__name__}: call it with "
        f"await policy({name}, ...), or iterate over it in a function that yields."
    )


async def in_thread(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a plain function in a thread of its own."""
    return await call_in_thread(functools.partial(function, *args, **kwargs))
