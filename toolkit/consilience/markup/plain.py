"""Foreign text without the characters that steer a terminal or reorder a page."""

from __future__ import annotations

import re

_STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def plain(text: object, limit: int = 20_000) -> str:
    r"""Return a text that can be printed beside others.

    Parameters
    ----------
    text
        Any value. Control and direction characters (terminal escapes, bidirectional overrides) and lone surrogates
        become U+FFFD; line breaks and tabs stay.
    limit
        Characters kept, so that one answer cannot fill a screen; what was left out is counted.

    Examples
    --------
    >>> plain("\x1b[31mred", limit=6)
    '\ufffd[31mr \u2026 (2 more characters)'
    """
    kept = _STEERING.sub("\ufffd", str(text)[:limit])
    left = len(str(text)) - limit
    return f"{kept} \u2026 ({left:,} more characters)" if left > 0 else kept
