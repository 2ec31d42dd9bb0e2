"""Frames that are kept by what was asked for, and frames as text."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from typing import TYPE_CHECKING, Any

from consilience.policies import Cache, SingleFlight

if TYPE_CHECKING:
    import polars as pl

Make = Callable[[], Coroutine[Any, Any, Any]]


class Frames:
    """Answers of a source: equal ones are fetched once, also by callers at the same time.

    Parameters
    ----------
    ttl
        Seconds that one is kept; 0 keeps none.
    max_bytes
        What all together may take.
    """

    def __init__(self, ttl: float, max_bytes: int) -> None:
        self._kept: Cache[Hashable, Any] | None = (
            Cache(ttl=ttl, max_bytes=max_bytes, weigh=_weight) if ttl else None
        )
        self._flight = SingleFlight()

    async def get(self, key: Hashable, make: Make) -> Any:
        """Return what is kept under the key, or make it."""
        if self._kept is None:
            return await make()
        try:
            return self._kept[key]
        except KeyError:
            return await self._flight(key, self._made, key, make)

    async def _made(self, key: Hashable, make: Make) -> Any:
        assert self._kept is not None
        self._kept[key] = made = await make()
        return made


def _weight(_key: Hashable, value: Any) -> int:
    size = getattr(value, "estimated_size", None)
    return 1 + (int(size()) if callable(size) else len(value[0]))


def as_context(frame: pl.DataFrame, max_chars: int) -> str:
    """Return a frame as CSV, cut at a whole row; what was left out is counted."""
    head, *rows = frame.write_csv().rstrip("\n").split("\n")
    kept, left = [head], max_chars - len(head)
    for row in rows:
        left -= len(row) + 1
        if left < 0:
            kept.append(f"({len(rows) - len(kept) + 1} more lines)")
            break
        kept.append(row)
    return "\n".join(kept)
