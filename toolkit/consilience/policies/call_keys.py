"""What makes two calls of a function equal: their arguments, however they were passed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable
from typing import Any

from consilience.errors import InvalidInput

__all__ = ["CallKey"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class CallKey:
    """Makes a key of the arguments of a call, defaults filled in.

    Arguments that compare equal make equal keys: 1, 1.0 and True are one.

    Parameters
    ----------
    function
        Whose arguments they are.

    Examples
    --------
    >>> def ask(prompt, temperature=0.0):
    ...     pass
    >>> key = CallKey(ask)
    >>> key(("Is water wet?",), {}) == key((), {"temperature": 0.0, "prompt": "Is water wet?"})
    True
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._signature = inspect.signature(function)
        parameters = list(self._signature.parameters.values())
        self._positional = all(parameter.kind in _POSITIONAL for parameter in parameters)
        # What is missing after so many arguments. Other calls are bound to the signature, which takes longer.
        self._missing = {
            given: tuple(parameter.default for parameter in parameters[given:])
            for given in range(len(parameters) + 1)
            if self._positional
            and all(parameter.default is not parameter.empty for parameter in parameters[given:])
        }

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Hashable, ...]:
        """Return the key.

        Raises
        ------
        TypeError
            The function does not take these arguments.
        """
        if not kwargs:
            missing = self._missing.get(len(args))
            if missing is not None:
                return args + missing
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if self._positional:
            return bound.args
        return bound.args, tuple(sorted(bound.kwargs.items()))


def refuse_unhashable(key: object, error: TypeError) -> InvalidInput:
    """Return what to raise when a key could not be looked up.

    Raises
    ------
    TypeError
        The error itself, when the key has a hash and something else went wrong.
    """
    try:
        hash(key)
    except TypeError:
        return InvalidInput(
            f"Equal calls are found by their arguments, and one of these has no hash ({error}): give cached(key=...) "
            f"a function of the arguments that returns a text or a tuple of what matters."
        )
    raise error
