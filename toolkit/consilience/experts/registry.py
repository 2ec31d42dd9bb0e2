"""From what a user writes to an expert."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from consilience.errors import DuplicateExpert, EmptyCircle, InvalidInput, UnknownExpert
from consilience.experts.base import Expert, FunctionExpert
from consilience.models import Example, Question


@dataclass(frozen=True, slots=True)
class Model:
    """A language model, by name, with how it is asked.

    Parameters
    ----------
    name
        ``"provider:model"``; today ``"local:smollm2"``.
    alias
        The name in the circle, so that one model can sit in it twice; the model's own by default.
    persona
        A sentence that goes before every question; none by default.
    examples
        Solved questions shown when the question brings none of its own.
    temperature
        0, the default, repeats itself; above it sampling varies.
    seed
        Of the sampling; the same seed gives the same answer.

    Examples
    --------
    >>> Model("local:smollm2", alias="strict", persona="Answer as a strict reviewer.").provider
    'local'
    """

    name: str
    alias: str | None = None
    persona: str | None = None
    examples: tuple[Example | tuple[str, str], ...] = ()
    temperature: float = 0.0
    seed: int = 1

    @property
    def provider(self) -> str:
        """The part of the name before the colon."""
        return self.name.partition(":")[0]

    @property
    def model(self) -> str:
        """The part of the name after the colon."""
        return self.name.partition(":")[2]


Given: TypeAlias = str | Model | Expert | Callable[[Question], object]


def as_expert(given: Given) -> Expert:
    """Return the expert that a user means.

    Parameters
    ----------
    given
        A name ``"provider:model"``, a `Model`, an expert, or a function.

    Raises
    ------
    UnknownExpert
        No provider has that name.
    """
    if isinstance(given, str):
        return _build(Model(given))
    if isinstance(given, Model):
        return _build(given)
    if isinstance(given, Expert):
        return given
    if callable(given):
        return FunctionExpert(given)
    raise UnknownExpert(
        f"An expert is a name such as 'local:smollm2', a cs.Model, a cs.Recorded, or a function; "
        f"a {type(given).__name__} came: {given!r}."
    )


def as_circle(given: Sequence[Given]) -> tuple[Expert, ...]:
    """Return the experts of a circle, sorted by name, so that nothing depends on their order.

    Raises
    ------
    EmptyCircle
        There is none.
    DuplicateExpert
        Two share a name.
    """
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InvalidInput(f"A circle takes a list of experts, {given!r} came: write [{given!r}].")
    if not given:
        raise EmptyCircle("A circle needs at least one expert, none came: cs.Circle(['local:smollm2']).")
    experts = [as_expert(one) for one in given]
    names = [expert.name for expert in experts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DuplicateExpert(
            f"Each expert has a name of its own, {', '.join(map(repr, twice))} came more than once: name them apart, "
            "for example cs.Model(..., alias='second')."
        )
    return tuple(sorted(experts, key=lambda expert: expert.name))


def _local(model: Model) -> Expert:
    from consilience.experts.local import LocalModel

    if model.model != "smollm2":
        raise UnknownExpert(f"The local provider knows 'local:smollm2', {model.name!r} came.")
    return LocalModel(
        model.alias or model.model,
        examples=model.examples,
        persona=model.persona,
        temperature=model.temperature,
        seed=model.seed,
    )


_PROVIDERS: dict[str, Callable[[Model], Expert]] = {"local": _local}


def _build(model: Model) -> Expert:
    if not model.model or model.provider not in _PROVIDERS:
        known = ", ".join(f"'{provider}:...'" for provider in _PROVIDERS)
        raise UnknownExpert(
            f"A model is named 'provider:model' and the providers are {known}; {model.name!r} came."
        )
    return _PROVIDERS[model.provider](model)
