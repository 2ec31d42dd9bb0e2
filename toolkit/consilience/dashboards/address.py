"""The part of the URL after the question mark: what is looked at, so that a view can be sent to a teammate."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

__all__ = ["read_address", "written_address"]

_LONGEST = 2_000


def read_address(search: str) -> dict[str, str]:
    """Return the parameters of a URL; one that is given twice has its last value.

    Examples
    --------
    >>> read_address("?page=questions&q=5%25")
    {'page': 'questions', 'q': '5%'}
    """
    return dict(parse_qsl(search.lstrip("?")[:_LONGEST], max_num_fields=50, keep_blank_values=False))


def written_address(params: Mapping[str, object]) -> str:
    """Return the parameters as a URL shows them, without those that are empty.

    Examples
    --------
    >>> written_address({"page": "questions", "q": "5%", "expert": ""})
    '?page=questions&q=5%25'
    """
    told = {name: str(value) for name, value in params.items() if value not in (None, "")}
    return f"?{urlencode(told)}" if told else "?"
