"""Word of what other processes changed, from the channel of a tier in Redis."""

from __future__ import annotations

import asyncio
import inspect
import json
import uuid
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from consilience.policies.clock import Clock

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

__all__ = ["RedisNews"]

Listener = Callable[["str | None"], None]
# A connection that answered nothing for so many heartbeats is taken for cut.
_MISSED = 3


class RedisNews:
    """Listens to a channel as long as the loop runs, and says so when something may have been missed.

    Parameters
    ----------
    channel
        Its name.
    heartbeat
        Seconds of silence after which the connection is tested.
    pause
        Seconds until a lost connection is made again.
    clock
        Measures both.
    back
        A method that is called when it listens, for the first time or again. It is held weakly.

    Attributes
    ----------
    listening
        Set while nothing can be missed.
    """

    def __init__(
        self, channel: str, heartbeat: float, pause: float, *, clock: Clock, back: Callable[[], object]
    ) -> None:
        self.listening = asyncio.Event()
        self._channel = channel
        # Tells this process's messages from those of others.
        self._origin = uuid.uuid4().hex
        self._heartbeat, self._pause = heartbeat, pause
        self._clock = clock
        self._back = weakref.WeakMethod(back)
        self._was_there = False
        self._redis: Redis | None = None
        self._listeners: list[Callable[[], Listener | None]] = []
        self._task: asyncio.Task[None] | None = None

    def subscribe(self, listener: Listener) -> None:
        """Call the listener with every key that changed elsewhere; a method keeps its object not alive."""
        if inspect.ismethod(listener):
            self._listeners.append(weakref.WeakMethod(listener, self._listeners.remove))
        else:
            self._listeners.append(lambda: listener)

    def message(self, key: str | None) -> tuple[str, str]:
        """Return channel and text of the message that a key changed, ``None`` for all keys."""
        return self._channel, json.dumps([self._origin, key])

    def start(self, redis: Redis) -> None:
        """Listen on the running loop, until `stop` or until nobody holds the owner of `back` any more."""
        self.listening = asyncio.Event()
        self._redis = redis
        self._task = asyncio.get_running_loop().create_task(self._run(redis))

    async def stop(self) -> None:
        """Listen no more, and close the connections."""
        task, redis, self._task, self._redis = self._task, self._redis, None, None
        self.listening.clear()
        if task is None or redis is None or task.get_loop() is not asyncio.get_running_loop():
            return
        task.cancel()
        await asyncio.wait([task])
        await redis.aclose()

    async def _run(self, redis: Redis) -> None:
        from redis.exceptions import RedisError

        while self._back() is not None:
            with suppress(RedisError, OSError):  # the calls find out, and tell
                async with redis.pubsub() as pubsub:
                    await self._listen(pubsub)
            self.listening.clear()
            await self._clock.sleep(self._pause)
        await redis.aclose()

    async def _listen(self, pubsub: PubSub) -> None:
        await pubsub.subscribe(self._channel)
        silent = 0
        while silent < _MISSED and self._back() is not None:
            message = await pubsub.get_message(timeout=self._heartbeat)
            if message is None:
                silent += 1
                await pubsub.ping()
                continue
            silent = 0
            if message["type"] == "subscribe":
                self._begin()
            elif message["type"] == "message":
                self._hear(message["data"])

    def _begin(self) -> None:
        if self._was_there:
            self._tell(None)  # what came meanwhile was not heard
        self._was_there = True
        self.listening.set()
        back = self._back()
        if back is not None:
            back()

    def _hear(self, data: bytes) -> None:
        # Whoever can reach the server can send anything: what is no message of ours is passed over.
        with suppress(ValueError, TypeError):
            origin, key = json.loads(data)
            if origin != self._origin and (key is None or isinstance(key, str)):
                self._tell(key)

    def _tell(self, key: str | None) -> None:
        for reference in tuple(self._listeners):
            listener = reference()
            if listener is not None:
                listener(key)
