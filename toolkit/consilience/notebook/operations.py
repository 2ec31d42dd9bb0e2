"""What goes on in this process, live: circuits, limits, caches, pools, cost."""

from __future__ import annotations

import asyncio
import math
import threading
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import traitlets

from consilience.errors import ConsilienceError, InvalidInput
from consilience.loop import background
from consilience.notebook import wire
from consilience.notebook.widget import Widget, action, drawn_by
from consilience.operations import Operations as Reading
from consilience.operations import PolicyState, operations
from consilience.policies import SYSTEM, Clock, Policy, registry

if TYPE_CHECKING:
    from consilience.circle import Circle
    from consilience.store import Store

_FRESH = 0.5
_KEPT = 5.0
_MOST = 100
_DAY = """
SELECT count(*) AS answers, sum(cost_usd) AS usd, count(*) FILTER (WHERE cost_usd IS NULL) AS unpriced
FROM responses WHERE asked_at >= ?
"""


class Operations(Widget):
    """Watch what goes on in this process; it is read once a second while the widget is in sight, and else never.

    Parameters
    ----------
    circle
        Whose policies, budget and store are shown beside what has a name in the process; nobody's by default.
    clock
        Says how old a reading is.

    Attributes
    ----------
    now
        What was read last.
    store
        What the circle's store holds, read every five seconds; empty without one.

    Examples
    --------
    >>> widget = Operations()
    >>> widget.look()
    >>> sorted(widget.now)
    ['budget', 'caches', 'memory', 'policies', 'pools']
    >>> widget.close()
    """

    _esm, _css = drawn_by("operations")

    now = traitlets.Dict().tag(sync=True)
    store = traitlets.Dict().tag(sync=True)

    def __init__(self, circle: Circle | None = None, *, clock: Clock = SYSTEM) -> None:
        self.circle = circle
        self._clock = clock
        self._reading = threading.Lock()
        self._read_at = self._kept_at = -math.inf
        super().__init__()

    @action
    def look(self) -> None:
        """Read again what is shown, at most twice a second however many pages look."""
        with self._reading:
            moment = self._clock.monotonic()
            if moment - self._read_at < _FRESH:
                return
            self._read_at = moment
            kept = None if self.circle is None else self.circle.store
            if kept is not None and moment - self._kept_at >= _KEPT:
                self._kept_at = moment
                background.submit(self._keep(kept))
        self.publish(now=_shown(operations(self._policies()), self.circle))

    @action
    def reset(self, name: str) -> None:
        """Close the circuit of a policy and let it judge by itself again.

        Raises
        ------
        InvalidInput
            No policy has that name.
        """
        found = [policy for policy in (*registry.policies(), *self._policies()) if policy.name == name]
        if not found:
            raise InvalidInput(f"The name of a policy is required, {name!r} came: look again.")
        for policy in found:
            policy.breaker.reset()
        self._read_at = -math.inf
        self.look()

    def _policies(self) -> tuple[Policy, ...]:
        return () if self.circle is None else tuple(self.circle.policies.values())

    async def _keep(self, store: Store) -> None:
        try:
            found = await asyncio.to_thread(_stored, store)
        except ConsilienceError as error:
            found = {"path": wire.text(store.address, 300), "error": wire.text(error, 500)}
        self.publish(store=found)


def _shown(reading: Reading, circle: Circle | None) -> dict[str, object]:
    purse = None if circle is None else circle._purse  # noqa: SLF001 - its own part of the circle is looked at
    memory = reading.memory
    return {
        "policies": [_policy(state) for state in reading.policies[:_MOST]],
        "caches": [
            {
                "name": wire.text(name or "unnamed", 80),
                **asdict(stats),
                "hit_rate": wire.number(stats.hit_rate),
            }
            for name, stats in reading.caches[:_MOST]
        ],
        "pools": [
            {"kind": kind, "name": wire.text(name, 80), **asdict(stats)}
            for kind, name, stats in reading.pools[:_MOST]
        ],
        "memory": None if memory is None else {**asdict(memory), "share": memory.share},
        "budget": None
        if purse is None
        else {
            "of": str(purse.budget),
            "usd": wire.number(purse.spent.usd),
            "tokens": purse.spent.tokens,
            "calls": purse.calls,
            "unpriced": purse.n_unpriced,
            "exhausted": purse.exhausted,
        },
    }


def _policy(state: PolicyState) -> dict[str, object]:
    return asdict(state) | {"name": wire.text(state.name, 80), "reason": wire.text(state.reason, 300)}


def _stored(store: Store) -> dict[str, object]:
    status = store.status()
    day = store.read(_DAY, datetime.now(UTC) - timedelta(days=1)).row(0, named=True)
    return {
        "path": wire.text(status.address, 300),
        "size": status.size,
        "waiting": status.waiting,
        "rows": int(status.tables["rows"].sum()),
        "answers": day["answers"],
        "usd": wire.number(day["usd"]),
        "unpriced": day["unpriced"],
        "error": "",
    }
