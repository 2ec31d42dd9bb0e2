"""One question from its asking to its verdict: who may see it, in one round or several, and what it needed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from consilience.consult import Calls, consult
from consilience.disclosure import Disclosure, Shown
from consilience.errors import StoreError
from consilience.experts.base import Expert
from consilience.models import Question
from consilience.rounds.base import Inquiry, Rounds
from consilience.store.rows import bundle
from consilience.streaming import Asked, Tell
from consilience.terms import Terms
from consilience.verdict import Verdict, decide
from consilience.verdict.methods import Method
from consilience.verdict.result import short_of

if TYPE_CHECKING:
    from consilience.store import Store


async def conduct(
    question: Question,
    experts: Sequence[Expert],
    policies: Mapping[str, Calls],
    terms: Terms,
    *,
    disclosure: Disclosure,
    rounds: Rounds | None,
    method: Method,
    tell: Tell | None,
) -> tuple[Verdict, Verdict]:
    """Return the verdict as it may be kept, and as it is for the caller: the same unless something was hidden.

    Parameters
    ----------
    question, experts
        What is asked of whom.
    policies
        Under which an expert is asked, by name.
    terms
        When the question ends, and what it needs.
    disclosure
        What is hidden from whom.
    rounds
        A strategy of several rounds; ``None`` asks everyone once.
    method
        How the verdict is decided.
    tell
        Takes what happens on the way.
    """
    shown = disclosure.of(question, experts)
    if rounds is not None:
        inquiry = Inquiry(shown, experts, policies, deadline=terms.deadline, method=method, tell=tell)
        return _told(await inquiry.conducted(rounds), shown, terms)
    if tell is not None:
        tell(Asked(question, tuple(expert.name for expert in shown.experts)))
    # who is withheld counts among the asked, which an early end would not see
    on = replace(terms, quorum=None) if shown.withheld else terms
    asked = [(expert, shown.question) for expert in shown.experts]
    responses = await consult(asked, policies, on, tell) if asked else []
    return _told(decide(shown.question, shown.hidden(responses), method=method), shown, terms)


def _told(kept: Verdict, shown: Shown, terms: Terms) -> tuple[Verdict, Verdict]:
    shortfall = terms.needs.shortfall(kept.heard)
    return short_of(kept, terms.needs, shortfall), short_of(shown.restored(kept), terms.needs, shortfall)


async def keep(store: Store, kept: Verdict, verdict: Verdict, circle: str | None = None) -> None:
    """Write a verdict as it may be kept; what stands against it carries the verdict of the caller.

    Raises
    ------
    StoreError
        It could not be written; the error's ``verdict`` was paid for.
    """
    try:
        await asyncio.to_thread(store.write, bundle(kept.question, kept.responses, kept, circle))
    except StoreError as error:
        error.verdict = verdict
        raise
