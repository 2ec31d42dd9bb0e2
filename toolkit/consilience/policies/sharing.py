"""The outermost part of a policy: equal calls share an answer, from a cache or from a call that is under way."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable, MutableMapping
from typing import Any

from consilience.errors import InvalidInput
from consilience.policies.flight import SingleFlight

__all__ = ["Sharing"]

_MISSING = object()


class Sharing:
    """Looks up answers before a call is made, and keeps them afterwards; errors are never kept.

    Parameters
    ----------
    cache
        Any mutable mapping; ``None`` keeps nothing.
    flight
        Shares calls that are under way.
    key
        Makes the key from function and arguments; by default it is made of all of them.
    """

    def __init__(
        self,
        cache: MutableMapping[Hashable, Any] | None,
        flight: SingleFlight,
        key: Callable[..., Hashable] | None,
    ) -> None:
        self._cache = cache
        self._flight = flight
        self._key = key

    async def __call__(
        self,
        run: Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Coroutine[Any, Any, Any]],
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Return what is known, or await ``run(function, args, kwargs)``."""
        key = self._key(*args, **kwargs) if self._key else _whole(function, args, kwargs)
        if self._cache is not None:
            known = self._cache.get(key, _MISSING)
            if known is not _MISSING:
                return known
        return await self._flight(key, self._fill, key, run, function, args, kwargs)

    async def _fill(
        self,
        key: Hashable,
        run: Callable[..., Coroutine[Any, Any, Any]],
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        result = await run(function, args, kwargs)
        if self._cache is not None:
            self._cache[key] = result
        return result


def _whole(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
    key = (function, args, tuple(sorted(kwargs.items())))
    try:
        hash(key)
    except TypeError as error:
        raise InvalidInput(
            f"Equal calls are found by their arguments, and one of these has no hash ({error}): give the policy "
            f"key=function, which makes a text or a tuple of what matters."
        ) from error
    return key
