"""A connection to Redis from a URL, and what its errors say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.errors import InvalidInput

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["reason", "redis_client"]


def redis_client(url: str, wanted_by: str) -> Redis:
    """Return a client, which connects with its first command and never tries again by itself.

    Raises
    ------
    InvalidInput
        The extra is not installed, or the URL cannot be read; the message does not repeat it, for it may hold a
        password.
    """
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        raise InvalidInput(f"{wanted_by} needs the extra redis: pip install 'consilience[redis]'.") from error
    try:
        # A retry here would only make the caller wait for a miss.
        return Redis.from_url(url, retry=Retry(NoBackoff(), 0))
    except ValueError as error:
        raise InvalidInput(
            "A URL of Redis is required, such as redis://host:6379/0, rediss://host or unix:///path; what came begins "
            f"with {url.partition(':')[0]!r}."
        ) from error


def reason(error: BaseException) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {error}"
