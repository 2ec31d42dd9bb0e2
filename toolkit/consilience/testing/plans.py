"""Which request gets which fault."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Protocol, get_args

from consilience.errors import InvalidInput
from consilience.testing.faults import Fault
from consilience.testing.requests import Request

__all__ = ["ByPath", "InOrder", "Plan", "Plans", "Sometimes", "plan"]


class Plan(Protocol):
    """Says for a request what goes wrong; a function of yours is one too. It is called on the server's loop."""

    def __call__(self, request: Request, /) -> Fault | None:
        """Return the fault, ``None`` for a good answer."""


Plans = Plan | Fault | Iterable[Fault | None] | None


class InOrder:
    """The first request gets the first fault, and so on.

    Parameters
    ----------
    faults
        One for each request; ``None`` is a good answer.
    then
        What all further ones get; good answers by default.

    Examples
    --------
    >>> from consilience.testing import FaultServer, Reset, Status
    >>> InOrder([None, Status(503), Reset()])
    InOrder([None, Status(code=503), Reset(after=None)], then=None)
    """

    def __init__(self, faults: Iterable[Fault | None], *, then: Fault | None = None) -> None:
        self._faults = list(faults)
        for fault in (*self._faults, then):
            _require_fault(fault)
        self._then = then
        self._next = 0

    def __repr__(self) -> str:
        return f"InOrder({self._faults[self._next :]!r}, then={self._then!r})"

    def __call__(self, _: Request, /) -> Fault | None:
        """Return the next fault."""
        if self._next == len(self._faults):
            return self._then
        self._next += 1
        return self._faults[self._next - 1]


class Sometimes:
    """A share of the requests get a fault, drawn by a seed: the same ones each time.

    Parameters
    ----------
    share
        From 0 to 1.
    faults
        One of them is drawn for each request that gets one.
    seed
        Of the random numbers.

    Examples
    --------
    >>> from consilience.testing import Cut, Status
    >>> Sometimes(0.1, Status(503), Cut())
    Sometimes(0.1, Status(code=503), Cut(after=0.5))
    """

    def __init__(self, share: float, *faults: Fault, seed: int = 0) -> None:
        if not 0 <= share <= 1 or not faults:
            raise InvalidInput(
                f"Sometimes takes a share from 0 to 1 and one fault or more, {share} and {len(faults)} faults came."
            )
        for fault in faults:
            _require_fault(fault)
        self._share, self._faults = share, faults
        self._random = random.Random(seed)  # noqa: S311 - faults keep no secret

    def __repr__(self) -> str:
        return f"Sometimes({', '.join(map(repr, (self._share, *self._faults)))})"

    def __call__(self, _: Request, /) -> Fault | None:
        """Draw."""
        return self._random.choice(self._faults) if self._random.random() < self._share else None


class ByPath:
    """Each path has a plan of its own.

    Parameters
    ----------
    plans
        By path, without what follows a question mark; each is whatever `FaultServer` takes as a plan.
    otherwise
        For the other paths.

    Examples
    --------
    >>> from consilience.testing import Stall, Status
    >>> by_path = ByPath({"/slow": Stall(), "/flaky": [Status(502)]})
    """

    def __init__(self, plans: Mapping[str, Plans], *, otherwise: Plans = None) -> None:
        self._plans = {path: plan(given) for path, given in plans.items()}
        self._otherwise = plan(otherwise)

    def __call__(self, request: Request, /) -> Fault | None:
        """Ask the plan of the path."""
        return self._plans.get(request.path, self._otherwise)(request)


def plan(given: Plans) -> Plan:
    """Return the plan: one fault is for every request, several are in order, ``None`` is no fault."""
    if given is None or isinstance(given, get_args(Fault)):
        return InOrder([], then=given)
    if callable(given):
        return given
    if isinstance(given, Iterable) and not isinstance(given, (str, Mapping)):
        return InOrder(given)
    raise InvalidInput(
        f"A plan is a fault, a list of them, InOrder, Sometimes, ByPath or a function of the request; {given!r} came."
    )


def _require_fault(fault: object) -> None:
    if fault is not None and not isinstance(fault, get_args(Fault)):
        names = ", ".join(kind.__name__ for kind in get_args(Fault))
        raise InvalidInput(f"A fault is one of {names}, or None for a good answer; {fault!r} came.")
