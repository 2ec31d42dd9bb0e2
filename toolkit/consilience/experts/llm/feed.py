"""An asynchronous generator that runs in one task on the package's loop, for a consumer on any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Generic, TypeVar

from consilience.loop import background

T = TypeVar("T")

_AHEAD = 64  # pieces that may wait for a slow consumer, before the producer waits for it


class Feed(Generic[T]):
    """Runs a generator in a task of its own: what it holds open must be closed where it was opened.

    Parameters
    ----------
    items
        The generator; its end is the feed's, its error is raised to the consumer.
    """

    def __init__(self, items: AsyncGenerator[T, None]) -> None:
        self._items = items
        self._queue: asyncio.Queue[T | None] = asyncio.Queue(_AHEAD)
        self._task = asyncio.ensure_future(self._run())

    async def next(self) -> T | None:
        """Return the next item; ``None`` at the end."""
        item = await self._queue.get()
        if item is None:
            await self._task
        return item

    async def stop(self) -> None:
        """End the generator, wherever it is."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            async with aclosing(self._items) as items:
                async for item in items:
                    await self._queue.put(item)
        except Exception:  # whatever ended the generator: its reader waits, and next() raises it there
            await self._queue.put(None)
            raise
        await self._queue.put(None)


async def from_background(items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Yield what a generator yields that runs on the package's loop; stopping early stops it there."""
    if background.is_current():
        async with aclosing(items):
            async for item in items:
                yield item
        return
    feed = await background.wait(_started(items))
    try:
        while True:
            piece: T | None = await background.wait(feed.next())
            if piece is None:
                return
            yield piece
    finally:
        await background.wait(feed.stop())


async def _started(items: AsyncGenerator[T, None]) -> Feed[T]:
    return Feed(items)
