"""Reading what an expert wrote: the words that count, a text, a choice, the lines of a list."""

from __future__ import annotations

import json
import re
import unicodedata

from consilience.errors import InvalidChoices, Unparseable

_BULLET = re.compile(r"^\s*(?:[-*\u2022\u2013]|\(?\d{1,3}[.)])\s+")
_EDGE = " \t\r\n\"'`*_.,;:!?\u201c\u201d\u2018\u2019"
_QUOTE_LIMIT = 80


def quoted(text: str, limit: int = _QUOTE_LIMIT) -> str:
    r"""Return the start of a text in quotes, on one line, for use in a message.

    Parameters
    ----------
    text
        Any text, also one that a model wrote.
    limit
        Characters kept; 80 fit beside a sentence on one terminal line.

    Examples
    --------
    >>> quoted("yes\nor no")
    "'yes or no'"
    """
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= limit else flat[: limit - 1] + "\u2026")


def canonical(text: str) -> str:
    """Return the form under which two texts count as the same words.

    Unicode NFKC, case folding (Unicode TR 15 and chapter 3.13), white space collapsed, quotes and closing
    punctuation dropped at both ends. Words inside are untouched: a negation or a number stays a difference.

    Examples
    --------
    >>> canonical('  "Shard by TENANT." ')
    'shard by tenant'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(_EDGE)


def require_text(raw: object, wanted: str) -> str:
    """Return a text with characters other than white space, or raise `Unparseable` with what was wanted."""
    if not isinstance(raw, str):
        raise Unparseable(f"{wanted} is required, a value of type {type(raw).__name__} came: return a str.")
    if not raw.strip():
        raise Unparseable(f"{wanted} is required, an empty text came.")
    return raw


def split_items(text: str) -> list[str]:
    """Return the texts of a JSON array, or the lines; with bullets or numbers on any, the lines that have them."""
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            loaded = json.loads(stripped)
        except (ValueError, RecursionError) as error:
            raise Unparseable(f"A JSON array of texts is required, {quoted(stripped)} came.") from error
        if not all(isinstance(part, str) for part in loaded):
            raise Unparseable(f"A JSON array of texts is required, {quoted(stripped)} came.")
        return [part.strip() for part in loaded]
    lines = [line for line in stripped.splitlines() if line.strip()]
    bulleted = [line for line in lines if _BULLET.match(line)]
    return [_BULLET.sub("", line).strip() for line in (bulleted or lines)]


def choice_key(text: str) -> str:
    """Return the form under which a choice is recognised; one that is only punctuation stays as it is."""
    return canonical(text) or text.strip()


def checked_choices(choices: tuple[str, ...], of: str = "label") -> tuple[str, ...]:
    """Return the choices of a label or the items of a ranking.

    Raises
    ------
    InvalidChoices
        Fewer than two, one twice, an empty one, or one that is not a text.
    """
    if len(choices) == 1 and not isinstance(choices[0], str):
        raise InvalidChoices(
            f"Choices are given one by one, a {type(choices[0]).__name__} came: write "
            f"{of.capitalize()}(*choices)."
        )
    if len(choices) < 2:
        raise InvalidChoices(f"A {of} needs at least two choices, {len(choices)} came: {choices!r}.")
    seen: dict[str, str] = {}
    for choice in choices:
        if not str(choice).strip() or type(choice) is not str:
            raise InvalidChoices(f"Each choice is a text with at least one character, {choice!r} came.")
        key = choice_key(choice)
        if key in seen:
            raise InvalidChoices(
                f"Each choice may stand once, {choice!r} reads the same as {seen[key]!r}: remove one."
            )
        seen[key] = choice
    return choices
