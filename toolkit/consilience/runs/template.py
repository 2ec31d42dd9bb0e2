"""Prompts with columns of a frame in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
