"""From texts to texts with placeholders, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from consilience.errors import InvalidInput
from consilience.redaction.patterns import KINDS, Span, spans

Finder = Callable[[str], Iterable[Span]]
_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9_]*_\d+\]")
_KIND = re.compile(r"[A-Z][A-Z0-9_]*")


class Redactor:
    """Says what is hidden; `start` hides the texts that belong together.

    Parameters
    ----------
    kinds
        Which built-in kinds are looked for; all of `KINDS` by default.
    keep
        Values that are never hidden, such as the address of a public help desk.
    finder
        Finds more, such as names: ``(text) -> spans``; see `presidio`.

    Raises
    ------
    InvalidInput
        There is no such kind.

    Examples
    --------
    >>> redaction = Redactor().start()
    >>> redaction.hide("Tell ana@example.org that the key is sk-abcdefghijklmnopqrstuvwx.")
    'Tell [EMAIL_1] that the key is [API_KEY_1].'
    >>> redaction.restore("I told [EMAIL_1].")
    'I told ana@example.org.'
    """

    def __init__(
        self, kinds: Collection[str] = KINDS, *, keep: Collection[str] = (), finder: Finder | None = None
    ) -> None:
        unknown = sorted(set(kinds) - set(KINDS)) if not isinstance(kinds, str) else [kinds]
        if unknown:
            raise InvalidInput(f"kinds= takes a list of {', '.join(KINDS)}; {', '.join(unknown)} came.")
        if isinstance(keep, str):
            raise InvalidInput(f"keep= takes a list of texts, a text came: write keep=[{keep!r}].")
        self._kinds, self._keep, self._finder = tuple(kinds), frozenset(keep), finder

    def __repr__(self) -> str:
        return f"Redactor({', '.join(self._kinds)}{', finder' if self._finder else ''})"

    def start(self) -> Redaction:
        """Return a redaction that knows nothing yet."""
        return Redaction(self._found)

    def _found(self, text: str) -> list[Span]:
        found = list(spans(text, self._kinds))
        if self._finder is not None:
            found += self._finder(text)
        return [span for span in found if text[span.start : span.end] not in self._keep]


class Redaction:
    """Placeholders of texts that belong together: one value has one placeholder in all of them.

    A text that contains something like ``[EMAIL_1]`` of its own keeps it: that number is not given to a value. The
    values are in memory only and never in the ``repr``.
    """

    def __init__(self, found: Callable[[str], list[Span]]) -> None:
        self._found = found
        self._placeholders: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._foreign: set[str] = set()

    def __repr__(self) -> str:
        return f"<Redaction of {len(self._values)}: {', '.join(self._values)}>"

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The placeholders in use, in the order in which they were given."""
        return tuple(self._values)

    def reserve(self, *texts: str) -> None:
        """Note what looks like a placeholder in texts that are still to be hidden."""
        for text in texts:
            self._foreign.update(set(_PLACEHOLDER.findall(text)) - self._values.keys())

    def hide(self, text: str) -> str:
        """Return the text with placeholders in place of what is hidden."""
        self.reserve(text)
        parts, at = [], 0
        for span in sorted(self._found(text), key=lambda span: (span.start, -span.end)):
            if span.start < at:  # within what is hidden already; what sticks out of it is hidden too
                if span.end > at:
                    parts.append(self._placeholder(span.kind, text[at : span.end]))
                    at = span.end
                continue
            parts += [text[at : span.start], self._placeholder(span.kind, text[span.start : span.end])]
            at = span.end
        return "".join([*parts, text[at:]])

    def restore(self, text: str) -> str:
        """Return the text with the values in place of their placeholders."""
        return _PLACEHOLDER.sub(lambda found: self._values.get(found[0], found[0]), text)

    def _placeholder(self, kind: str, value: str) -> str:
        if not _KIND.fullmatch(kind):
            raise InvalidInput(f"A kind is written like 'PERSON_NAME', {kind!r} came from the finder.")
        known = self._placeholders.get((kind, value))
        if known is not None:
            return known
        number = 1 + sum(1 for other, _ in self._placeholders if other == kind)
        while (made := f"[{kind}_{number}]") in self._foreign or made in self._values:
            number += 1
        self._placeholders[kind, value] = made
        self._values[made] = value
        return made
