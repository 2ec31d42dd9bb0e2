"""Foreign text in Markdown, where it stays text."""

from __future__ import annotations

import re

from consilience.markup.plain import plain

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>&$@:])")


def literal(text: object, limit: int = 20_000) -> str:
    r"""Return foreign text on one line so that Markdown shows it as it is: no link, no image, no markup, no mention.

    Parameters
    ----------
    text
        Any value.
    limit
        Characters kept.

    Examples
    --------
    >>> literal("![x](http://a.b/c) <script>")
    '\\!\\[x\\]\\(http\\://a\\.b/c\\) \\<script\\>'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(plain(text, limit).split()))
