"""A question as events: who was asked, what they write, how each ended, the verdict; iterated from any loop or thread.

Experts never wait for whoever reads. What an expert writes while nobody looks is joined into its one pending `Token`,
so that a slow reader gets longer pieces, loses nothing, and holds no more than the answers themselves.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from consilience.errors import LoopError
from consilience.kernels.threads import result_of, wait_for_news
from consilience.loop import background
from consilience.models import Question, Response
from consilience.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Asked:
    """Experts are asked, all at once.

    Parameters
    ----------
    question
        What the circle was asked.
    experts
        The names of those who are asked now.
    round
        Counted from 1; above it only with ``rounds=``.
    """

    question: Question
    experts: tuple[str, ...]
    round: int = 1


@dataclass(frozen=True, slots=True)
class Token:
    """What an expert wrote since its last token; foreign text, to be escaped where it is shown."""

    expert: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """One expert's part has ended, with whatever outcome."""

    response: Response


@dataclass(frozen=True, slots=True)
class Decided:
    """The verdict, the last event."""

    verdict: Verdict


Event: TypeAlias = Asked | Token | Ended | Decided
Tell: TypeAlias = Callable[[Event], None]


class Mailbox:
    """Events from the background loop to one reader on another loop or in a thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._events: deque[Event | str] = deque()
        self._writing: dict[str, list[str]] = {}
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None
        self._decided = False
        self._closed = False

    def put(self, event: Event) -> None:
        """Add an event; a token joins what its expert wrote before and nobody took yet."""
        with self._changed:
            if self._decided:
                return  # from an expert that resists its cancellation
            if not isinstance(event, Token):
                self._decided = isinstance(event, Decided)
                self._events.append(event)
            elif event.expert in self._writing:
                self._writing[event.expert].append(event.text)
                return
            else:
                self._writing[event.expert] = [event.text]
                self._events.append(event.expert)
            self._wake()

    def close(self) -> None:
        """Let the reader stop after what is there."""
        with self._changed:
            self._closed = True
            self._wake()

    async def take(self) -> Event | None:
        """Return the next event, or ``None`` at the end."""
        while True:
            with self._changed:
                if self._events or self._closed:
                    return self._pop()
                if self._waiter is not None and not self._waiter[1].done():
                    raise LoopError(
                        "One reader iterates over a stream, a second one came: ask again for each."
                    )
                loop = asyncio.get_running_loop()
                waiter: asyncio.Future[None] = loop.create_future()
                self._waiter = (loop, waiter)
            await waiter

    def take_sync(self) -> Event | None:
        """Return the next event, or ``None`` at the end; block until there is one."""
        with self._changed:
            while not (self._events or self._closed):
                wait_for_news(self._changed)
            return self._pop()

    def _pop(self) -> Event | None:
        if not self._events:
            return None
        event = self._events.popleft()
        return Token(event, "".join(self._writing.pop(event))) if isinstance(event, str) else event

    def _wake(self) -> None:
        self._changed.notify()
        if self._waiter is not None:
            (loop, waiter), self._waiter = self._waiter, None
            with suppress(RuntimeError):  # the reader's loop was closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, waiter)


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Stream:
    """The events of one question, to be iterated once: ``async for event in circle.stream("..."): ...``.

    The question is asked when the iteration begins. Leaving the loop, by ``break`` or an error, cancels the question as
    soon as nothing holds the stream any more; ``aclose``, or ``async with``, cancels it at once.

    Parameters
    ----------
    ask
        Asks the question, telling each event but the last.

    Examples
    --------
    >>> import consilience as cs
    >>> circle = cs.Circle([cs.Scripted("ana", ["It depends."])])
    >>> async def story():
    ...     async for event in circle.stream("Shard by tenant?"):
    ...         print(type(event).__name__, getattr(event, "text", ""))
    >>> asyncio.run(story())  # doctest: +ELLIPSIS
    Asked...
    Token It...
    Ended...
    Decided...
    """

    def __init__(self, ask: Callable[[Tell], Coroutine[Any, Any, Verdict]]) -> None:
        self._ask = ask
        self._mailbox = Mailbox()
        self._future: concurrent.futures.Future[None] | None = None
        self._left = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        future = self._started()
        try:
            event = await self._mailbox.take()
        except asyncio.CancelledError:
            future.cancel()
            raise
        if event is None:
            if not self._left:
                future.result()  # done before the mailbox closes: raises what ended the question, if it was an error
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        """Cancel the question if it is still going on."""
        self._cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._cancel()

    def events_sync(self) -> Iterator[Event]:
        """Iterate from a script or a thread; blocks between events.

        Raises
        ------
        LoopError
            Called on the package's own loop, which would wait for itself.
        """
        if background.is_current():
            raise LoopError("A blocking loop over events would wait for itself here: use async for.")
        future = self._started()
        try:
            while (event := self._mailbox.take_sync()) is not None:
                yield event
            result_of(future)
        finally:
            self._cancel()

    def _started(self) -> concurrent.futures.Future[None]:
        if self._future is None:
            mailbox = self._mailbox
            self._future = background.submit(_tell_all(self._ask, mailbox))
            self._future.add_done_callback(lambda _: mailbox.close())
            # what was dropped half-way is cancelled; the callback must not hold the stream
            weakref.finalize(self, self._future.cancel).atexit = False
        return self._future

    def _cancel(self) -> None:
        if self._future is not None:
            self._left = self._future.cancel()


async def _tell_all(ask: Callable[[Tell], Coroutine[Any, Any, Verdict]], mailbox: Mailbox) -> None:
    mailbox.put(Decided(await ask(mailbox.put)))
