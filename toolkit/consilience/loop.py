"""The one background loop on which experts, clients and policies live.

A notebook, a script and a dashboard each have a loop of their own or none, and widget callbacks may run in any thread.
Clients that are kept across loops break ("Event loop is closed"), so everything asynchronous runs on one loop in one
daemon thread, started on first use. Callers wait from wherever they are: `wait` from any loop, `wait_sync` from any
thread.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextvars
import functools
import os
import queue
import threading
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, Self, TypeVar

from consilience.errors import LoopError
from consilience.kernels.threads import result_of

T = TypeVar("T")

_CLOSE_SECONDS = 5.0


class BackgroundLoop:
    """A daemon thread that runs one event loop until `close`.

    Examples
    --------
    >>> async def double(x):
    ...     return 2 * x
    >>> loop = BackgroundLoop()
    >>> loop.wait_sync(double(21))
    42
    >>> loop.close()
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closers: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._submitted: weakref.WeakSet[Coroutine[Any, Any, Any]] = weakref.WeakSet()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), name="consilience-loop", daemon=True
                )
                self._thread.start()
            return self._loop

    def is_current(self) -> bool:
        """Whether the caller runs on this loop's thread."""
        return self._thread is threading.current_thread()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine on the loop; cancelling the future cancels it there."""
        self._submitted.add(coroutine)
        return asyncio.run_coroutine_threadsafe(coroutine, self._running())

    async def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the background loop and await it from any loop.

        Cancelling the caller cancels the coroutine.
        """
        if self.is_current():
            return await coroutine
        return await asyncio.wrap_future(self.submit(coroutine))

    def wait_sync(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the background loop and block until it is done; safe under a running loop.

        Ctrl-C cancels the coroutine and passes through.

        Raises
        ------
        LoopError
            Called on the background loop itself, which would wait for itself for ever.
        """
        if self.is_current():
            coroutine.close()
            raise LoopError(
                "A blocking call was made inside an asynchronous expert or callback, which would wait for itself: "
                "await the asynchronous form (await circle.ask(...)) there."
            )
        call = _Call(coroutine)
        try:
            return result_of(self.submit(call.run()))
        except BaseException:
            # KeyboardInterrupt leaves the coroutine running on the other thread unless it is told
            call.leave()
            raise

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Call a short function on the loop's thread after a number of seconds."""
        loop = self._running()
        loop.call_soon_threadsafe(loop.call_later, seconds, function)

    def on_close(self, closer: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Await ``closer()`` on the loop before it stops, the last registered first."""
        with self._lock:
            self._closers.append(closer)

    def close(self) -> None:
        """Cancel what runs, close what was registered, stop the loop; the next call starts a new one."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            closers, self._closers = self._closers[::-1], []
        if loop is None or thread is None:
            return
        with suppress(
            concurrent.futures.TimeoutError
        ):  # what does not end in time ends with its daemon thread
            asyncio.run_coroutine_threadsafe(self._wind_up(closers), loop).result(_CLOSE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_CLOSE_SECONDS)
        if not thread.is_alive():
            loop.close()

    async def _wind_up(self, closers: list[Callable[[], Coroutine[Any, Any, None]]]) -> None:
        """End what callers wait for, close what was registered, and then what is left: a pool ends its own workers."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        await _cancelled({task for task in tasks if task.get_coro() in self._submitted})
        for closer in closers:
            await closer()
        await _cancelled(asyncio.all_tasks() - {asyncio.current_task()})

    def forget(self) -> None:
        """Drop the loop without touching it: after a fork the thread exists in the parent only."""
        self.__init__()  # type: ignore[misc]


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while True:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt):
            # raised inside one task, which has it as its result: the others' loop goes on
            continue
        return


class _Call(Generic[T]):
    """A coroutine that another thread waits for, and can leave wherever it was interrupted, in `submit` too."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[Any] | None = None
        self._left = False
        self._ended = threading.Event()

    async def run(self) -> T:
        self._task = asyncio.current_task()
        try:
            if self._left:
                self._coroutine.close()
                raise asyncio.CancelledError
            return await self._coroutine
        finally:
            self._ended.set()

    def leave(self) -> None:
        """Cancel it and wait for its end, some seconds at most: then what it wrote at its end is written."""
        self._left = True
        if self._task is None or self._ended.is_set():
            return
        with suppress(RuntimeError):  # the loop was closed
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
        self._ended.wait(_CLOSE_SECONDS)


async def _cancelled(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_CLOSE_SECONDS / 4)


class Closing:
    """Something that is given back by `close`, `aclose`, or the end of a ``with`` or ``async with`` block.

    What gives it back is its ``_close``, a coroutine that runs on the background loop.
    """

    async def _close(self) -> None:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Give back what is held; awaitable on any loop."""
        await background.wait(self._close())

    def close(self) -> None:
        """Close as `aclose` does, and wait."""
        background.wait_sync(self._close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class Lane:
    """One daemon thread in which blocking functions run one after another; it ends with the lane.

    For calls that come again and again: memory that a thread gave back is kept for that thread, and a thread for each
    call makes the process larger.

    Parameters
    ----------
    name
        Of the thread; it starts with the first call.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._started = False
        weakref.finalize(self, self._calls.put, None).atexit = False

    async def call(self, function: Callable[..., T], *args: object) -> T:
        """Run a function after those that were given before, and await its result; see `call_in_thread`."""
        future, work = _work(function, args)
        if not self._started:
            self._started = True
            threading.Thread(target=_go_through, args=(self._calls,), name=self._name, daemon=True).start()
        self._calls.put(work)
        return await future


def _go_through(calls: queue.SimpleQueue[Callable[[], None] | None]) -> None:
    while (work := calls.get()) is not None:
        work()
        del work  # what it was given must not live until the next one comes


async def call_in_thread(function: Callable[..., T], *args: object) -> T:
    """Run a blocking function in a daemon thread of its own and await its result.

    The threads of an executor are joined when the interpreter ends, so one function that never returns would hold
    the whole program; a daemon thread does not. A thread cannot be stopped: after a cancellation it runs on and
    its result is dropped. The function sees the context variables of the caller.
    """
    future, work = _work(function, args)
    name = f"consilience-{getattr(function, '__name__', 'call')}"
    threading.Thread(target=work, name=name, daemon=True).start()
    return await future


def _work(
    function: Callable[..., T], args: tuple[object, ...]
) -> tuple[asyncio.Future[T], Callable[[], None]]:
    """Return a future of this loop, and what sets it from another thread."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(call: Callable[[], None]) -> None:
        if not future.done():
            call()

    def work() -> None:
        try:
            result = context.run(function, *args)
            done = functools.partial(future.set_result, result)
        except (StopIteration, SystemExit, KeyboardInterrupt) as stop:
            # a future refuses the first and the others would end the loop that awaits it
            name = getattr(function, "__name__", "the function")
            done = functools.partial(future.set_exception, RuntimeError(f"{name} raised {stop!r}"))
        except BaseException as raised:  # noqa: BLE001 - the edge of a thread: what it raised belongs to the caller
            done = functools.partial(future.set_exception, raised)
        with suppress(RuntimeError):  # the loop was closed while the function ran: nobody waits any more
            loop.call_soon_threadsafe(settle, done)

    return future, work


background = BackgroundLoop()
atexit.register(background.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=background.forget)
