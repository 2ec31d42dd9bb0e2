"""Tokens a minute: what a call will cost is expected from the last ones and settled when it is known."""

from __future__ import annotations

import math
from collections.abc import Callable

from consilience.policies.limits import RateLimiter
from consilience.policies.usage import used_tokens

__all__ = ["TokenQuota"]


class TokenQuota:
    """A `RateLimiter` whose costs are known only afterwards.

    Parameters
    ----------
    limiter
        Gives out tokens.
    measure
        Reads the tokens from a result, ``None`` when it cannot tell; then, as with a NaN or what is below 0 or
        infinite, the expected ones stand.

    Examples
    --------
    >>> import asyncio
    >>> quota = TokenQuota(RateLimiter("1000/min", burst=1000), measure=len)
    >>> expected = asyncio.run(quota.acquire())
    >>> quota.settle(expected, "x" * 400)
    >>> round(quota.expected), round(quota.limiter.left, -1)
    (400, 600.0)
    """

    _MEMORY = 0.1  # weight of the last call in the expectation

    def __init__(
        self, limiter: RateLimiter, *, measure: Callable[[object], float | None] = used_tokens
    ) -> None:
        self.limiter = limiter
        self.measure = measure
        self.expected = 0.0

    async def acquire(self) -> float:
        """Wait for the tokens that a call is expected to use, and return how many those are."""
        expected = self.expected
        await self.limiter.acquire(expected)
        return expected

    def settle(self, expected: float, result: object) -> None:
        """Correct the account by what the result says."""
        used = self.measure(result)
        if used is None or not 0 <= used < math.inf:  # a NaN in the account would stop it for good
            return
        self.limiter.settle(used - expected)
        self.expected = used if not self.expected else self.expected + self._MEMORY * (used - self.expected)
