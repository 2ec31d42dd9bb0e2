"""S3-FIFO: which entries stay when room is scarce.

Three queues, first in, first out. Newcomers enter a small one, a tenth of the room; who is asked for twice there moves
on to the main one, the rest leave and are remembered by their hash only, in the ghost queue; who comes back while
remembered enters the main queue at once. An entry of the main queue gets another round for each time that it was asked
for, three at most. One visit from a scan therefore never displaces what is in use, and a hit moves nothing: it adds 1
to a small number, for which no lock is needed (Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for
cache eviction", SOSP 2023).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["MAX_VISITS", "Entry", "S3Fifo"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_VISITS = 3
_PROMOTED_VISITS = 2
_SMALL_SHARE = 0.1


class Entry(Generic[K, V]):
    """A key with its value, and what decides how long it stays.

    Attributes
    ----------
    key, value
        What was put in.
    due
        Monotonic seconds at which it expires, ``None`` for never.
    weight
        Its part of the weight that all entries share, usually bytes.
    visits
        How often it was asked for since it entered its queue, `MAX_VISITS` at most; whoever reads it counts.
    main
        Whether it waits in the main queue.
    """

    __slots__ = ("due", "key", "main", "value", "visits", "weight")

    def __init__(self, key: K, value: V, weight: int = 0, due: float | None = None) -> None:
        self.key = key
        self.value = value
        self.weight = weight
        self.due = due
        self.visits = 0
        self.main = False


class S3Fifo(Generic[K, V]):
    """Entries by key within two limits; not safe for threads, except that any of them may read `entries`.

    Parameters
    ----------
    max_entries, max_weight
        Limits of both kinds.

    Attributes
    ----------
    entries
        Every entry by its key. Only the methods change it.
    weight
        Of all entries together.

    Examples
    --------
    >>> queues = S3Fifo(max_entries=2, max_weight=100)
    >>> for key in "abc":
    ...     left = queues.add(Entry(key, key.upper(), weight=1))
    >>> sorted(queues.entries), [entry.key for entry in left]
    (['b', 'c'], ['a'])
    """

    def __init__(self, max_entries: int, max_weight: int) -> None:
        self.max_entries = max_entries
        self.max_weight = max_weight
        self.entries: dict[K, Entry[K, V]] = {}
        self.weight = 0
        self._small_weight = 0
        self._small: OrderedDict[K, Entry[K, V]] = OrderedDict()
        self._main: OrderedDict[K, Entry[K, V]] = OrderedDict()
        self._ghost: OrderedDict[int, None] = OrderedDict()

    def add(self, entry: Entry[K, V]) -> list[Entry[K, V]]:
        """Let an entry in whose key is not there; return those that had to leave.

        One that is heavier than all the room is returned at once, and displaces nothing.
        """
        if entry.weight > self.max_weight:
            return [entry]
        left = self.shrink(self.max_entries - 1, self.max_weight - entry.weight)
        entry.main = self._recall(entry.key)
        self._enter(entry)
        return left

    def replace(self, old: Entry[K, V], new: Entry[K, V]) -> list[Entry[K, V]]:
        """Let an entry take the place of one with an equal key, as its queue's youngest and with one more visit.

        Those that had to leave are returned, as by `add`.
        """
        self.remove(old)
        if new.weight > self.max_weight:
            return [new]
        left = self.shrink(self.max_entries, self.max_weight - new.weight)
        new.visits, new.main = min(old.visits + 1, MAX_VISITS), old.main
        self._enter(new)
        return left

    def remove(self, entry: Entry[K, V]) -> None:
        """Take an entry out; it is not remembered."""
        del self.entries[entry.key]
        del self._queue(entry)[entry.key]
        self._forget_weight(entry)

    def shrink(self, n_entries: int, weight: int) -> list[Entry[K, V]]:
        """Let entries leave until no more than so many, and so much weight, are there; return them."""
        left = []
        while self.entries and (len(self.entries) > n_entries or self.weight > weight):
            left.append(self._evict(n_entries, weight))
        return left

    def clear(self) -> list[Entry[K, V]]:
        """Take everything out, and forget who was here; return the entries."""
        entries = list(self.entries.values())
        for queue in (self.entries, self._small, self._main, self._ghost):
            queue.clear()
        self.weight = self._small_weight = 0
        return entries

    def _evict(self, n_entries: int, weight: int) -> Entry[K, V]:
        while True:
            small = not self._main or (self._small and self._small_is_due(n_entries, weight))
            entry = self._pop_small() if small else self._pop_main()
            if entry is not None:
                del self.entries[entry.key]
                return entry

    def _small_is_due(self, n_entries: int, weight: int) -> bool:
        """Whether newcomers have more than their share of the room that counts: of entries, else of weight."""
        if len(self.entries) > n_entries:
            return len(self._small) >= _SMALL_SHARE * n_entries
        return self._small_weight >= _SMALL_SHARE * weight

    def _pop_small(self) -> Entry[K, V] | None:
        """Take the oldest newcomer: it leaves and is returned, or goes on to the main queue."""
        _, entry = self._small.popitem(last=False)
        self._forget_weight(entry)
        if entry.visits >= _PROMOTED_VISITS:
            entry.visits = 0
            entry.main = True
            self._enter(entry)
            return None
        self._remember(entry.key)
        return entry

    def _pop_main(self) -> Entry[K, V] | None:
        """Take the oldest of the main queue: it leaves and is returned, or gets another round for a visit."""
        key, entry = next(iter(self._main.items()))
        if entry.visits:
            entry.visits -= 1
            self._main.move_to_end(key)
            return None
        del self._main[key]
        self._forget_weight(entry)
        return entry

    def _queue(self, entry: Entry[K, V]) -> OrderedDict[K, Entry[K, V]]:
        return self._main if entry.main else self._small

    def _enter(self, entry: Entry[K, V]) -> None:
        self.entries[entry.key] = self._queue(entry)[entry.key] = entry
        self.weight += entry.weight
        if not entry.main:
            self._small_weight += entry.weight

    def _forget_weight(self, entry: Entry[K, V]) -> None:
        self.weight -= entry.weight
        if not entry.main:
            self._small_weight -= entry.weight

    def _recall(self, key: K) -> bool:
        """Whether the key is remembered; it is no longer, then."""
        known = hash(key) in self._ghost
        if known:
            del self._ghost[hash(key)]
        return known

    def _remember(self, key: K) -> None:
        self._ghost[hash(key)] = None
        # As many as the main queue can hold: where bytes are the limit that counts, as many as there are entries.
        while len(self._ghost) > min(self.max_entries, len(self.entries)):
            self._ghost.popitem(last=False)
