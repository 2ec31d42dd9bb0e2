"""Which words of a text another one does not have, as parts to mark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

__all__ = ["Difference", "difference"]

_CHUNK = re.compile(r"\s+|\S+")


@dataclass(frozen=True, slots=True)
class Difference:
    """A text beside another one.

    Parameters
    ----------
    parts
        The whole text in parts, each with whether it holds a word that the other text does not have.
    missing
        Words of the other text that this one does not have, in their order there, folded.
    """

    parts: tuple[tuple[str, bool], ...]
    missing: tuple[str, ...]


def difference(text: str, other: str) -> Difference:
    """Return how the words of a text differ from those of another; case, punctuation and order do not count.

    Examples
    --------
    >>> difference("Add an index now", "add one index")
    Difference(parts=(('Add ', False), ('an', True), (' index ', False), ('now', True)), missing=('one',))
    """
    from consilience.kernels.words import words

    theirs = words(other)
    known, own = set(theirs), set(words(text))
    return Difference(
        tuple(_parts(text, known)), tuple(dict.fromkeys(word for word in theirs if word not in own))
    )


def _parts(text: str, known: set[str]) -> Iterator[tuple[str, bool]]:
    from consilience.kernels.words import words

    chunks = ((chunk, not known.issuperset(words(chunk))) for chunk in _CHUNK.findall(text))
    for marked, run in groupby(chunks, key=lambda chunk: chunk[1]):
        yield "".join(chunk for chunk, _ in run), marked
