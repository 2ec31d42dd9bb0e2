"""Connections that are kept and shared: HTTP, PostgreSQL and Redis, with the same figures and the same health."""

from consilience.pools.figures import Health, PoolStats
from consilience.pools.http import HttpPool
from consilience.pools.pool_events import ConnectionReplaced, HealthChanged
from consilience.pools.postgres import PostgresPool
from consilience.pools.redis import RedisPool

__all__ = [
    "ConnectionReplaced",
    "Health",
    "HealthChanged",
    "HttpPool",
    "PoolStats",
    "PostgresPool",
    "RedisPool",
]
