"""Answer kinds and answers back from the texts under which they are stored."""

from __future__ import annotations

import json

from consilience.models.answers import AnswerKind, AnswerValue, Items, Label, Text
from consilience.models.rankings import Ranking
from consilience.models.scores import Score


def kind_from_spec(spec: str) -> AnswerKind:
    """Return the kind whose `AnswerKind.spec` this is.

    Raises
    ------
    ValueError
        It is a kind of a user's own, which only the user can make again.

    Examples
    --------
    >>> kind_from_spec(Score(0, 10).spec()) == Score(0, 10)
    True
    """
    stored = json.loads(spec)
    kind = stored.pop("kind")
    if kind == Label.kind:
        return Label(*stored["choices"], name=stored["name"])
    if kind == Ranking.kind:
        return Ranking(*stored["items"], top=stored["top"], name=stored["name"])
    for known in (Items, Text, Score):
        if kind == known.kind:
            found: AnswerKind = known(**stored)
            return found
    raise ValueError(f"answers of the kind {kind!r} are not read back")


def answer_from_text(kind: AnswerKind, text: str | None) -> AnswerValue | None:
    """Return an answer of a kind from its stored text: a JSON list, a number, or the text itself."""
    if text is None:
        return None
    if isinstance(kind, (Items, Ranking)):
        return tuple(json.loads(text))
    return float(text) if isinstance(kind, Score) else text
