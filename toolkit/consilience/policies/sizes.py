"""How much memory a value takes, with everything that it holds."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

__all__ = ["deep_size"]

_FLAT = (str, bytes, bytearray, int, float, complex, bool, type(None))
# Held by reference and not owned: a value that names a class does not bring it along.
_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)


def deep_size(value: object) -> int:
    """Return the bytes of a value and of all that it holds, each object once.

    Dictionaries, sequences, sets, attributes and slots are followed; arrays and frames (NumPy, Arrow, Polars, pandas)
    say themselves how large they are, buffers that they only look at included. Classes, modules and functions count
    nothing. It takes about 0.3 µs for each object: where values are large nests, give the cache a weight of your own.

    Examples
    --------
    >>> deep_size(["x" * 1_500_000]) > 1_500_000
    True
    >>> text = "x" * 1000
    >>> deep_size([text, text]) < 2000
    True
    """
    if type(value) in _FLAT:
        return sys.getsizeof(value)
    total = 0
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, _SHARED):
            continue
        seen.add(id(item))
        total += sys.getsizeof(item)
        if type(item) in _FLAT:
            continue
        told = _told_size(item)
        if told is None:
            waiting.extend(_parts(item))
        else:
            # an array that owns its data counts it in its own size already
            total += max(0, told - sys.getsizeof(item))
            waiting.extend(_elements(item))
    return total


def _told_size(item: object) -> int | None:
    """Return what an array or a frame says of its size."""
    if callable(estimated := getattr(type(item), "estimated_size", None)):
        told = estimated(item)
    elif callable(usage := getattr(type(item), "memory_usage", None)):
        usage = usage(item, deep=True)
        told = usage.sum() if hasattr(usage, "sum") else usage
    else:
        told = getattr(item, "nbytes", None)
    try:
        return int(told)
    except (TypeError, ValueError):
        return None


def _parts(item: object) -> Iterator[object]:
    if isinstance(item, dict):
        yield from item.keys()
        yield from item.values()
    elif isinstance(item, (list, tuple, set, frozenset, deque)):
        yield from item
    yield from _attributes(item)


def _elements(array: object) -> Iterable[object]:
    """Return the objects to which an array only refers."""
    return getattr(array, "flat", ()) if getattr(getattr(array, "dtype", None), "hasobject", False) else ()


def _attributes(item: object) -> Iterator[object]:
    held = getattr(item, "__dict__", None)
    if isinstance(held, dict):
        yield held
    for cls in type(item).__mro__:
        for name in _names(cls.__dict__.get("__slots__", ())):
            private = f"_{cls.__name__.lstrip('_')}{name}" if name.startswith("__") else name
            try:
                yield object.__getattribute__(item, private)
            except AttributeError:  # a slot that was never filled
                continue


def _names(slots: str | Iterable[str]) -> Iterable[str]:
    return (slots,) if isinstance(slots, str) else slots
