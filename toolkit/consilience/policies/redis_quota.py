"""A quota that several processes share through Redis."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from consilience.errors import AttemptTimedOut, CircuitOpen, InvalidInput
from consilience.policies.breaker import Breaker
from consilience.policies.breaker_settings import BreakerSettings, BreakerState
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.deadline import Expiry
from consilience.policies.events import EVENTS, Events
from consilience.policies.rates import Rate
from consilience.policies.redis_client import reason, redis_client
from consilience.policies.tiers import TierChanged, TierFailed

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisQuota"]

_LONGEST_PAUSE = 30.0

# The algorithm of `Gcra` on Redis's own clock, in microseconds, so that the clocks of the processes do not matter.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, burst, interval = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = arrival + (math.min(cost, burst) - burst) * interval - now
if wait > 1 then return tostring(wait) end
arrival = arrival + cost * interval
if arrival > now then
  redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
else
  redis.call('DEL', KEYS[1])
end
return '0'
"""


class RedisQuota:
    """Requests and tokens a minute that hold over all processes with the same Redis; needs the extra ``redis``.

    Each process asks its own limiter first, so that a quota costs an exchange only for calls that may pass. A Redis
    that is slow or gone stops no call: each process then keeps the whole rate by itself, and an event says so.

    Parameters
    ----------
    url
        As Redis clients take it: ``redis://host:6379/0``, ``rediss://...``, ``unix:///path``.
    prefix
        Stands before every key; processes with another one have quotas of their own.
    timeout
        Seconds for one exchange. A quarter of a second is far above what a healthy Redis in the same network takes.
    pause
        Seconds for which a Redis that failed is left alone the first time; doubled with each further failure, up to
        30.
    clock, events
        Where time comes from, and where `TierChanged` and `TierFailed` go.

    Raises
    ------
    InvalidInput
        The extra is not installed, the URL cannot be read, or a number is out of its range.

    Examples
    --------
    >>> from consilience.policies import Policy
    >>> quota = RedisQuota("redis://localhost:6379/0")
    >>> llm = Policy("hosted", rate="500/min", tokens="200_000/min", shared=quota, registered=False)
    """

    def __init__(
        self,
        url: str = "redis://localhost:6379/0",
        *,
        prefix: str = "consilience",
        timeout: float = 0.25,
        pause: float = 1.0,
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
    ) -> None:
        if min(timeout, pause) <= 0:
            raise InvalidInput(f"timeout and pause are seconds above 0, {timeout} and {pause} came.")
        redis_client(url, "A RedisQuota")  # says at once what is wrong with the URL
        self.name = f"{prefix} quota"
        self._url, self._prefix, self._timeout = url, prefix, timeout
        self._clock, self._events = clock, events
        settings = BreakerSettings(
            consecutive=1, failure_rate=None, open_for=pause, open_at_most=_LONGEST_PAUSE
        )
        self._breaker = Breaker(self.name, settings, clock=clock, events=events)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._redis: Redis | None = None
        self._script: Any = None

    def __repr__(self) -> str:
        return f"<RedisQuota {self._prefix!r}{', degraded' if self.degraded else ''}>"

    @property
    def degraded(self) -> bool:
        """Whether Redis is gone or too slow, so that each process keeps the rate by itself."""
        return self._breaker.state is not BreakerState.CLOSED

    async def take(self, name: str, cost: float, rate: Rate, burst: float) -> float:
        """Take the cost of a named quota and return 0, or return the seconds after which to ask again."""
        from redis.exceptions import RedisError

        before = self.degraded
        try:
            with self._breaker.guard():
                late = f"Redis did not answer within {self._timeout:g} s."
                with Expiry(self._clock, self._timeout, AttemptTimedOut, late, shared=True):
                    microseconds = rate.seconds / rate.units * 1e6
                    script = self._connected()
                    wait = await script(
                        keys=[f"{self._prefix}:quota:{name}"], args=[cost, burst, microseconds]
                    )
            return float(wait) / 1e6
        except CircuitOpen:
            return 0.0
        except (RedisError, OSError, AttemptTimedOut) as error:
            self._emit(TierFailed(self.name, self._clock.monotonic(), "take", reason(error)))
            return 0.0
        finally:
            if self.degraded != before:
                told = self._breaker.history[-1].reason if self._breaker.history else ""
                self._emit(TierChanged(self.name, self._clock.monotonic(), self.degraded, told))

    async def aclose(self) -> None:
        """Close the connections; the next call opens new ones."""
        redis, self._redis, self._loop = self._redis, None, None
        if redis is not None:
            await redis.aclose()

    def _connected(self) -> Any:
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._redis is None:
            # Connections belong to their loop: one that was closed leaves nothing that could be used again.
            self._loop, self._redis = loop, redis_client(self._url, "A RedisQuota")
            self._script = self._redis.register_script(_TAKE)
        return self._script

    def _emit(self, event: TierChanged | TierFailed) -> None:
        if self._events.listeners:
            self._events.emit(event)
