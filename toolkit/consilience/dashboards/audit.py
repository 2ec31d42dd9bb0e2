"""Who did what on the dashboard, kept in the store."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from consilience.dashboards.roles import Viewer
from consilience.errors import StoreError
from consilience.models.identifiers import new_id

if TYPE_CHECKING:
    from consilience.store import Store

__all__ = ["record"]

_LOG = logging.getLogger("consilience.dashboards")
_LONGEST = 500


def record(
    store: Store, who: Viewer, action: str, target: str = "", detail: str = "", address: str = ""
) -> None:
    """Keep one line of the audit; it is durable when this returns.

    Parameters
    ----------
    store
        Where: its table ``audit``.
    who
        The person.
    action
        Such as ``"signed in"``, ``"review"``, ``"export"``.
    target, detail
        What it was done to, and how. No secrets: others can read it.
    address
        Where the request came from.

    Raises
    ------
    StoreError
        It cannot be written; what it tells of is not to be done then.
    """
    from consilience.store.rows import Bundle, storable

    role = "" if who.role is None else who.role.word
    texts = [storable(text[:_LONGEST]) for text in (who.name, role, action, target, detail, address)]
    store.write(Bundle({"audit": [(new_id(), datetime.now(UTC), *texts)]}))


def record_if_possible(store: Store, who: Viewer, action: str, detail: str = "", address: str = "") -> None:
    """Keep one line of the audit, or log that it could not be kept: a full disk must not lock everybody out."""
    try:
        record(store, who, action, detail=detail, address=address)
    except StoreError as error:
        _LOG.error("The audit could not keep that %r %s: %s", who.name, action, error)
