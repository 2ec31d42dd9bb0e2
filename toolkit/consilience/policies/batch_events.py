"""What a batcher tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from consilience.policies.events import Event

__all__ = ["BatchFailed", "BatchFlushed"]


@dataclass(frozen=True, slots=True)
class BatchFlushed(Event):
    """A batch was taken.

    Parameters
    ----------
    items
        How many.
    seconds
        How long it took.
    """

    kind: ClassVar[str] = "batch flushed"

    items: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BatchFailed(Event):
    """A batch was not taken, and is tried again.

    Parameters
    ----------
    items
        How many.
    attempt
        Number of the attempt that failed, from 1.
    delay
        Seconds until the next one.
    reason
        What was raised.
    """

    kind: ClassVar[str] = "batch failed"

    items: int
    attempt: int
    delay: float
    reason: str
