"""Names, places and more, found by Presidio: extra ``pii``."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

from consilience.errors import InvalidInput
from consilience.redaction.patterns import Span


def presidio(
    model: str | None = None,
    *,
    language: str = "en",
    threshold: float = 0.4,
    entities: Iterable[str] | None = None,
) -> Callable[[str], list[Span]]:
    """Return a finder for `Redactor` that asks Microsoft Presidio; it needs no network.

    Parameters
    ----------
    model
        An installed spaCy model, such as ``"en_core_web_sm"``, which finds names of people and places; a small one
        misses some. Without one only Presidio's patterns are asked: phone and account numbers, documents, addresses on
        the net, but no names.
    language
        Of the texts, and of the model.
    threshold
        Least score, from 0 to 1, of what is hidden: 0.4 is what Presidio gives a phone number without a word about
        phones beside it; 0.5 leaves such numbers out.
    entities
        Presidio's names of what is looked for, such as ``["PERSON"]``; all by default.

    Raises
    ------
    InvalidInput
        Presidio is not installed, the model is not, or the threshold is out of its range.

    Examples
    --------
    >>> presidio(threshold=2)
    Traceback (most recent call last):
        ...
    consilience.errors.InvalidInput: threshold is between 0 and 1, 2 came.
    """
    if not 0 <= threshold <= 1:
        raise InvalidInput(f"threshold is between 0 and 1, {threshold} came.")
    engine = _engine(model, language)
    wanted = None if entities is None else list(entities)

    def find(text: str) -> list[Span]:
        found = engine.analyze(text, language=language, entities=wanted, score_threshold=threshold)
        return [Span(re.sub(r"[^A-Z0-9_]", "_", one.entity_type), one.start, one.end) for one in found]

    return find


def _engine(model: str | None, language: str) -> Any:
    try:
        import spacy
        import tldextract
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError as error:
        raise InvalidInput("presidio() needs the extra pii: pip install 'consilience[pii]'.") from error
    # Presidio's own default fetches a model, and its look at addresses a list of domains: here nothing is fetched
    tldextract.tldextract.TLD_EXTRACTOR.suffix_list_urls = ()
    words = SpacyNlpEngine(models=[{"lang_code": language, "model_name": model or "blank"}])
    words.nlp = {language: _loaded(spacy, model, language)}
    # it warns of every recogniser of another language and every kind of entity that it does not know
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    return AnalyzerEngine(nlp_engine=words, supported_languages=[language])


def _loaded(spacy: Any, model: str | None, language: str) -> Any:
    try:
        return spacy.blank(language) if model is None else spacy.load(model)
    except (OSError, ImportError) as error:
        raise InvalidInput(
            f"An installed spaCy model is required, {model or language!r} came: install it, for example with python -m "
            f"spacy download {model or 'en_core_web_sm'}, or leave model= out."
        ) from error
