"""What a pool tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from consilience.policies.events import Event

__all__ = ["ConnectionReplaced", "HealthChanged"]


@dataclass(frozen=True, slots=True)
class ConnectionReplaced(Event):
    """A connection was found dead, and another one takes its place.

    Parameters
    ----------
    reason
        Name of the error's class.
    """

    kind: ClassVar[str] = "connection replaced"

    reason: str


@dataclass(frozen=True, slots=True)
class HealthChanged(Event):
    """The other side answers and did not before, or the other way round.

    Parameters
    ----------
    ok
        Whether it answers now.
    sentence
        What was asked and what came.
    """

    kind: ClassVar[str] = "health changed"

    ok: bool
    sentence: str
