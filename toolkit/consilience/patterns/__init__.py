"""Patterns: many literals and regexes found in many texts, with byte offsets."""

from consilience.patterns.pattern_set import PatternSet

__all__ = ["PatternSet"]
