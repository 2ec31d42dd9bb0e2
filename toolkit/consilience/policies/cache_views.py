"""Views of a cache that stay what they are while it changes, and count as no lookups."""

from __future__ import annotations

from collections.abc import Hashable, ItemsView, Iterator, ValuesView
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from consilience.policies.cache import Cache

__all__ = ["CacheItems", "CacheValues"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class CacheValues(ValuesView[V]):
    """Values of a cache, as they were when the iteration began."""

    _mapping: Cache[Any, V]

    def __iter__(self) -> Iterator[V]:
        return (entry.value for entry in self._mapping._living())  # noqa: SLF001 - a view belongs to its mapping

    def __contains__(self, value: object) -> bool:
        return any(value is kept or value == kept for kept in self)


class CacheItems(ItemsView[K, V]):
    """Keys and values of a cache, as they were when the iteration began."""

    _mapping: Cache[K, V]

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return ((entry.key, entry.value) for entry in self._mapping._living())  # noqa: SLF001 - as above

    def __contains__(self, item: object) -> bool:
        key, value = cast("tuple[object, object]", item)
        found = self._mapping._peek(key)  # noqa: SLF001 - as above
        return found is not None and (found.value is value or found.value == value)
