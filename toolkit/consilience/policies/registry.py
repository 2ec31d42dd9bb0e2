"""Policies by name: a cell that is run again finds the policy that it made before, with its state."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from consilience.errors import InvalidInput

if TYPE_CHECKING:
    from consilience.policies.policy import Policy

__all__ = ["forget", "get", "policies"]

LOCK = threading.RLock()
POLICIES: dict[str, Policy] = {}


def get(name: str) -> Policy:
    """Return the policy of this name.

    Raises
    ------
    InvalidInput
        There is none.
    """
    with LOCK:
        if name in POLICIES:
            return POLICIES[name]
        known = ", ".join(sorted(POLICIES)) or "none yet"
    raise InvalidInput(
        f"The name of a policy is required ({known}), {name!r} came: make it with Policy({name!r})."
    )


def policies() -> tuple[Policy, ...]:
    """Return the policies of this process, in the order in which they were made."""
    with LOCK:
        return tuple(POLICIES.values())


def forget(name: str) -> None:
    """Forget a policy and its state: the next one of this name starts afresh. Calls under way end under the old one."""
    with LOCK:
        POLICIES.pop(name, None)
