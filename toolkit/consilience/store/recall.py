"""A stored verdict decided again from its stored responses."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from consilience.errors import InvalidInput
from consilience.store.recorded import StoredQuestion
from consilience.verdict import Method, Replay, Verdict, decide


def recalled(stored: StoredQuestion) -> Verdict:
    """Return the newest verdict on a question, decided again from the stored responses.

    A weighted verdict is decided with its weights, by those who were weighed; one that was stored before version 3
    has none, and majority decides.

    Raises
    ------
    InvalidInput
        There is no response to the question.
    """
    if not stored.responses:
        raise InvalidInput(
            f"The store holds no response to the question {stored.question.id!r}: take a question_id that latest() "
            "shows with responses."
        )
    kept = stored.verdict
    if kept is None:
        return decide(stored.question, stored.responses)
    weights = dict(kept.weights)
    given = [r for r in stored.responses if not weights or r.expert in weights]
    weighted = kept.method == "weighted majority" and not weights
    method = cast("Method", "majority" if weighted else kept.method)
    again = decide(stored.question, given, method=method, weights=weights or None)
    return replace(again, replayed=Replay(kept.id), decided_at=kept.decided_at)
