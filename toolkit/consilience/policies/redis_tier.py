"""A tier that processes share: values in Redis, and word of what changed over its publish and subscribe.

A Redis that is slow, full or gone is a miss. What could not be taken out of it is taken out before anything else when
it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from consilience.errors import AttemptTimedOut, CircuitOpen, InvalidInput
from consilience.loop import background
from consilience.policies.breaker import Breaker
from consilience.policies.breaker_settings import BreakerSettings, BreakerState
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.codec import Codec, Json
from consilience.policies.deadline import Expiry
from consilience.policies.events import EVENTS, Event, Events
from consilience.policies.redis_client import reason, redis_client
from consilience.policies.redis_news import RedisNews
from consilience.policies.tiers import Kept, TierChanged, TierFailed

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisTier"]

T = TypeVar("T")

_MAX_UNSENT = 10_000
_LONGEST_PAUSE = 30.0


class RedisTier:
    """Values that several processes share through Redis; needs the extra ``redis``.

    Values are JSON, never pickles: see `Json`. Every process hears from the others which keys they changed, and drops
    its own copy, usually within milliseconds; one that was cut off from Redis drops all copies when it is back. A
    value that another process computed before an invalidation, and writes in the very moment of it, can stay until
    it expires.

    Parameters
    ----------
    url
        As Redis clients take it: ``redis://host:6379/0``, ``rediss://...``, ``unix:///path``.
    prefix
        Stands before every key, and names the tier in events.
    codec
        Turns values into texts; `Json` by default.
    timeout
        Seconds for one exchange; a slower Redis is a miss. A quarter of a second is far above what a healthy one in
        the same network takes, and below what a person notices.
    pause
        Seconds for which a Redis that failed is left alone the first time; doubled with each further failure, up to
        30.
    heartbeat
        Seconds of silence after which the connection that listens is tested.
    clock, events
        Where time comes from, and where `TierChanged` and `TierFailed` go.

    Raises
    ------
    InvalidInput
        The extra is not installed, the URL cannot be read, or a number is out of its range.
    """

    def __init__(
        self,
        url: str = "redis://localhost:6379/0",
        *,
        prefix: str = "consilience",
        codec: Codec | None = None,
        timeout: float = 0.25,
        pause: float = 1.0,
        heartbeat: float = 1.0,
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
    ) -> None:
        if min(timeout, pause, heartbeat) <= 0:
            raise InvalidInput(
                f"timeout, pause and heartbeat are seconds above 0, {timeout}, {pause} and {heartbeat} came."
            )
        redis_client(url, "A RedisTier")  # says at once what is wrong with the URL
        self.name = f"{prefix} redis"
        self._url, self._prefix = url, prefix
        self._codec = codec or Json()
        self._timeout, self._pause = timeout, pause
        self._clock, self._events = clock, events
        settings = BreakerSettings(
            consecutive=1, failure_rate=None, open_for=pause, open_at_most=_LONGEST_PAUSE
        )
        self._breaker = Breaker(self.name, settings, clock=clock, events=events)
        self._news = RedisNews(f"{prefix}:changed", heartbeat, pause, clock=clock, back=self._back)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._redis: Redis | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._delivering = False
        self._full = False
        # What other processes and Redis do not know yet; None stands for everything.
        self._unsent: dict[str | None, None] = {}

    def __repr__(self) -> str:
        return f"<RedisTier {self._prefix!r}{', degraded' if self.degraded else ''}>"

    @property
    def degraded(self) -> bool:
        """Whether Redis is gone, too slow, or full; set and lifted by what comes of the calls."""
        return self._full or self._breaker.state is not BreakerState.CLOSED

    def subscribe(self, listener: Callable[[str | None], None]) -> None:
        """Call the listener when a key changed in another process; with ``None`` when any may have. Held weakly."""
        self._news.subscribe(listener)

    async def get(self, key: str) -> Kept | None:
        """Return the value of a key and for how long it stays; ``None`` when there is none or Redis does not tell."""

        async def read(redis: Redis) -> tuple[bytes | None, int]:
            pipeline = redis.pipeline(transaction=False)
            pipeline.get(self._place(key))
            pipeline.pttl(self._place(key))
            data, left = await pipeline.execute()
            return data, left

        found = await self._exchange("get", read)
        if found is None or found[0] is None or found[1] == _GONE:
            return None
        try:
            return Kept(self._codec.loads(found[0]), math.inf if found[1] < 0 else max(found[1], 1) / 1000)
        except InvalidInput as error:
            self._emit(TierFailed(self.name, self._clock.monotonic(), "get", str(error)))
            return None

    async def put(self, key: str, value: object, seconds: float) -> None:
        """Keep a value for so many seconds, and tell the other processes that the key changed."""
        try:
            text = self._codec.dumps(value)
        except InvalidInput as error:
            self._emit(TierFailed(self.name, self._clock.monotonic(), "put", str(error)))
            return

        async def write(redis: Redis) -> None:
            life = None if seconds == math.inf else max(1, int(seconds * 1000))
            pipeline = redis.pipeline(transaction=False)
            pipeline.set(self._place(key), text, px=life)
            pipeline.publish(*self._news.message(key))
            replies = await pipeline.execute(raise_on_error=False)
            if _is_full(replies[0]):
                # the old value must not stay in place of the new one
                await redis.delete(self._place(key))
            self._set_full(replies[0])

        await self._exchange("put", write)

    async def remove(self, key: str) -> None:
        """Take a value out and tell the other processes; if that cannot be done now, as soon as it can."""
        self._unsent[key] = None
        if len(self._unsent) > _MAX_UNSENT:
            self._unsent = {None: None}
        await self._exchange("remove", _nothing)
        if self._unsent and not self._delivering:
            self._start(self._deliver())

    async def aclose(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._redis = self._loop = None
        await self._news.stop()

    async def _exchange(self, operation: str, work: Callable[[Redis], Awaitable[T]]) -> T | None:
        """Do what is to be done with Redis; ``None`` if it cannot be done."""
        from redis.exceptions import RedisError

        try:
            with self._telling(), self._breaker.guard():
                late = f"Redis did not answer within {self._timeout:g} s."
                with Expiry(self._clock, self._timeout, AttemptTimedOut, late, shared=True):
                    redis = await self._connected()
                    await self._send_removals(redis)
                    return await work(redis)
        except CircuitOpen:
            return None
        except (RedisError, OSError, AttemptTimedOut) as error:
            self._emit(TierFailed(self.name, self._clock.monotonic(), operation, reason(error)))
            return None

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell when the state differs afterwards."""
        before = self.degraded
        try:
            yield
        finally:
            if self.degraded != before:
                reason = self._breaker.history[-1].reason if self._breaker.history else ""
                self._emit(
                    TierChanged(
                        self.name,
                        self._clock.monotonic(),
                        self.degraded,
                        "Redis is full" if self._full else reason,
                    )
                )

    async def _connected(self) -> Redis:
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._redis is None:
            # Connections belong to their loop: one that was closed leaves nothing that could be used again.
            self._loop, self._redis = loop, redis_client(self._url, "A RedisTier")
            if background.is_current():
                background.on_close(self._news.stop)
            self._news.start(self._redis)
        await self._news.listening.wait()
        return self._redis

    def _back(self) -> None:
        self._start(self._recover())

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _recover(self) -> None:
        """Try Redis again at once, since the connection that listens is back, and send what waits for it."""
        with self._telling():
            if self._breaker.state is BreakerState.OPEN:
                self._breaker.reset("the connection that listens is back")
        if self._unsent:
            await self._exchange("remove", _nothing)

    async def _deliver(self) -> None:
        """Try to send removals until it is done: nobody may call again, and others go on with what they have."""
        self._delivering = True
        try:
            while self._unsent:
                await self._clock.sleep(self._pause)
                await self._exchange("remove", _nothing)
        finally:
            self._delivering = False

    async def _send_removals(self, redis: Redis) -> None:
        while self._unsent:
            key = next(iter(self._unsent))
            names = (
                [name async for name in redis.scan_iter(f"{self._prefix}:*")]
                if key is None
                else [self._place(key)]
            )
            pipeline = redis.pipeline(transaction=False)
            if names:
                pipeline.unlink(*names)
            pipeline.publish(*self._news.message(key))
            await pipeline.execute()
            self._unsent.pop(key, None)

    def _place(self, key: str) -> str:
        # Hashed, so that a long prompt does not become a long key.
        return f"{self._prefix}:{hashlib.sha256(key.encode()).hexdigest()}"

    def _set_full(self, reply: object) -> None:
        self._full = _is_full(reply)
        if isinstance(reply, Exception) and not self._full:
            raise reply

    def _emit(self, event: Event) -> None:
        if self._events.listeners:
            self._events.emit(event)


_GONE = -2


async def _nothing(_: Redis) -> None:
    """Do nothing more: removals are sent with every exchange."""


def _is_full(reply: object) -> bool:
    from redis.exceptions import OutOfMemoryError

    return isinstance(reply, OutOfMemoryError)
