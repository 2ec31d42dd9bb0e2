"""Prompts with columns of a frame in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from consilience.errors import InvalidInput

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt in which ``{column}`` stands for a cell of that column; ``{{`` and ``}}`` are braces.

    A cell is put in as it is: braces in it are text, and what it holds is never read as a template.

    Parameters
    ----------
    text
        The prompt, with at least one column.

    Raises
    ------
    InvalidInput
        It names no column, or a brace stands alone.

    Examples
    --------
    >>> Template("Classify {{strictly}}: {text}").fill({"text": "{sic}"})
    'Classify {strictly}: {sic}'
    """

    text: str
    parts: tuple[str, ...] = field(init=False, repr=False)
    slots: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InvalidInput(f"prompt is a text, a {type(self.text).__name__} came.")
        parts, slots, before = [""], [], 0
        for match in _TOKEN.finditer(self.text):
            parts[-1] += self.text[before : match.start()]
            before = match.end()
            if match[0] in ("{{", "}}"):
                parts[-1] += match[0][0]
            elif match[1]:
                slots.append(match[1])
                parts.append("")
            else:
                raise InvalidInput(
                    f"A brace in prompt= encloses the name of a column, {match[0]!r} came at character "
                    f"{match.start()}: write {{{{ or }}}} for a brace itself."
                )
        parts[-1] += self.text[before:]
        if not slots:
            raise InvalidInput(
                f"prompt= names at least one column in braces, as in 'Classify: {{text}}'; {self.text[:80]!r} came. "
                "For one question without a frame there is circle.ask()."
            )
        object.__setattr__(self, "parts", tuple(parts))
        object.__setattr__(self, "slots", tuple(slots))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, each once, in order of appearance."""
        return tuple(dict.fromkeys(self.slots))

    @property
    def blank(self) -> bool:
        """Whether the prompt has no words of its own beside its columns."""
        return not "".join(self.parts).strip()

    def fill(self, row: Mapping[str, object]) -> str:
        """Return the prompt for one row."""
        texts = [self.parts[0]]
        for slot, part in zip(self.slots, self.parts[1:], strict=True):
            texts.append(str(row[slot]))
            texts.append(part)
        return "".join(texts)


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of every row: words, and columns in braces whose cell is the tag of its row.

    Parameters
    ----------
    words
        Such as ``("confidential",)`` or ``("{sensitivity}",)``; a cell that is null or empty is no tag.

    Raises
    ------
    InvalidInput
        It is no list of words, or a brace stands alone.

    Examples
    --------
    >>> Tags(["legal", "{level}"]).fill({"level": "secret"}), Tags(["{level}"]).fill({"level": None})
    (('legal', 'secret'), ())
    """

    words: Sequence[str]
    templates: tuple[tuple[str, Template | None], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.words, str) or not all(isinstance(word, str) for word in self.words):
            raise InvalidInput(
                f"tags= takes a list of words, {self.words!r} came: write tags=['confidential']."
            )
        found = tuple((word, Template(word) if "{" in word or "}" in word else None) for word in self.words)
        object.__setattr__(self, "templates", found)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, each once."""
        return tuple(dict.fromkeys(c for _, t in self.templates if t is not None for c in t.columns))

    def fill(self, row: Mapping[str, object]) -> tuple[str, ...]:
        """Return the tags of one row."""
        if not self.templates:
            return ()
        filled = (word if t is None else _filled(t, row) for word, t in self.templates)
        return tuple(tag for tag in filled if tag.strip())


def _filled(template: Template, row: Mapping[str, object]) -> str:
    return "" if any(row[column] is None for column in template.columns) else template.fill(row)
