"""What goes on in this process: its policies, caches and pools, and its memory, at one moment."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from consilience.policies import Cache, CacheStats, Policy, registry
from consilience.policies.breaker_settings import BreakerState
from consilience.policies.memory import MEMORY
from consilience.policies.memory_use import MemoryUse, read_memory
from consilience.pools import PoolStats
from consilience.pools.pool import alive


@dataclass(frozen=True, slots=True)
class PolicyState:
    """A policy at one moment.

    Parameters
    ----------
    name
        Of the policy.
    circuit
        ``"closed"``, ``"open"`` or ``"half-open"``; ``None`` without a breaker.
    failed, calls
        How many of the last calls failed, and how many are looked at.
    reason
        Why the circuit is not closed; empty when it is.
    retry_after
        Seconds until an open circuit lets a probe pass; ``None`` where that is not known.
    running, limit, waiting
        Calls at once now and at most (``None`` without a limit), and those that wait.
    requests_left, tokens_left
        What would pass now; ``None`` without a rate.
    slowed
        Whether less than the rate is given out, because the other side throttled.
    p95
        Seconds within which 95 % of the last 512 successful attempts ended; ``None`` before the first.
    """

    name: str
    circuit: str | None
    failed: int
    calls: int
    reason: str
    retry_after: float | None
    running: int
    limit: int | None
    waiting: int
    requests_left: float | None
    tokens_left: float | None
    slowed: bool
    p95: float | None


@dataclass(frozen=True, slots=True)
class Operations:
    """What goes on in this process.

    Parameters
    ----------
    policies
        By name.
    caches
        Name and counts; what is in them is not told.
    pools
        Kind, name and figures of those that are not closed.
    memory
        Used part of what there is; ``None`` where it cannot be known.
    """

    policies: tuple[PolicyState, ...]
    caches: tuple[tuple[str, CacheStats], ...]
    pools: tuple[tuple[str, str, PoolStats], ...]
    memory: MemoryUse | None


def operations(others: Iterable[Policy] = ()) -> Operations:
    """Return what goes on now.

    Parameters
    ----------
    others
        Policies that stand for themselves, beside those that have a name in the process, such as those of a circle.

    Examples
    --------
    >>> policy = Policy("example", registered=False, rate="60/min")
    >>> [state.requests_left for state in operations([policy]).policies if state.name == "example"]
    [6.0]
    """
    known = {id(policy): policy for policy in (*registry.policies(), *others)}
    caches = [part for part in MEMORY.registered if isinstance(part, Cache)]
    return Operations(
        tuple(sorted(map(policy_state, known.values()), key=lambda state: state.name)),
        tuple(sorted(((cache.name, cache.stats()) for cache in caches), key=lambda named: named[0])),
        tuple((type(pool).__name__, pool.name, pool.stats()) for pool in alive()),
        read_memory(),
    )


def policy_state(policy: Policy) -> PolicyState:
    """Return a policy's state at this moment."""
    breaker, bulkhead = policy.breaker, policy.bulkhead
    watched = policy._attempts.breaker is not None  # noqa: SLF001 - a policy without one still has one to force
    window = breaker.window
    troubled = watched and breaker.state is not BreakerState.CLOSED
    history = list(breaker.history)
    return PolicyState(
        name=policy.name,
        circuit=str(breaker.state) if watched else None,
        failed=window.failures if watched else 0,
        calls=window.calls if watched else 0,
        reason=history[-1].reason if troubled and history else "",
        retry_after=getattr(breaker.refusal(), "retry_after", None) if troubled else None,
        running=bulkhead.running,
        limit=None if bulkhead.limit == math.inf else int(bulkhead.limit),
        waiting=bulkhead.waiting,
        requests_left=_finite(policy.requests.left),
        tokens_left=_finite(policy.tokens.left),
        slowed=policy.requests.slowed or policy.tokens.slowed,
        p95=policy.p95,
    )


def _finite(left: float) -> float | None:
    return None if left == math.inf else left
