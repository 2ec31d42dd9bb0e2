"""Reading what an expert wrote: the words that count, a text, a choice, the lines of a list."""

from __future__ import annotations

import json
import re
import unicodedata

from consilience.errors import InvalidChoices, Unparseable

_BULLET = re.compile(r"^\s*(?:[-*\u2022\u2013]|\(?\d{1,3}[.)])(?:\s+|$)")
_FENCED = re.compile(r"```[^\n`]*\n(.*?)\n?```", re.DOTALL)
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


def figures(text: str) -> str:
    """Return the form in which a number is read: as `canonical`, but a point or comma before a digit stays.

    Raises
    ------
    Unparseable
        A digit is raised, lowered or circled, which says something else than the digit.

    Examples
    --------
    >>> figures(" **.5** "), figures("7.")
    ('.5', '7')
    """
    odd = next((char for char in text if unicodedata.category(char) == "No"), None)
    if odd is not None:
        raise Unparseable(f"A number in plain digits is required, {quoted(text)} came.")
    flat = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return flat.lstrip(_EDGE.replace(".", "").replace(",", "")).rstrip(_EDGE)


def require_text(raw: object, wanted: str) -> str:
    """Return a text with characters other than white space, or raise `Unparseable` with what was wanted."""
    if not isinstance(raw, str):
        raise Unparseable(f"{wanted} is required, a value of type {type(raw).__name__} came: return a str.")
    if not raw.strip():
        raise Unparseable(f"{wanted} is required, an empty text came.")
    return raw


def split_items(text: str) -> list[str]:
    """Return the texts of a JSON array, or the lines; with bullets or numbers on any, what these begin.

    As in Markdown, a line without a bullet goes on with the one before, unless an empty line parts them and it is not
    indented: an item that is cut can say the opposite. A fence around the whole is left out.
    """
    stripped = text.strip()
    if fenced := _FENCED.fullmatch(stripped):
        stripped = fenced[1].strip()
    if stripped.startswith("{"):
        raise Unparseable(f"A list is required, a JSON object came: {quoted(stripped)}.")
    if stripped.startswith("["):
        try:
            loaded = json.loads(stripped)
        except (ValueError, RecursionError) as error:
            raise Unparseable(f"A JSON array of texts is required, {quoted(stripped)} came.") from error
        if not all(isinstance(part, str) for part in loaded):
            raise Unparseable(f"A JSON array of texts is required, {quoted(stripped)} came.")
        return [part.strip() for part in loaded]
    lines = stripped.splitlines()
    if not any(map(_BULLET.match, lines)):
        return [line.strip() for line in lines if line.strip()]
    items: list[list[str]] = []
    apart = True
    for line in lines:
        if _BULLET.match(line):
            items.append([_BULLET.sub("", line).strip()])
        elif line.strip() and items and (not apart or line[0].isspace()):
            items[-1].append(line.strip())
            continue
        apart = not _BULLET.match(line)
    return [" ".join(parts) for parts in items]


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
