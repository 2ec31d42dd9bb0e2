"""What a circle keeps beside its verdicts: answers that come late."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from consilience.errors import InvalidInput
from consilience.loop import background

if TYPE_CHECKING:
    from consilience.disclosure import Disclosure
    from consilience.experts.base import Expert
    from consilience.store import Store
    from consilience.verdict import Verdict


class Keeping:
    """The part of `Circle` that keeps what was answered."""

    experts: tuple[Expert, ...]
    store: Store | None
    _disclosure: Disclosure

    async def collect(self) -> tuple[Verdict, ...]:
        """Take late answers of the circle's people, record them and decide again; see `experts.human.collect`.

        Raises
        ------
        InvalidInput
            The circle has no store, which holds the questions that wait for answers.
        """
        from consilience.experts.human import Human, collect

        if self.store is None:
            raise InvalidInput(
                "Late answers join what is stored, this circle has no store: Circle(..., store=...)."
            )
        humans = [expert for expert in self.experts if isinstance(expert, Human)]
        redactor = self._disclosure.redactor
        return await background.wait(asyncio.to_thread(collect, self.store, humans, redact=redactor))
