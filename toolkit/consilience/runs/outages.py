"""An expert whose circuit is open is waited for, so that an outage that passes does not cost the rest of the frame."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consilience.consult import Calls
    from consilience.policies import Breaker

_LOG = logging.getLogger("consilience.runs")
_LOOK_SECONDS = 0.1
_OUTAGE_SECONDS = 120.0  # four probes: who is away longer is not waited for, and the others go on


class Outages:
    """The circuits of a run's experts.

    Parameters
    ----------
    policies
        Under which they are asked; those without a breaker are never away.
    """

    def __init__(self, policies: Iterable[Calls]) -> None:
        found = (getattr(policy, "breaker", None) for policy in policies)
        self._breakers: list[Breaker] = list({id(b): b for b in found if b is not None}.values())
        self._since: float | None = None

    @property
    def there(self) -> bool:
        """Whether a circuit is not closed, of an outage that is still waited for."""
        if all(breaker.passing or _by_hand(breaker) for breaker in self._breakers):
            self._since = None
            return False
        return self._since is None or time.monotonic() - self._since < _OUTAGE_SECONDS

    async def over(self, given_up: Callable[[], bool]) -> bool:
        """Wait until every circuit lets a call through, or its outage has taken too long; say whether to go on."""
        while self.there and not given_up():
            shut = [breaker for breaker in self._breakers if _shut(breaker)]
            if not shut:
                break
            if self._since is None:
                self._since = time.monotonic()
                _LOG.warning("The run waits up to %g s for an expert: %s", _OUTAGE_SECONDS, shut[0].refusal())
            await asyncio.sleep(_LOOK_SECONDS)
        return not given_up()


def _shut(breaker: Breaker) -> bool:
    """Whether a call would be refused now, and will not be for ever."""
    if breaker.passing or _by_hand(breaker):
        return False
    return breaker.state == "half-open" or breaker.refusing()


def _by_hand(breaker: Breaker) -> bool:
    return breaker.state == "open" and breaker.refusal().retry_after is None
