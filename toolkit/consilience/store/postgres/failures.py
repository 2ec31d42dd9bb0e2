"""What PostgreSQL and its driver say when they fail, as errors of this package; values are left out of messages."""

from __future__ import annotations

import re
from collections.abc import Mapping

import psycopg

from consilience.errors import StoreAway, StoreBusy, StoreError, StoreFull, StoreReadOnly
from consilience.store.postgres.address import Address

_SINGLE = re.compile(r"'(?:[^']|'')*'")
_DOUBLE = re.compile(r'"[^"]*"')
_SAID: Mapping[str, tuple[type[StoreError], str]] = {
    "53100": (
        StoreFull,
        (
            "The store {store} is out of space ({said}): make space on the server. Rows that wait in the spool are "
            "taken afterwards."
        ),
    ),
    "55P03": (
        StoreBusy,
        (
            "The store {store} was held by others for longer than the timeout: end the statement that runs there, or "
            "give Store a longer timeout."
        ),
    ),
    "25006": (StoreReadOnly, "A statement reads the store's tables only: {said}."),
    "42501": (
        StoreError,
        (
            "The role of {store} lacks a right: {said}. The owner of the database grants it, or makes the schema "
            "consilience for this role."
        ),
    ),
}
# The server ends, starts, or has no connection left.
_PROTOCOL = "08P01"  # Other numbers of parameters than the statement has, for one.
_AWAY = ("57P01", "57P02", "57P03", "53300")


def translated(error: Exception, address: Address) -> StoreError:
    """Return the error of this package that says the same."""
    if isinstance(error, StoreError):
        return error
    state = getattr(error, "sqlstate", None) or ""
    said = plain(error, address)
    if state in _SAID:
        kind, sentence = _SAID[state]
        return kind(sentence.format(store=address.shown, said=said))
    return (
        away(address, said) if lost(error) else StoreError(f"The statement cannot run on the store: {said}")
    )


def away(address: Address, said: str) -> StoreAway:
    """Return the error of a server that does not answer."""
    return StoreAway(
        f"The store {address.shown} does not answer ({said}). What was written waits in the spool and goes on when the "
        "server is back."
    )


def lost(error: Exception) -> bool:
    """Whether the connection, and not the statement, is at fault."""
    state = getattr(error, "sqlstate", None)
    unsaid = state is None and isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    return unsaid or state in _AWAY or ((state or "").startswith("08") and state != _PROTOCOL)


def plain(error: Exception, address: Address) -> str:
    """Return the first line of a message without the password, and without quoted values."""
    text = address.hide(str(error).strip().partition("\n")[0])
    text = _SINGLE.sub("'...'", text)
    # Names of tables and columns are quoted as values are; a mistake in a statement is told with them.
    return text if isinstance(error, psycopg.ProgrammingError) else _DOUBLE.sub('"..."', text)
