"""Secrets and personal data are replaced before a text leaves, and put back in what comes home."""

from consilience.redaction.patterns import KINDS, PERSONAL, SECRETS, Span, spans
from consilience.redaction.presidio import presidio
from consilience.redaction.redactor import Redaction, Redactor

__all__ = ["KINDS", "PERSONAL", "SECRETS", "Redaction", "Redactor", "Span", "presidio", "spans"]
