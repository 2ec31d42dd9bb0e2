"""Answer kinds: what an answer must look like, how it is read, and when two answers are the same."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

from consilience.errors import InvalidChoices, InvalidInput, Unparseable

AnswerValue: TypeAlias = str | tuple[str, ...]

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


@runtime_checkable
class AnswerKind(Protocol):
    """What a circle needs to know of an answer kind."""

    kind: ClassVar[str]

    def parse(self, raw: object) -> AnswerValue:
        """Read what an expert returned, or raise `Unparseable`."""

    def key(self, value: AnswerValue) -> str:
        """Return the string under which equal answers are counted together."""

    def spec(self) -> str:
        """Return the kind as JSON text, for the store and for prompt hashes."""


def _text(raw: object, wanted: str) -> str:
    if not isinstance(raw, str):
        raise Unparseable(f"{wanted} is required, a value of type {type(raw).__name__} came: return a str.")
    if not raw.strip():
        raise Unparseable(f"{wanted} is required, an empty text came.")
    return raw


@dataclass(frozen=True, slots=True)
class Text:
    """Free text.

    Parameters
    ----------
    max_chars
        Longest answer that is kept, in characters; a longer one is unparseable rather than cut, since a cut
        answer can say the opposite. 20,000 characters are about ten pages.

    Examples
    --------
    >>> Text().parse("  Shard by tenant. ")
    'Shard by tenant.'
    """

    max_chars: int = 20_000
    kind: ClassVar[str] = "text"

    def __post_init__(self) -> None:
        _require_positive("max_chars", self.max_chars)

    def parse(self, raw: object) -> str:
        """Return the text without outer white space; raise `Unparseable` when it is empty or too long."""
        text = _text(raw, "A text").strip()
        if len(text) > self.max_chars:
            raise Unparseable(
                f"At most {self.max_chars:,} characters are taken, {len(text):,} came: raise max_chars."
            )
        return text

    def key(self, value: AnswerValue) -> str:
        """Return the canonical form of the text."""
        return canonical(str(value))

    def spec(self) -> str:
        """Return the kind as JSON text."""
        return json.dumps({"kind": self.kind, "max_chars": self.max_chars})


@dataclass(frozen=True, slots=True, init=False)
class Label:
    """One of a fixed set of choices.

    Parameters
    ----------
    *choices
        At least two different texts, in the order in which they are shown. Case does not tell them apart.
    name
        What the choice is called in a prompt (``"Sentiment"``).

    Raises
    ------
    InvalidChoices
        Fewer than two choices, a repeated one, an empty one, or one that is not a text.

    Examples
    --------
    >>> Label("yes", "no").parse(" Yes. ")
    'yes'
    """

    choices: tuple[str, ...]
    name: str
    kind: ClassVar[str] = "label"

    def __init__(self, *choices: str, name: str = "Answer") -> None:
        object.__setattr__(self, "choices", _valid_choices(choices))
        object.__setattr__(self, "name", name)

    def __repr__(self) -> str:
        return f"Label({', '.join(map(repr, self.choices))})"

    def parse(self, raw: object) -> str:
        """Return the choice that the text is; raise `Unparseable` when it is none of them."""
        wanted = f"One of {', '.join(self.choices)}"
        found = self._by_key().get(_choice_key(_text(raw, wanted)))
        if found is None:
            raise Unparseable(f"{wanted} is required, {quoted(str(raw))} came.")
        return found

    def key(self, value: AnswerValue) -> str:
        """Return the choice itself."""
        return str(value)

    def spec(self) -> str:
        """Return the kind as JSON text."""
        return json.dumps({"kind": self.kind, "choices": self.choices, "name": self.name}, ensure_ascii=False)

    def _by_key(self) -> Mapping[str, str]:
        return {_choice_key(choice): choice for choice in self.choices}


@dataclass(frozen=True, slots=True)
class Items:
    r"""A list of recommendations.

    Parameters
    ----------
    max_items
        Most items that one expert may give; more are unparseable. 50 is more than a person reads.
    max_chars
        Longest item, in characters.

    Examples
    --------
    >>> Items().parse("- Add an index\n- Shard by tenant")
    ('Add an index', 'Shard by tenant')
    """

    max_items: int = 50
    max_chars: int = 2_000
    kind: ClassVar[str] = "items"

    def __post_init__(self) -> None:
        _require_positive("max_items", self.max_items)
        _require_positive("max_chars", self.max_chars)

    def parse(self, raw: object) -> tuple[str, ...]:
        """Return the items of a list, a JSON array of texts, or lines with bullets or numbers.

        Items of one expert that are the same words are kept once. Raises `Unparseable` when there is none, or
        when there are more or longer ones than allowed.
        """
        if isinstance(raw, (list, tuple)):
            parts = [_text(part, "A list of texts").strip() for part in raw]
        else:
            parts = _split_items(_text(raw, "A list of recommendations"))
        distinct = {canonical(part): part for part in reversed(parts) if canonical(part)}
        items = tuple(reversed(distinct.values()))
        self._check(items)
        return items

    def key(self, value: AnswerValue) -> str:
        """Return the canonical items in a stable order: two lists with the same items are the same answer."""
        parts = (value,) if isinstance(value, str) else value
        return "\n".join(sorted(canonical(part) for part in parts))

    def spec(self) -> str:
        """Return the kind as JSON text."""
        return json.dumps({"kind": self.kind, "max_items": self.max_items, "max_chars": self.max_chars})

    def _check(self, items: tuple[str, ...]) -> None:
        if not items:
            raise Unparseable("At least one recommendation is required, none came.")
        if len(items) > self.max_items:
            raise Unparseable(
                f"At most {self.max_items} recommendations are taken, {len(items)} came: raise max_items."
            )
        longest = max(items, key=len)
        if len(longest) > self.max_chars:
            raise Unparseable(
                f"A recommendation may have {self.max_chars:,} characters, one has {len(longest):,}: "
                f"{quoted(longest)}; raise max_chars."
            )


def _split_items(text: str) -> list[str]:
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


def _choice_key(text: str) -> str:
    return canonical(text) or text.strip()


def _valid_choices(choices: tuple[str, ...]) -> tuple[str, ...]:
    if len(choices) == 1 and not isinstance(choices[0], str):
        raise InvalidChoices(
            f"Choices are given one by one, a {type(choices[0]).__name__} came: write Label(*choices)."
        )
    if len(choices) < 2:
        raise InvalidChoices(f"A label needs at least two choices, {len(choices)} came: {choices!r}.")
    seen: dict[str, str] = {}
    for choice in choices:
        if not str(choice).strip() or type(choice) is not str:
            raise InvalidChoices(f"Each choice is a text with at least one character, {choice!r} came.")
        key = _choice_key(choice)
        if key in seen:
            raise InvalidChoices(
                f"Each choice may stand once, {choice!r} reads the same as {seen[key]!r}: remove one."
            )
        seen[key] = choice
    return choices


def _require_positive(name: str, value: int) -> None:
    if value < 1:
        raise InvalidInput(f"{name} must be at least 1, {value} came.")
