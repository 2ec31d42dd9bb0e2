"""An order of given items as an answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import ClassVar

from consilience.errors import InvalidInput, Unparseable
from consilience.models.answers import AnswerValue
from consilience.models.given import is_whole
from consilience.models.reading import checked_choices, choice_key, quoted, require_text, split_items

_BETWEEN = re.compile(r"\s*(?:>|,|;)\s*")


@dataclass(frozen=True, slots=True, init=False)
class Ranking:
    r"""Given items in order, the best first.

    Parameters
    ----------
    *items
        At least two different texts, in the order in which they are shown. Case does not tell them apart.
    top
        How many of the best are wanted; all by default. The others are last together.
    name
        What the order is called in a prompt (``"Priority"``).

    Raises
    ------
    InvalidChoices
        Fewer than two items, a repeated one, an empty one, or one that is not a text.
    InvalidInput
        ``top`` is not between 1 and the number of items.

    Examples
    --------
    >>> Ranking("cost", "speed", "safety").parse("1. Safety\n2. cost\n3. Speed")
    ('safety', 'cost', 'speed')
    """

    items: tuple[str, ...]
    top: int
    name: str
    kind: ClassVar[str] = "ranking"

    def __init__(self, *items: str, top: int | None = None, name: str = "Ranking") -> None:
        object.__setattr__(self, "items", checked_choices(items, "ranking"))
        object.__setattr__(self, "top", len(items) if top is None else top)
        object.__setattr__(self, "name", name)
        if not is_whole(self.top) or not 1 <= self.top <= len(items):
            raise InvalidInput(f"top is between 1 and the {len(items)} items, {self.top!r} came.")

    def __repr__(self) -> str:
        top = "" if self.top == len(self.items) else f", top={self.top}"
        name = "" if self.name == "Ranking" else f", name={self.name!r}"
        return f"Ranking({', '.join(map(repr, self.items))}{top}{name})"

    def parse(self, raw: object) -> tuple[str, ...]:
        """Return the items of a list, a JSON array, lines, or one line with ``>``, commas or semicolons between them.

        Raises
        ------
        Unparseable
            An item is not one of those given or stands twice, or too few or too many came.
        """
        known = {choice_key(item): item for item in self.items}
        order = []
        for part in self._parts(raw, known):
            item = known.get(choice_key(part))
            if item is None:
                raise Unparseable(f"Items of {', '.join(self.items)} are required, {quoted(part)} came.")
            if item in order:
                raise Unparseable(f"Each item stands once in a ranking, {quoted(item)} came twice.")
            order.append(item)
        if len(order) != self.top:
            missing = ", ".join(item for item in self.items if item not in order)
            raise Unparseable(
                f"{self.top} items in order are required, {len(order)} came"
                + (f": {missing} missing." if len(order) < self.top else ".")
            )
        return tuple(order)

    def key(self, value: AnswerValue) -> str:
        """Return the order as JSON text."""
        return json.dumps(value, ensure_ascii=False)

    def spec(self) -> str:
        """Return the kind as JSON text."""
        own = {"items": self.items, "top": self.top, "name": self.name}
        return json.dumps({"kind": self.kind} | own, ensure_ascii=False)

    def _parts(self, raw: object, known: dict[str, str]) -> list[str]:
        wanted = "A list of items, the best first,"
        if isinstance(raw, (list, tuple)):
            return [require_text(part, wanted).strip() for part in raw]
        lines = split_items(require_text(raw, wanted))
        if len(lines) == 1 and choice_key(lines[0]) not in known:
            return [part for part in _BETWEEN.split(lines[0]) if part]
        return lines
