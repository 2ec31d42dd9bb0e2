"""Who looks at the dashboard, and what each role may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from consilience.errors import InvalidInput, NotAllowed

__all__ = ["Role", "Viewer", "role_named"]


class Role(IntEnum):
    """What a person may do; each role may do what those before it may.

    A *reader* looks and downloads tables. A *reviewer* answers questions as a member of the circle. An *operator*
    changes thresholds, ends runs, and sees how the machinery does.

    Examples
    --------
    >>> Role.OPERATOR > Role.READER
    True
    """

    READER = 1
    REVIEWER = 2
    OPERATOR = 3

    @property
    def word(self) -> str:
        """The role as it is written and shown."""
        return self.name.lower()


def role_named(word: str) -> Role:
    """Return the role of this name.

    Raises
    ------
    InvalidInput
        There is none.
    """
    for role in Role:
        if role.word == word:
            return role
    raise InvalidInput(f"A role is reader, reviewer or operator, {word!r} came.")


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person in front of the dashboard.

    Parameters
    ----------
    name
        As they signed in; empty where nobody signs in.
    role
        What they may do; ``None`` for nothing at all.
    """

    name: str
    role: Role | None

    def may(self, role: Role) -> bool:
        """Return whether this person has the role, or one above it."""
        return self.role is not None and self.role >= role

    def require(self, role: Role, doing: str) -> None:
        """Raise unless this person has the role.

        Raises
        ------
        NotAllowed
            They have not.
        """
        if not self.may(role):
            has = "no role" if self.role is None else f"the role {self.role.word}"
            raise NotAllowed(
                f"{doing} needs the role {role.word}, {self.name or 'this visitor'} has {has}: ask an operator for it."
            )


def viewer(name: str, roles: Mapping[str, Role], otherwise: Role | None) -> Viewer:
    """Return a person with the role that the mapping gives them, or with the other one."""
    return Viewer(name, roles.get(name, otherwise))
