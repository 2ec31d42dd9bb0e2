"""A cache in memory over tiers, and what an invalidation means for a value that is only on its way."""

from __future__ import annotations

import math
import threading
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from consilience.loop import background
from consilience.policies.cache import Cache
from consilience.policies.tiers import Kept, Tier

__all__ = ["ABSENT", "Claim", "Layers"]

ABSENT: Final = object()


class Claim:
    """The right to fill a key with a value that is being read or computed; an invalidation breaks it.

    Without it, a value that was read before an invalidation could be kept after it, and stay.

    Attributes
    ----------
    n_holders
        How many calls hold it.
    """

    __slots__ = ("_broken", "n_holders")

    def __init__(self) -> None:
        self._broken = False
        self.n_holders = 0

    def holds(self) -> bool:
        """Whether the key was not invalidated since."""
        return not self._broken

    def break_(self) -> None:
        """Let what is under way be given to those who wait for it, and not be kept."""
        self._broken = True


class Layers:
    """A cache in memory, and tiers under it that are asked in turn.

    Parameters
    ----------
    memory
        The cache; its keys are texts when there are tiers.
    tiers
        The nearest first. What is found in one is also put into those above it.
    ttl
        Seconds that a value lasts at most, in every layer; ``None`` for the memory's own and no end in the tiers.
    """

    def __init__(
        self, memory: Cache[Hashable, Any], tiers: Sequence[Tier] = (), *, ttl: float | None = None
    ) -> None:
        self.memory = memory
        self.tiers = tuple(tiers)
        self._ttl = ttl
        # reentrant: a callback of the cache runs inside, and may invalidate
        self._lock = threading.RLock()
        self._claims: dict[Hashable, Claim] = {}
        if self.tiers:
            # Kept from a run of the cell before this one, it may have changed elsewhere while nobody listened.
            memory.clear()
        for tier in self.tiers:
            tier.subscribe(self._changed_elsewhere)

    @property
    def degraded(self) -> bool:
        """Whether one of the tiers cannot do its work at the moment."""
        return any(tier.degraded for tier in self.tiers)

    @contextmanager
    def claim(self, key: Hashable) -> Iterator[Claim]:
        """Hold the claim to fill a key; all who hold it at the same time hold the same one."""
        with self._lock:
            claim = self._claims.setdefault(key, Claim())
            claim.n_holders += 1
        try:
            yield claim
        finally:
            with self._lock:
                claim.n_holders -= 1
                if not claim.n_holders and self._claims.get(key) is claim:
                    del self._claims[key]

    async def fetch(self, key: Hashable, claim: Claim) -> Any:
        """Return what the tiers hold, and put it into the layers above; `ABSENT` when they hold nothing."""
        return await background.wait(self._fetch(str(key), claim)) if self.tiers else ABSENT

    async def keep(self, key: Hashable, value: object, claim: Claim) -> None:
        """Keep a value in every layer, unless the claim was broken."""
        self.keep_here(key, value, claim)
        if self.tiers:
            seconds = math.inf if self._ttl is None else self._ttl
            await background.wait(self._fill(self.tiers, str(key), Kept(value, seconds), claim))

    def fetch_sync(self, key: Hashable, claim: Claim) -> Any:
        """Do as `fetch` in any thread but that of the background loop."""
        return background.wait_sync(self.fetch(key, claim)) if self.tiers else ABSENT

    def keep_sync(self, key: Hashable, value: object, claim: Claim) -> None:
        """Do as `keep` in any thread but that of the background loop."""
        if self.tiers:
            background.wait_sync(self.keep(key, value, claim))
        else:
            self.keep_here(key, value, claim)

    def keep_here(self, key: Hashable, value: object, claim: Claim, seconds: float | None = None) -> None:
        """Keep a value in memory, unless the claim was broken."""
        ttl = self._ttl if seconds is None else min(seconds, self._ttl or math.inf)
        with self._lock:
            if claim.holds():
                self.memory.put(key, value, ttl=ttl)

    async def remove(self, key: Hashable) -> None:
        """Take a key out of every layer, and out of the hands of whoever is about to fill it."""
        self.remove_here(key)
        if self.tiers:
            await background.wait(self._remove(str(key)))
            # What was read from a tier before it was taken out there can be here again.
            self.remove_here(key)

    def remove_sync(self, key: Hashable) -> None:
        """Do as `remove` in any thread but that of the background loop."""
        if self.tiers:
            background.wait_sync(self.remove(key))
        else:
            self.remove_here(key)

    def remove_here(self, key: Hashable) -> None:
        """Take a key out of memory, and break the claim to it."""
        with self._lock:
            claim = self._claims.pop(key, None)
            if claim is not None:
                claim.break_()
            self.memory.pop(key, None)

    async def _fetch(self, key: str, claim: Claim) -> Any:
        for n, tier in enumerate(self.tiers):
            kept = await tier.get(key)
            if kept is not None:
                self.keep_here(key, kept.value, claim, kept.seconds)
                await self._fill(self.tiers[:n], key, kept, claim)
                return kept.value
        return ABSENT

    async def _fill(self, tiers: Sequence[Tier], key: str, kept: Kept, claim: Claim) -> None:
        for tier in tiers:
            if not claim.holds():
                return
            await tier.put(key, kept.value, kept.seconds)
            if not claim.holds():  # meanwhile, so that this may have come after the removal
                await tier.remove(key)

    async def _remove(self, key: str) -> None:
        for tier in self.tiers:
            await tier.remove(key)

    def _changed_elsewhere(self, key: str | None) -> None:
        if key is not None:
            self.remove_here(key)
            return
        with self._lock:
            for claim in self._claims.values():
                claim.break_()
            self._claims.clear()
            self.memory.clear()
