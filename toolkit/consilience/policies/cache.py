"""A cache in memory: S3-FIFO, entries that expire, limits by number and by bytes."""

from __future__ import annotations

import logging
import math
import random
import threading
from collections.abc import Callable, Hashable, ItemsView, Iterable, Iterator, MutableMapping, ValuesView
from time import monotonic
from typing import Any, Final, Self, TypeVar, overload

from consilience.errors import InvalidInput
from consilience.policies.cache_stats import CacheStats, Removal
from consilience.policies.cache_views import CacheItems, CacheValues
from consilience.policies.cards import CacheDisplayed
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.expiry import Expiries
from consilience.policies.memory import MEMORY
from consilience.policies.s3fifo import MAX_VISITS, Entry, S3Fifo
from consilience.policies.sizes import deep_size

__all__ = ["Cache"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
D = TypeVar("D")

_log = logging.getLogger("consilience.policies")
_LEAST_JITTER = 0.1
_ABSENT: Final = object()
_NAMED: dict[str, Cache[Any, Any]] = {}
_NAMING = threading.RLock()


class Cache(CacheDisplayed, MutableMapping[K, V]):
    """A mapping that holds what is worth holding: S3-FIFO under two limits, entries that expire, counts.

    Any thread may use it. A lookup that finds something takes no lock. Every value is a value, ``None`` too.

    Parameters
    ----------
    name
        With one, the cache is the process's cache of this name: constructing it again, as a notebook cell does that
        is run again, changes the settings and keeps the entries. By default it is a cache of its own.
    max_entries, max_bytes
        Limits; what is used least leaves. 10,000 answers of 6 kB fill 64 MiB.
    ttl
        Seconds that an entry lasts at most; without one it stays until it is evicted.
    jitter
        Share of the time by which it is shortened at random, entry by entry, so that what was put in together does
        not expire, and is not asked for anew, at one moment. 0.1 is the least.
    weigh
        ``weigh(key, value)`` in bytes; by default the deep size of both, see `deep_size`.
    on_removal
        Called with key, value and `Removal` after an entry was evicted or has expired, on the thread that caused
        it or found it out. An error of it is logged and harms nobody.
    clock
        Measures how old an entry is.
    draw
        Random numbers from 0 to 1, for the jitter.

    Raises
    ------
    InvalidInput
        A setting is out of its range, or the name is taken by a cache with another clock.

    Examples
    --------
    >>> answers = Cache(max_entries=1000, ttl=3600)
    >>> answers["Is water wet?"] = None
    >>> "Is water wet?" in answers, answers["Is water wet?"]
    (True, None)
    >>> answers.get("Is fire cold?", "not asked yet")
    'not asked yet'
    >>> answers.stats().hit_rate
    0.5
    """

    def __new__(cls, name: str = "", **_: Any) -> Self:
        """Return the cache of this name, a new one if there is none or no name was given."""
        with _NAMING:
            known = _NAMED.get(name)
            return known if isinstance(known, cls) else super().__new__(cls)

    def __init__(  # noqa: PLR0913 - two limits, an age, a weight, and what tests put in their place
        self,
        name: str = "",
        *,
        max_entries: int = 10_000,
        max_bytes: int = 64 * 2**20,
        ttl: float | None = None,
        jitter: float = _LEAST_JITTER,
        weigh: Callable[[K, V], int] | None = None,
        on_removal: Callable[[K, V, Removal], object] | None = None,
        clock: Clock = SYSTEM,
        draw: Callable[[], float] = random.random,
    ) -> None:
        with _NAMING:
            if name not in _NAMED:
                self._build(name, clock)
            elif self.clock is not clock:
                raise InvalidInput(
                    f"The cache {name!r} exists with another clock, by which its entries age: take another name, or "
                    f"Cache.forget({name!r}) first."
                )
            self.configure(
                max_entries=max_entries,
                max_bytes=max_bytes,
                ttl=ttl,
                jitter=jitter,
                weigh=weigh,
                on_removal=on_removal,
                draw=draw,
            )
            if name:
                _NAMED[name] = self

    def configure(
        self,
        *,
        max_entries: int = 10_000,
        max_bytes: int = 64 * 2**20,
        ttl: float | None = None,
        jitter: float = _LEAST_JITTER,
        weigh: Callable[[K, V], int] | None = None,
        on_removal: Callable[[K, V, Removal], object] | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Change the settings, as the class describes them. Entries stay, if there is room; they expire as before."""
        _check(max_entries, max_bytes, ttl, jitter)
        self._ttl, self._jitter, self._draw = ttl, jitter, draw
        self._weigh = weigh or _deep_weight
        self._on_removal = on_removal
        self._queues.max_entries, self._queues.max_weight = max_entries, max_bytes
        self._shrink_to(max_entries, max_bytes)

    def _build(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        # looked up once: a lookup in a cache should cost little more than one in a dict
        self._now = monotonic if clock is SYSTEM else clock.monotonic
        # reentrant, because foreign code runs inside: the hash and equality of keys, and finalizers
        self._lock = threading.RLock()
        self._queues: S3Fifo[K, V] = S3Fifo(1, 1)
        self._entries = self._queues.entries
        self._expiries: Expiries[K, V] = Expiries(self._holds)
        self._hits = self._misses = self._evictions = self._expirations = 0
        MEMORY.register(self)

    @staticmethod
    def forget(name: str) -> None:
        """Forget the name: the next cache of this name starts empty. Whoever holds the old one can go on with it."""
        with _NAMING:
            _NAMED.pop(name, None)

    def __getitem__(self, key: K) -> V:
        try:
            entry = self._entries[key]
        except KeyError:
            self._misses += 1
            raise
        due = entry.due
        if due is None or due > self._now():
            if entry.visits < MAX_VISITS:
                entry.visits += 1
            self._hits += 1
            return entry.value
        self._expire()
        self._misses += 1
        raise KeyError(key)

    @overload
    def get(self, key: K, /) -> V | None: ...
    @overload
    def get(self, key: K, /, default: V | D) -> V | D: ...
    def get(self, key: K, /, default: Any = None) -> Any:
        """Return the value, or the default."""
        # as in __getitem__, whose call would cost half as much again
        try:
            entry = self._entries[key]
        except KeyError:
            self._misses += 1
            return default
        due = entry.due
        if due is None or due > self._now():
            if entry.visits < MAX_VISITS:
                entry.visits += 1
            self._hits += 1
            return entry.value
        self._expire()
        self._misses += 1
        return default

    def __setitem__(self, key: K, value: V) -> None:
        self.put(key, value)

    def put(self, key: K, value: V, *, ttl: float | None = None) -> None:
        """Keep a value, also beyond the room of others; one that is larger than all the room is evicted at once.

        Parameters
        ----------
        key, value
            What is kept.
        ttl
            Seconds that it lasts at most, in place of the cache's; ``math.inf`` for as long as there is room.
        """
        if ttl is not None and not ttl > 0:
            raise InvalidInput(f"ttl is a number of seconds above 0, {ttl} came.")
        entry = Entry(key, value, self._weigh(key, value), self._due(self._ttl if ttl is None else ttl))
        if entry.weight < 0:
            raise InvalidInput(f"weigh() returns bytes, 0 or more; {entry.weight} came for {key!r}.")
        with self._lock:
            expired = self._take_expired()
            old = self._entries.get(key)
            left = self._queues.add(entry) if old is None else self._queues.replace(old, entry)
            self._expiries.add(entry)
            self._evictions += len(left)
        if expired:
            self._tell(expired, Removal.EXPIRED)
        if left:
            self._tell(left, Removal.EVICTED)
        if not MEMORY.watching:
            MEMORY.watch()

    def __delitem__(self, key: K) -> None:
        if self._pop(key) is None:
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return self._peek(key) is not None

    def __iter__(self) -> Iterator[K]:
        return (entry.key for entry in self._living())

    def __len__(self) -> int:
        self._expire()
        return len(self._entries)

    def __repr__(self) -> str:
        named = f" {self.name!r}" if self.name else ""
        return (
            f"<Cache{named}: {len(self._entries):,} of {self._queues.max_entries:,} entries, "
            f"{self._queues.weight / 2**20:.1f} of {self._queues.max_weight / 2**20:.1f} MiB, "
            f"{self._hits:,} hits, {self._misses:,} misses>"
        )

    def peek(self, key: K, default: Any = None) -> Any:
        """Return the value, or the default; looking this way counts as no lookup."""
        found = self._peek(key)
        return default if found is None else found.value

    def values(self) -> ValuesView[V]:
        """Return the values; looking at them counts as no lookup."""
        return CacheValues(self)

    def items(self) -> ItemsView[K, V]:
        """Return keys and values; looking at them counts as no lookup."""
        return CacheItems(self)

    def pop(self, key: K, /, default: Any = _ABSENT) -> Any:
        """Take an entry out and return its value; without it the default, or `KeyError`."""
        entry = self._pop(key)
        if entry is not None:
            return entry.value
        if default is _ABSENT:
            raise KeyError(key)
        return default

    def popitem(self) -> tuple[K, V]:
        """Take an entry out, some entry, and return its key and value."""
        for entry in self._living():
            if self._pop(entry.key) is not None:
                return entry.key, entry.value
        raise KeyError("popitem(): the cache is empty")

    def setdefault(self, key: K, default: V = None) -> V:  # type: ignore[assignment]
        """Return the value, having kept the default where there was none."""
        with self._lock:
            found = self._peek(key)
            if found is not None:
                return found.value
            self[key] = default
        return default

    def clear(self) -> None:
        """Take everything out; the counts stay."""
        with self._lock:
            # kept until the lock is given back: a finalizer may take long
            entries = self._queues.clear()
            self._expiries.clear()
        del entries

    def shrink(self, share: float = 0.5) -> int:
        """Let what is used least leave until no more than this share of entries and bytes is there; return how many.

        The limits stay: it may grow again.
        """
        if not 0 <= share <= 1:
            raise InvalidInput(f"share is a number from 0 to 1, {share} came.")
        self._expire()
        return self._shrink_to(int(len(self._entries) * share), int(self._queues.weight * share))

    def stats(self) -> CacheStats:
        """Return the counts."""
        self._expire()
        return CacheStats(
            self._hits,
            self._misses,
            self._evictions,
            self._expirations,
            len(self._entries),
            self._queues.weight,
        )

    def _due(self, ttl: float | None) -> float | None:
        if ttl is None or ttl == math.inf:
            return None
        return self._now() + ttl * (1 - self._jitter * self._draw())

    def _holds(self, entry: Entry[K, V]) -> bool:
        return self._entries.get(entry.key) is entry

    def _peek(self, key: object) -> Entry[K, V] | None:
        entry = self._entries.get(key)  # type: ignore[arg-type]
        return None if entry is None or (entry.due is not None and entry.due <= self._now()) else entry

    def _pop(self, key: K) -> Entry[K, V] | None:
        with self._lock:
            self._expire()
            entry = self._entries.get(key)
            if entry is not None:
                self._queues.remove(entry)
        return entry

    def _living(self) -> list[Entry[K, V]]:
        """Return the entries of this moment, so that going through them may change the cache."""
        with self._lock:
            self._expire()
            return list(self._entries.values())

    def _expire(self) -> None:
        with self._lock:
            expired = self._take_expired()
        self._tell(expired, Removal.EXPIRED)

    def _take_expired(self) -> list[Entry[K, V]]:
        expired = self._expiries.take(self._now())
        for entry in expired:
            self._queues.remove(entry)
        self._expirations += len(expired)
        return expired

    def _shrink_to(self, n_entries: int, n_bytes: int) -> int:
        with self._lock:
            left = self._queues.shrink(n_entries, n_bytes)
            self._evictions += len(left)
        self._tell(left, Removal.EVICTED)
        return len(left)

    def _tell(self, entries: Iterable[Entry[K, V]], removal: Removal) -> None:
        if self._on_removal is None:
            return
        for entry in entries:
            try:
                self._on_removal(entry.key, entry.value, removal)
            except Exception:  # noqa: BLE001 - a callback is foreign code, and a cache must not fail for it
                _log.exception("on_removal of %r failed for an entry that was %s.", self, removal)


def _deep_weight(key: object, value: object) -> int:
    return deep_size(key) + deep_size(value)


def _check(max_entries: int, max_bytes: int, ttl: float | None, jitter: float) -> None:
    if max_entries < 1 or max_bytes < 1:
        raise InvalidInput(f"max_entries and max_bytes are 1 or more, {max_entries} and {max_bytes} came.")
    if ttl is not None and not ttl > 0:
        raise InvalidInput(f"ttl is a number of seconds above 0, or None, {ttl} came.")
    if not _LEAST_JITTER <= jitter < 1:
        raise InvalidInput(
            f"jitter is a share from {_LEAST_JITTER} up and below 1, {jitter} came: without it, what was put in at "
            "one moment expires at one moment, and is all asked for at once."
        )
