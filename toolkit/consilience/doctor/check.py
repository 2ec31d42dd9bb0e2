"""What looking at one thing gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    what
        Its name.
    works
        Whether it serves; ``None`` for plain information.
    found
        What was found.
    mend
        The command or sentence that helps; empty when nothing is wrong.
    """

    what: str
    works: bool | None
    found: str
    mend: str = ""
