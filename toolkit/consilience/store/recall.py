"""A stored verdict decided again from its stored responses."""

from __future__ import annotations

from dataclasses import replace

from consilience.errors import InvalidInput
from consilience.store.recorded import StoredQuestion
from consilience.verdict import Decision, Needs, Replay, Verdict, decide
from consilience.verdict.methods import WEIGHTED, checked_method
from consilience.verdict.result import short_of


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
    given = [r for r in stored.heard(kept) if not weights or r.expert in weights]
    unknown = kept.method in WEIGHTED and not weights
    method = None if unknown else checked_method(stored.question.answer, kept.method)
    again = decide(stored.question, given, method=method, weights=weights or None)
    # what was required is not stored, that it was missing is
    missing = "what was required did not come" if kept.decision == Decision.NO_QUORUM else ""
    whole = replace(
        again,
        replayed=Replay(kept.id),
        decided_at=kept.decided_at,
        rounds=kept.rounds,
        course=kept.course,
    )
    return short_of(whole, Needs(), missing)
