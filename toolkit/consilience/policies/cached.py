"""Functions whose answers are kept."""

from __future__ import annotations

import functools
import inspect
import threading
import weakref
from collections.abc import Callable, Coroutine, Hashable, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from consilience.errors import InvalidInput
from consilience.policies.cache import Cache
from consilience.policies.call_keys import CallKey, refuse_unhashable
from consilience.policies.clock import SYSTEM, Clock
from consilience.policies.codec import Json
from consilience.policies.flight import SingleFlight
from consilience.policies.kept_errors import is_absent, may_be_kept, twin
from consilience.policies.layers import ABSENT, Claim, Layers
from consilience.policies.thread_flight import ThreadFlight
from consilience.policies.tiers import Tier

__all__ = ["CachedFunction", "cached"]

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

_MAX_ERRORS = 1000
_OF_FUNCTIONS: weakref.WeakValueDictionary[Hashable, Cache[Hashable, Any]] = weakref.WeakValueDictionary()
_NAMING = threading.Lock()


class CachedFunction(Protocol[P, R_co]):
    """A function whose answers are kept.

    Attributes
    ----------
    cache
        The answers in memory, by the key of their call.
    layers
        The same with the tiers under it, and whether one of them is `Layers.degraded`.
    """

    cache: Cache[Hashable, Any]
    layers: Layers

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Return what is kept, or call the function."""

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Forget the answer to these arguments, also the one that is being computed; await it if the function is."""


@overload
def cached(function: Callable[P, R_co], /) -> CachedFunction[P, R_co]: ...
@overload
def cached(
    *,
    ttl: float | None = ...,
    key: Callable[..., Hashable] | None = ...,
    name: str = ...,
    tiers: Sequence[Tier] = ...,
    max_entries: int = ...,
    max_bytes: int = ...,
    weigh: Callable[[Any, Any], int] | None = ...,
    error_ttl: float = ...,
    absent: Callable[[BaseException], bool] = ...,
    clock: Clock = ...,
) -> Callable[[Callable[P, R_co]], CachedFunction[P, R_co]]: ...
def cached(  # noqa: PLR0913 - the face of the cache, the tiers and the keeping of errors, each with its own settings
    function: Callable[..., Any] | None = None,
    /,
    *,
    ttl: float | None = None,
    key: Callable[..., Hashable] | None = None,
    name: str = "",
    tiers: Sequence[Tier] = (),
    max_entries: int = 10_000,
    max_bytes: int = 64 * 2**20,
    weigh: Callable[[Any, Any], int] | None = None,
    error_ttl: float = 10.0,
    absent: Callable[[BaseException], bool] = is_absent,
    clock: Clock = SYSTEM,
) -> Any:
    """Keep the answers of a plain function or a coroutine function.

    Calls with equal arguments that are under way at the same time run once, in threads and on loops. The answer is
    the object that the function returned: whoever changes it in place changes it for all.

    A cell that defines the same function again keeps the answers; a function that was changed starts empty. What the
    function calls is not looked at.

    Parameters
    ----------
    ttl, max_entries, max_bytes, weigh, clock
        As in `Cache`.
    key
        Makes the key from the arguments; by default it is all of them, defaults filled in, and they must have a
        hash.
    name
        The cache is that of this name, whatever becomes of the function's code. Tiers need one: it stands before
        their keys, and processes that give the same one share their answers.
    tiers
        Where to look when memory holds nothing, in turn: a `RedisTier`, the answers in a store.
    error_ttl
        Seconds for which an error that says *not there* is raised again without asking; 0 asks each time. Ten is
        short enough for what is just being made.
    absent
        Which errors say so; see `is_absent`. Whatever it answers, throttling, server errors, timeouts, lost
        connections and cancellations are not kept.

    Raises
    ------
    InvalidInput
        It is a class, a generator or a stream, whose answer can be used once only; or tiers came without a name.

    Examples
    --------
    >>> @cached(ttl=3600)
    ... def price(model, currency="USD"):
    ...     print("asking")
    ...     return None
    >>> price("smollm2"), price("smollm2", currency="USD")
    asking
    (None, None)
    >>> price.cache.stats().hits
    1
    >>> price.invalidate("smollm2")
    >>> price("smollm2")
    asking
    """
    if tiers and not name:
        raise InvalidInput(
            "Answers that are kept outside this process need a name: cached(name=..., tiers=...)."
        )

    def decorate(function: Callable[..., Any]) -> Any:
        _require_function(function)
        settings: dict[str, Any] = {
            "max_entries": max_entries,
            "max_bytes": max_bytes,
            "ttl": ttl,
            "weigh": weigh,
        }
        layers = Layers(_cache(function, name, clock, settings), tiers, ttl=ttl)
        errors = _Errors(error_ttl, absent, clock)
        keys = _text_keys(name, function, key) if tiers else _keys(function, key)
        wrap = _wrap_async if _is_coroutine_function(function) else _wrap_plain
        return wrap(function, layers, errors, keys)

    return decorate if function is None else decorate(function)


Keys = Callable[[tuple[Any, ...], dict[str, Any]], Hashable]


def _wrap_async(function: Callable[..., Any], layers: Layers, errors: _Errors, keys: Keys) -> Any:
    cache, flight = layers.memory, SingleFlight()

    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        key = keys(args, kwargs)
        try:
            value = cache.get(key, ABSENT)
        except TypeError as error:
            raise refuse_unhashable(key, error) from error
        if value is not ABSENT:
            return value
        errors.again(key)
        with layers.claim(key) as claim:
            return await flight((key, claim), fill, key, claim, args, kwargs)

    async def fill(key: Hashable, claim: Claim, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        value = cache.peek(key, ABSENT)
        if value is ABSENT:
            value = await layers.fetch(key, claim)
        if value is not ABSENT:
            return value
        try:
            value = await function(*args, **kwargs)
        except Exception as error:  # which of them are kept the cache was told
            errors.keep(key, error, claim)
            raise
        await layers.keep(key, value, claim)
        return value

    async def invalidate(*args: Any, **kwargs: Any) -> None:
        key = keys(args, kwargs)
        errors.forget(key)
        await layers.remove(key)

    return _dressed(call, layers, invalidate)


def _wrap_plain(function: Callable[..., Any], layers: Layers, errors: _Errors, keys: Keys) -> Any:
    cache, flight = layers.memory, ThreadFlight()

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        key = keys(args, kwargs)
        try:
            value = cache.get(key, ABSENT)
        except TypeError as error:
            raise refuse_unhashable(key, error) from error
        if value is not ABSENT:
            return value
        errors.again(key)
        with layers.claim(key) as claim:
            return flight((key, claim), lambda: fill(key, claim, args, kwargs))

    def fill(key: Hashable, claim: Claim, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        value = cache.peek(key, ABSENT)
        if value is ABSENT:
            value = layers.fetch_sync(key, claim)
        if value is not ABSENT:
            return value
        try:
            value = function(*args, **kwargs)
        except Exception as error:  # which of them are kept the cache was told
            errors.keep(key, error, claim)
            raise
        _require_lasting(function, value)
        layers.keep_sync(key, value, claim)
        return value

    def invalidate(*args: Any, **kwargs: Any) -> None:
        key = keys(args, kwargs)
        errors.forget(key)
        layers.remove_sync(key)

    return _dressed(call, layers, invalidate)


def _dressed(call: Any, layers: Layers, invalidate: Callable[..., Any]) -> Any:
    call.cache, call.layers, call.invalidate = layers.memory, layers, invalidate
    return call


class _Errors:
    """Errors that say *not there*, for a short while."""

    def __init__(self, ttl: float, absent: Callable[[BaseException], bool], clock: Clock) -> None:
        if not ttl >= 0:
            raise InvalidInput(f"error_ttl is a number of seconds, 0 or more; {ttl} came.")
        self._absent = absent
        self._kept: Cache[Hashable, Exception] | None = (
            Cache(max_entries=_MAX_ERRORS, ttl=ttl, clock=clock) if ttl else None
        )

    def keep(self, key: Hashable, error: Exception, claim: Claim) -> None:
        if self._kept is None or not claim.holds() or not may_be_kept(error) or not self._absent(error):
            return
        copy = twin(error)
        if copy is not None:
            self._kept[key] = copy

    def again(self, key: Hashable) -> None:
        """Raise what is kept."""
        if self._kept is not None:
            kept = self._kept.get(key)
            error = None if kept is None else twin(kept)
            if error is not None:
                raise error

    def forget(self, key: Hashable) -> None:
        if self._kept is not None:
            self._kept.pop(key, None)


def _cache(
    function: Callable[..., Any], name: str, clock: Clock, settings: dict[str, Any]
) -> Cache[Hashable, Any]:
    identity = None if name else _identity(function)
    if identity is None:
        return Cache(name, clock=clock, **settings)
    with _NAMING:
        known = _OF_FUNCTIONS.get(identity)
        if known is None or known.clock is not clock:
            known = _OF_FUNCTIONS[identity] = Cache(clock=clock, **settings)
        else:
            known.configure(**settings)
        return known


def _identity(function: Callable[..., Any]) -> Hashable | None:
    """Return what is the same when a cell defines the same function again; ``None`` for one that has no such mark.

    A function that closes over something, or was made inside another one, may differ from its like in that.
    """
    code = getattr(function, "__code__", None)
    if code is None or function.__closure__ or "<" in function.__qualname__:
        return None
    defaults = (
        *(function.__defaults__ or ()),
        *(function.__kwdefaults__ or {}).items(),
    )
    identity = (function.__qualname__, id(function.__globals__), code, defaults, tuple(map(type, defaults)))
    try:
        hash(identity)
    except TypeError:
        return None
    return identity


def _keys(function: Callable[..., Any], key: Callable[..., Hashable] | None) -> Keys:
    return CallKey(function) if key is None else lambda args, kwargs: key(*args, **kwargs)


def _text_keys(name: str, function: Callable[..., Any], key: Callable[..., Hashable] | None) -> Keys:
    inner, codec = _keys(function, key), Json()

    def text(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        return codec.dumps([name, _bare(inner(args, kwargs))])

    return text


def _bare(key: Hashable) -> Hashable:
    """Return the key with named tuples as plain ones, which are equal to them."""
    return tuple(map(_bare, key)) if isinstance(key, tuple) else key


def _is_coroutine_function(function: Callable[..., Any]) -> bool:
    # what a policy has decorated is an object whose call is one
    call = getattr(type(function), "__call__", None)  # noqa: B004 - the method itself is looked at
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def _require_function(function: Callable[..., Any]) -> None:
    called = inspect.unwrap(function)
    while isinstance(called, functools.partial):
        called = called.func
    what = (
        "a class"
        if inspect.isclass(called)
        else "a stream"
        if inspect.isasyncgenfunction(called)
        else "a generator"
        if inspect.isgeneratorfunction(called)
        else "nothing that can be called"
        if not callable(called)
        else None
    )
    if what:
        raise InvalidInput(
            f"cached keeps answers that can be given twice, of plain functions and coroutine functions; "
            f"{getattr(called, '__name__', called)!r} is {what}: decorate a function that collects its items into a "
            f"list."
        )


def _require_lasting(function: Callable[..., Any], value: object) -> None:
    if hasattr(type(value), "__next__") or hasattr(type(value), "__await__"):
        if isinstance(value, Coroutine):
            value.close()
        name = getattr(function, "__qualname__", function)
        raise InvalidInput(
            f"cached keeps answers that can be given twice; {name} returned a {type(value).__name__}, which is used up "
            f"by its first caller: return a list, or make the function `async def`."
        )
