"""Streams of answers: their events, and whether they came to their end."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from typing import Any, TypeVar

from consilience.errors import MalformedEvent, StreamCutOff

__all__ = ["close_stream", "read_events", "whole"]

T = TypeVar("T")
_DONE = "[DONE]"
_SHOWN = 80


async def whole(stream: AsyncIterable[T], finished: Callable[[T], bool]) -> AsyncGenerator[T, None]:
    """Pass a stream on, and raise when it ends before it is finished.

    The clients of the providers return what came of a stream that was cut off as if it were all.

    Parameters
    ----------
    stream
        Its items; it is closed with this one.
    finished
        Says of an item whether the answer is whole with it; items may come after it, such as the usage.

    Raises
    ------
    StreamCutOff
        No item finished it.

    Examples
    --------
    >>> import asyncio
    >>> async def words(*given):
    ...     for word in given:
    ...         yield word
    >>> async def read(*given):
    ...     return [word async for word in whole(words(*given), lambda word: word.endswith("."))]
    >>> asyncio.run(read("It", "depends."))
    ['It', 'depends.']
    >>> asyncio.run(read("It"))
    Traceback (most recent call last):
    consilience.errors.StreamCutOff: A stream ended after 1 items without the one that finishes it: ...
    """
    n_items, seen = 0, False
    items = aiter(stream)
    try:
        async for item in items:
            n_items += 1
            seen = seen or finished(item)
            yield item
    finally:
        await close_stream(items)
    if not seen:
        raise StreamCutOff(
            f"A stream ended after {n_items} items without the one that finishes it: what came is part of an answer; "
            f"ask again."
        )


async def read_events(lines: AsyncIterable[str]) -> AsyncGenerator[Any, None]:
    r"""Read the events of a stream (server-sent events, WHATWG HTML 9.2), whose data are JSON, up to ``[DONE]``.

    Parameters
    ----------
    lines
        Without their ends, as ``response.aiter_lines()`` gives them.

    Raises
    ------
    MalformedEvent
        The data of an event are no JSON.
    StreamCutOff
        The stream ended within an event.

    Examples
    --------
    >>> import asyncio
    >>> async def lines(text):
    ...     for line in text.splitlines():
    ...         yield line
    >>> async def read(text):
    ...     return [event async for event in read_events(lines(text))]
    >>> asyncio.run(read('data: {"text": "yes"}\n\ndata: [DONE]\n\n'))
    [{'text': 'yes'}]
    """
    data: list[str] = []
    async for line in lines:
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            text = "\n".join(data)
            data.clear()
            if text == _DONE:
                return
            yield _read(text)
    if data and data != [_DONE]:
        raise StreamCutOff(f"A stream ended within an event, after {_shown(data[-1])}: ask again.")


async def close_stream(items: AsyncIterator[Any]) -> None:
    """Close what can be closed: a generator is, other iterators have nothing to say."""
    close = getattr(items, "aclose", None)
    if close is not None:
        await close()


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # the second, when it is nested without measure
        raise MalformedEvent(f"The data of an event are JSON, {_shown(text)} came: ask again.") from error


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
