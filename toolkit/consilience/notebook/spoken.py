"""What is written on the line of a magic, read into what a circle takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from consilience.errors import InvalidInput, UnknownExpert
from consilience.experts.base import Expert
from consilience.experts.registry import Given, Model
from consilience.markup.plain import plain
from consilience.models import AnswerKind, Items, Label, Ranking, Score, Text
from consilience.store.places import is_url

_SLOT = re.compile(r"\{\{|\}\}|\{([^\W\d]\w*)\}")

#: How each kind of answer is written after ``--answer``.
KINDS = ("text", "label:yes,no", "score:0,10", "ranking:first,second", "items")


def answer_of(spoken: str) -> AnswerKind:
    """Return the kind of answer that is meant.

    Raises
    ------
    InvalidInput
        It is none.

    Examples
    --------
    >>> answer_of("label:yes,no"), answer_of("score:0,10").high
    (Label('yes', 'no'), 10.0)
    """
    kind, _, rest = spoken.partition(":")
    words = [word.strip() for word in rest.split(",")] if rest else []
    makers: dict[str, Callable[[], AnswerKind]] = {
        "text": Text,
        "items": Items,
        "label": lambda: Label(*words),
        "ranking": lambda: Ranking(*words),
        "score": lambda: _score(spoken, words),
    }
    if kind not in makers or (words and kind in ("text", "items")):
        raise InvalidInput(f"--answer takes {', '.join(KINDS)}; {spoken!r} came.")
    return makers[kind]()


def _score(spoken: str, words: Sequence[str]) -> Score:
    if not words:
        return Score()
    try:
        low, high = map(float, words)
    except ValueError:
        raise InvalidInput(f"--answer score: takes two numbers, as in score:0,10; {spoken!r} came.") from None
    return Score(low, high)


def experts_of(spoken: str, names: Mapping[str, Any]) -> list[Given]:
    """Return the experts that are named: ``provider:model``, or a variable that holds an expert or a function.

    Raises
    ------
    UnknownExpert
        One is neither.
    """
    words = [word.strip() for word in spoken.split(",") if word.strip()]
    if not words:
        raise InvalidInput(
            "--experts takes names with commas between them and no spaces, as in --experts ana,ben."
        )
    return [given for word in words for given in _experts(word, names)]


def _experts(word: str, names: Mapping[str, Any]) -> list[Given]:
    if word.isidentifier() and word in names:
        value = names[word]
        if is_expert(value):
            return [value]
        if isinstance(value, (list, tuple)) and value and all(map(is_expert, value)):
            return list(value)
        raise UnknownExpert(
            f"The variable {word!r} holds no expert but a {type(value).__name__}: an expert is a cs.Model, a "
            "cs.Recorded, a cs.Human, a function, or a list of them."
        )
    if ":" in word:
        return [word]
    near = get_close_matches(word, [name for name, value in names.items() if is_expert(value)], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "define it in a cell, or write 'provider:model'."
    raise UnknownExpert(f"There is no expert {plain(word, 80)!r}: {hint}")


def is_expert(value: object) -> bool:
    """Return whether a circle would take it: no class, and not what every notebook has."""
    if isinstance(value, (Expert, Model)):
        return True
    return callable(value) and not isinstance(value, type) and getattr(value, "__module__", "") == "__main__"


def filled(text: str, names: Mapping[str, Any]) -> str:
    """Return a text with ``{variable}`` put in; other braces stay as they are, ``{{`` and ``}}`` are braces.

    Raises
    ------
    InvalidInput
        A variable is not there.

    Examples
    --------
    >>> filled("Is {n} in {{n}}? {not this}", {"n": 3})
    'Is 3 in {n}? {not this}'
    """
    return _SLOT.sub(lambda match: str(value_of(match[1], names)) if match[1] else match[0][0], text)


def bound(query: str, names: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Return a statement with ``?`` for each ``{variable}``, and their values: what they hold is never read as SQL."""
    values = [value_of(match[1], names) for match in _SLOT.finditer(query) if match[1]]
    return _SLOT.sub(lambda match: "?" if match[1] else match[0][0], query), values


def value_of(name: str, names: Mapping[str, Any]) -> Any:
    """Return the value of a variable of the notebook.

    Raises
    ------
    InvalidInput
        It is not there.
    """
    if name not in names:
        near = get_close_matches(name, [each for each in names if not each.startswith("_")], n=1)
        hint = f"did you mean {near[0]!r}?" if near else "define it in a cell before this one."
        raise InvalidInput(
            f"There is no variable {name!r}: {hint} Write {{{{{name}}}}} for the braces themselves."
        )
    return names[name]


def store_of(spoken: str, names: Mapping[str, Any]) -> Any:
    """Return the store that is meant: a variable that holds one, a URL, or an absolute path."""
    value = names.get(spoken)
    if value is not None and hasattr(value, "latest"):
        return value
    return spoken if is_url(spoken) else str(Path(spoken).expanduser().absolute())
