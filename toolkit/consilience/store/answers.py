"""Earlier answers, replayed exactly: the tier of a cache that lies in a store."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple, TypeVar, cast

from consilience.errors import InvalidInput, StoreError
from consilience.loop import call_in_thread
from consilience.models import ConfidenceSource, Reply, Usage
from consilience.models.identifiers import new_id
from consilience.policies.batcher import Batcher
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.codec import Codec, Json
from consilience.policies.events import EVENTS, Event, Events
from consilience.policies.tiers import Kept, TierChanged, TierFailed
from consilience.store.rows import Bundle
from consilience.store.store import Store

__all__ = ["AnswerKey", "Answers"]

T = TypeVar("T")
_Row = tuple[str | None, datetime | None]

# The newest row of a key is what holds; without a value it says that the key was taken out.
_NEWEST = """
SELECT key, value, kept_until FROM (
    SELECT *, row_number() OVER (PARTITION BY key ORDER BY asked_at DESC, id) AS nth
    FROM answers WHERE key = ANY(?::TEXT[])
) numbered WHERE nth = 1
"""
# Every statement opens the file, which costs more than what it finds: questions that come together share one.
_TOGETHER = 500
_GATHERING_SECONDS = 0.002
_TICK = timedelta(microseconds=1)


class AnswerKey(NamedTuple):
    """What an answer was an answer to.

    Parameters
    ----------
    expert
        The expert's name.
    question
        `Question.digest`.
    prompt
        Hash of what was sent: another wording of the prompt is another answer.
    replicate
        Number of the repetition, from 0: asking a model again for its spread must not replay the first answer.

    Examples
    --------
    >>> AnswerKey("local:smollm2", "3f1c", "9ab0") == AnswerKey("local:smollm2", "3f1c", "9ab0", replicate=1)
    False
    """

    expert: str
    question: str
    prompt: str
    replicate: int = 0


class Answers:
    """Answers kept in a `Store`, beside the history: a tier for `cached`, which replays what was paid for before.

    Rows are only added; the newest of a key holds. Other processes find what was kept at their next miss; what they
    hold in memory they keep, because an answer that is replayed does not change. A store that cannot be read or
    written is a miss.

    Parameters
    ----------
    store
        A `Store` or its path.
    codec
        Turns answers into texts; by default `Json` that also takes `Reply` with its parts.
    now
        The time of day, by which answers expire and the newest is found.
    clock, events
        The time in events, and where `TierChanged` and `TierFailed` go.

    Examples
    --------
    >>> import tempfile
    >>> from consilience.policies import Cache, cached
    >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/history.duckdb") as store:
    ...     for process in ("first", "second"):
    ...
    ...         @cached(name="llm", tiers=[Answers(store)])
    ...         def ask(key: AnswerKey):
    ...             return f"asked in the {process} process"
    ...
    ...         print(ask(AnswerKey("local:smollm2", "3f1c", "9ab0")))
    ...         Cache.forget("llm")
    asked in the first process
    asked in the first process
    """

    def __init__(
        self,
        store: Store | str | os.PathLike[str],
        *,
        codec: Codec | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Clock = SYSTEM,
        events: Events = EVENTS,
    ) -> None:
        self.store = store if isinstance(store, Store) else Store(store)
        self._codec = codec or Json(types=[Reply, Usage, ConfidenceSource])
        self._now, self._clock, self._events = now, clock, events
        self._reads = Batcher(
            self._read_together,
            full="wait",
            size=_TOGETHER,
            interval=_GATHERING_SECONDS,
            name=f"reads of {self._name}",
            events=Events(),
        )
        self._degraded = False
        self._last = datetime.min.replace(tzinfo=UTC)

    def __repr__(self) -> str:
        return f"<Answers in {self.store.address!r}{', degraded' if self._degraded else ''}>"

    @property
    def degraded(self) -> bool:
        """Whether the store could not be read or written the last time."""
        return self._degraded

    def subscribe(self, listener: Callable[[str | None], None]) -> None:
        """Do nothing: answers that are replayed do not change elsewhere."""

    async def get(self, key: str) -> Kept | None:
        """Return the newest answer under a key; what is asked for at the same time is read by one statement."""
        value, until = await self._reads.ask(key)
        if value is None:
            return None
        seconds = math.inf if until is None else (until - self._now()).total_seconds()
        if seconds <= 0:
            return None
        try:
            return Kept(self._codec.loads(value), seconds)
        except InvalidInput as error:
            self._emit(TierFailed(self._name, self._clock.monotonic(), "get", str(error)))
            return None

    async def put(self, key: str, value: object, seconds: float) -> None:
        """Keep an answer, durable when this returns."""
        try:
            text = self._codec.dumps(value)
        except InvalidInput as error:
            self._emit(TierFailed(self._name, self._clock.monotonic(), "put", str(error)))
            return
        until = None if seconds == math.inf else self._now() + timedelta(seconds=seconds)
        await self._attempt("put", partial(self._write, key, text, until))

    async def remove(self, key: str) -> None:
        """Let a key have no answer from now on."""
        await self._attempt("remove", partial(self._write, key, None, None))

    @property
    def _name(self) -> str:
        return f"answers in {self.store.address}"

    async def _read_together(self, keys: list[str]) -> list[_Row]:
        rows = await self._attempt("get", partial(self._read, keys)) or {}
        return [rows.get(key, (None, None)) for key in keys]

    def _read(self, keys: list[str]) -> dict[str, _Row]:
        found = self.store.read(_NEWEST, keys).rows()
        return {key: (value, until) for key, value, until in found}

    def _write(self, key: str, value: str | None, until: datetime | None) -> None:
        self._last = max(self._now(), self._last + _TICK)
        self.store.write(Bundle({"answers": [(new_id(), self._last, key, value, until)]}))

    async def _attempt(self, operation: str, work: Callable[[], T]) -> T | None:
        try:
            result = cast("T", await call_in_thread(work))
        except (StoreError, OSError) as error:
            reason = f"{type(error).__name__}: {error}"
            self._emit(TierFailed(self._name, self._clock.monotonic(), operation, reason))
            self._change(True, reason)
            return None
        self._change(False, "the store works again")
        return result

    def _change(self, degraded: bool, reason: str) -> None:
        if degraded is not self._degraded:
            self._degraded = degraded
            self._emit(TierChanged(self._name, self._clock.monotonic(), degraded, reason))

    def _emit(self, event: Event) -> None:
        if self._events.listeners:
            self._events.emit(event)
