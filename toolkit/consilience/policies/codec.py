"""Values as JSON text, exactly: what is read back is equal and of the same type, or it is refused when it is written.

JSON and not pickle, because a tier is shared: whoever can write to the server would run code in every process that
reads a pickle from it. JSON can only be data, and people can read it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Protocol

from consilience.errors import InvalidInput

__all__ = ["Codec", "Json"]

_PLAIN = (str, int, float, bool, type(None))
_MARK = "$"
# Deeper than any answer is nested, and far below where Python's own stack ends.
_MAX_DEPTH = 100


class Codec(Protocol):
    """Turns values into texts and back."""

    def dumps(self, value: object) -> str:
        """Return the text of a value, or raise `InvalidInput` for one that would not come back as it is."""

    def loads(self, text: str | bytes) -> object:
        """Return the value of a text, or raise `InvalidInput` for one that is none."""


class Json:
    """JSON in which tuples, bytes and dictionaries with other keys than texts keep their type.

    Parameters
    ----------
    types
        Dataclasses and enumerations that may occur in values. Others are refused, in both directions.

    Examples
    --------
    >>> codec = Json()
    >>> codec.dumps({"items": ("shard", None)})
    '{"items": {"$tuple": ["shard", null]}}'
    >>> codec.loads(codec.dumps({"items": ("shard", None)}))
    {'items': ('shard', None)}
    """

    def __init__(self, types: Iterable[type] = ()) -> None:
        self._writers: dict[type, Callable[[Any, int], object]] = {
            list: lambda value, depth: [self._tagged(part, depth) for part in value],
            dict: self._tagged_dict,
            tuple: lambda value, depth: {"$tuple": [self._tagged(part, depth) for part in value]},
            bytes: lambda value, _: {"$bytes": base64.b64encode(value).decode()},
        }
        self._readers: dict[str, Callable[[Any], object]] = {
            "$tuple": lambda told: tuple(self._plain(part) for part in _list(told)),
            "$bytes": lambda told: base64.b64decode(told, validate=True),
            "$dict": lambda told: {self._plain(key): self._plain(value) for key, value in _list(told)},
        }
        for kind in types:
            self._allow(kind)

    def dumps(self, value: object) -> str:
        """Return the text of a value; equal dictionaries have one text.

        Raises
        ------
        InvalidInput
            A part is of a type that JSON cannot bring back and that was not allowed, or is nested too deeply.
        """
        return json.dumps(self._tagged(value, 0), sort_keys=True)

    def loads(self, text: str | bytes) -> object:
        """Return the value of a text.

        Raises
        ------
        InvalidInput
            It is not a text of this codec.
        """
        try:
            return self._plain(json.loads(text))
        except (ValueError, TypeError, LookupError, RecursionError, binascii.Error) as error:
            raise InvalidInput(
                f"The text of a value is required, something else came: {type(error).__name__}: {error}"
            ) from error

    def _allow(self, kind: type) -> None:
        tag = f"{_MARK}{kind.__name__}"
        if issubclass(kind, Enum):
            self._writers[kind] = lambda value, depth: {tag: self._tagged(value.value, depth)}
            self._readers[tag] = lambda told: kind(self._plain(told))
        elif is_dataclass(kind):
            names = [field.name for field in fields(kind) if field.init]
            self._writers[kind] = lambda value, depth: {
                tag: {name: self._tagged(getattr(value, name), depth) for name in names}
            }
            self._readers[tag] = lambda told: kind(
                **{name: self._plain(part) for name, part in told.items() if name in names}
            )
        else:
            raise InvalidInput(f"types holds dataclasses and enumerations, {kind.__name__} came.")

    def _tagged(self, value: object, depth: int) -> object:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind not in self._writers:
            raise InvalidInput(
                f"A value of texts, numbers, lists, tuples, dictionaries and bytes can be kept outside this process, a "
                f"{kind.__name__} came: allow its type with Json(types=[...]), or give the tier a codec of your own."
            )
        if depth == _MAX_DEPTH:
            raise InvalidInput(
                f"A value that is kept outside this process is nested {_MAX_DEPTH} deep at most, a deeper one came."
            )
        return self._writers[kind](value, depth + 1)

    def _tagged_dict(self, value: dict[object, object], depth: int) -> object:
        if all(type(key) is str and not key.startswith(_MARK) for key in value):
            return {key: self._tagged(part, depth) for key, part in value.items()}
        pairs = [[self._tagged(key, depth), self._tagged(part, depth)] for key, part in value.items()]
        return {"$dict": sorted(pairs, key=json.dumps)}

    def _plain(self, told: object) -> object:
        if isinstance(told, list):
            return [self._plain(part) for part in told]
        if isinstance(told, dict):
            tag = next(iter(told), "")
            if tag.startswith(_MARK):
                (content,) = told.values()
                return self._readers[tag](content)
            return {key: self._plain(part) for key, part in told.items()}
        return told


def _list(told: object) -> list[Any]:
    if not isinstance(told, list):
        raise TypeError(f"a list is required, a {type(told).__name__} came")
    return told
