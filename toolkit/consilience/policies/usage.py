"""How many tokens a call used up, read from what it returned."""

from __future__ import annotations

import sys

__all__ = ["used_tokens"]


def used_tokens(result: object) -> float | None:
    """Return the tokens of ``result.usage`` (or of ``result.usage()``); ``None`` when it says nothing.

    It reads ``total_tokens``, or else ``input_tokens`` and ``output_tokens``, or ``prompt_tokens`` and
    ``completion_tokens``, as the clients of the providers name them. What is no number of tokens (negative, NaN,
    infinite) says nothing.

    Examples
    --------
    >>> from consilience.models import Reply, Usage
    >>> used_tokens(Reply("yes", usage=Usage(120, 3))), used_tokens("yes")
    (123.0, None)
    """
    usage = getattr(result, "usage", None)
    if callable(usage):
        usage = usage()
    total = _number(usage, "total_tokens")
    if total is not None:
        return total
    for names in (("input_tokens", "output_tokens"), ("prompt_tokens", "completion_tokens")):
        parts = [part for part in (_number(usage, name) for name in names) if part is not None]
        if parts:
            return sum(parts)
    return None


def _number(usage: object, name: str) -> float | None:
    value = usage.get(name) if isinstance(usage, dict) else getattr(usage, name, None)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    # compared before it is converted: an integer can be too large for a float
    return float(value) if 0 <= value <= sys.float_info.max else None
