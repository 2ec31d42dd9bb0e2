"""Answer kinds: what an answer must look like, how it is read, and when two answers are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

from consilience.errors import Unparseable
from consilience.models.given import count
from consilience.models.reading import (
    canonical,
    checked_choices,
    choice_key,
    quoted,
    require_text,
    split_items,
)

__all__ = ["AnswerKind", "AnswerValue", "Items", "Label", "Text"]

AnswerValue: TypeAlias = str | float | tuple[str, ...]


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
        object.__setattr__(self, "max_chars", count("max_chars", self.max_chars))

    def parse(self, raw: object) -> str:
        """Return the text without outer white space; raise `Unparseable` when it is empty or too long."""
        text = require_text(raw, "A text").strip()
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
        object.__setattr__(self, "choices", checked_choices(choices))
        object.__setattr__(self, "name", name)

    def __repr__(self) -> str:
        name = "" if self.name == "Answer" else f", name={self.name!r}"
        return f"Label({', '.join(map(repr, self.choices))}{name})"

    def parse(self, raw: object) -> str:
        """Return the choice that the text is; raise `Unparseable` when it is none of them."""
        wanted = f"One of {', '.join(self.choices)}"
        found = _by_key(self.choices).get(choice_key(require_text(raw, wanted)))
        if found is None:
            raise Unparseable(f"{wanted} is required, {quoted(str(raw))} came.")
        return found

    def key(self, value: AnswerValue) -> str:
        """Return the choice itself."""
        return str(value)

    def spec(self) -> str:
        """Return the kind as JSON text."""
        return _label_spec(self)


# a run asks for it twice a row, and writing it takes as long as the rest of the digest
@lru_cache(maxsize=256)
def _label_spec(label: Label) -> str:
    return json.dumps({"kind": label.kind, "choices": label.choices, "name": label.name}, ensure_ascii=False)


@lru_cache(maxsize=256)
def _by_key(choices: tuple[str, ...]) -> Mapping[str, str]:
    return {choice_key(choice): choice for choice in choices}


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
        object.__setattr__(self, "max_items", count("max_items", self.max_items))
        object.__setattr__(self, "max_chars", count("max_chars", self.max_chars))

    def parse(self, raw: object) -> tuple[str, ...]:
        """Return the items of a list, a JSON array of texts, or lines with bullets or numbers.

        Items of one expert that are the same words are kept once. Raises `Unparseable` when there is none, or
        when there are more or longer ones than allowed.
        """
        if isinstance(raw, (list, tuple)):
            parts = [require_text(part, "A list of texts").strip() for part in raw]
        else:
            parts = split_items(require_text(raw, "A list of recommendations"))
        distinct = {canonical(part): part for part in reversed(parts) if canonical(part)}
        items = tuple(reversed(distinct.values()))
        self._check(items)
        return items

    def key(self, value: AnswerValue) -> str:
        """Return the canonical items in a stable order: two lists with the same items are the same answer."""
        parts = value if isinstance(value, tuple) else (str(value),)
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
