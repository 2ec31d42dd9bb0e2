"""Names, places and more, found by Presidio: extra ``pii``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from consilience.errors import InvalidInput
from consilience.redaction.patterns import Span


def presidio(
    *, language: str = "en", threshold: float = 0.5, entities: Iterable[str] | None = None
) -> Callable[[str], list[Span]]:
    """Return a finder for `Redactor` that asks Microsoft Presidio.

    Parameters
    ----------
    language
        Of the texts; its spaCy model must be installed.
    threshold
        Least score, from 0 to 1, of what is hidden. 0.5 leaves out what only a pattern without context suggests.
    entities
        Presidio's names of what is looked for, such as ``["PERSON"]``; all by default.

    Raises
    ------
    InvalidInput
        Presidio is not installed, or the threshold is out of its range.
    """
    if not 0 <= threshold <= 1:
        raise InvalidInput(f"threshold is between 0 and 1, {threshold} came.")
    try:
        from presidio_analyzer import AnalyzerEngine
    except ImportError as error:
        raise InvalidInput("presidio() needs the extra pii: pip install 'consilience[pii]'.") from error
    engine = AnalyzerEngine()
    wanted = None if entities is None else list(entities)

    def find(text: str) -> list[Span]:
        found = engine.analyze(text, language=language, entities=wanted, score_threshold=threshold)
        return [Span(re.sub(r"[^A-Z0-9_]", "_", one.entity_type), one.start, one.end) for one in found]

    return find
