"""What lies under a cache in memory: places that other processes, or later ones, look into too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from consilience.policies.events import Event

__all__ = ["Kept", "Tier", "TierChanged", "TierFailed"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a tier holds under a key.

    Parameters
    ----------
    value
        The value.
    seconds
        For how long it will be there; infinite when nothing ends it.
    """

    value: object
    seconds: float


class Tier(Protocol):
    """A place for values under texts, slower than memory.

    A tier that cannot do its work says so by `degraded` and by events, and is a miss; it raises nothing. Its methods
    are called on the package's background loop.
    """

    @property
    def degraded(self) -> bool:
        """Whether it cannot do its work at the moment."""

    async def get(self, key: str) -> Kept | None:
        """Return what is there, ``None`` when nothing is, or nobody can tell."""

    async def put(self, key: str, value: object, seconds: float) -> None:
        """Keep a value for so many seconds, possibly infinite."""

    async def remove(self, key: str) -> None:
        """Take a value out, and see to it that other processes do not go on with theirs."""

    def subscribe(self, listener: Callable[[str | None], None]) -> None:
        """Call the listener when a key changed elsewhere; with ``None`` when any may have changed unseen."""


@dataclass(frozen=True, slots=True)
class TierChanged(Event):
    """A tier stopped working, or works again.

    Parameters
    ----------
    degraded
        Whether it is a miss from now on.
    reason
        Why, in words.
    """

    kind: ClassVar[str] = "tier changed"

    degraded: bool
    reason: str


@dataclass(frozen=True, slots=True)
class TierFailed(Event):
    """One value could not be read or kept; the call that it belongs to is not affected.

    Parameters
    ----------
    operation
        ``"get"``, ``"put"`` or ``"remove"``.
    reason
        Why, in words.
    """

    kind: ClassVar[str] = "tier failed"

    operation: str
    reason: str
