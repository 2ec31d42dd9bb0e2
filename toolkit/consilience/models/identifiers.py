"""Identifiers of questions, responses and verdicts: random UUIDs, drawn by the hundred.

``uuid.uuid4`` asks the kernel for each one, and lets go of the interpreter while it does. Where other threads of the
process work, the loop's thread then waits for its turn, after every identifier.
"""

from __future__ import annotations

import os

_DRAWN = 256
_WIDTH = 32
_VARIANTS = "89ab" * 4


def new_id() -> str:
    """Return a random UUID (version 4) as 32 hexadecimal digits.

    Examples
    --------
    >>> import uuid
    >>> uuid.UUID(new_id()).version
    4
    """
    try:
        return _waiting.pop()
    except IndexError:
        own = _drawn()
        _waiting.extend(own[1:])
        return own[0]


def _drawn() -> list[str]:
    digits = os.urandom(_DRAWN * _WIDTH // 2).hex()
    return [
        f"{digits[at : at + 12]}4{digits[at + 13 : at + 16]}{_VARIANTS[int(digits[at + 16], 16)]}"
        f"{digits[at + 17 : at + _WIDTH]}"
        for at in range(0, len(digits), _WIDTH)
    ]


_waiting: list[str] = []
if hasattr(os, "register_at_fork"):
    # Otherwise parent and child would give the same identifiers.
    os.register_at_fork(after_in_child=_waiting.clear)
