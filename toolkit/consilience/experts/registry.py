"""From what a user writes to an expert."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from consilience.errors import DuplicateExpert, EmptyCircle, InvalidInput, UnknownExpert
from consilience.experts.base import Expert, FunctionExpert, Shared
from consilience.experts.llm.services import SERVICES, Typed, service
from consilience.models import Example, Question
from consilience.policies import Policy


@dataclass(frozen=True, slots=True)
class Model:
    """A language model, by name, with how it is asked.

    Parameters
    ----------
    name
        ``"provider:model"``: ``"local:smollm2"``, ``"openai:..."``, ``"anthropic:..."``, ``"google:..."``,
        ``"ollama:..."`` and what else stands in `experts.llm.SERVICES`.
    alias
        The name in the circle, so that one model can sit in it twice; the model's own by default.
    persona
        A sentence that goes before every question; none by default.
    examples
        Solved questions shown when the question brings none of its own.
    temperature
        0, the default, repeats itself; above it sampling varies.
    seed
        Of the sampling; the same seed gives the same answer, where the provider has one.
    base_url
        Another address that speaks the provider's protocol, such as ``"http://localhost:8000/v1"`` for any
        OpenAI-compatible server; the provider's own by default. It gets no key unless ``key`` names one. This machine
        may be named outright; other addresses inside a network are refused, see ``allow_private``.
    key
        Name of the environment variable, or of the entry of the secrets file, that holds the key; the provider's usual
        one by default. The key itself is never given here, since settings are shown and kept.
    max_tokens
        Longest answer in tokens; by default 512 for the local model, 8192 for others, which holds what a reasoning
        model thinks.
    typed
        How a provider is held to typed answers: ``"native"``, ``"prompted"`` or ``"tool"``; see
        `experts.llm.LanguageModel`.
    allow_private
        Whether ``base_url`` may lie in a private range, such as a model server of your team's network.

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
    base_url: str | None = None
    key: str | None = None
    max_tokens: int | None = None
    typed: Typed | None = None
    allow_private: bool = False

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
    if model.base_url or model.key or model.typed:
        raise InvalidInput("'local:smollm2' runs in this package: it takes no base_url, key or typed.")
    return LocalModel(
        model.alias or model.model,
        examples=model.examples,
        persona=model.persona,
        temperature=model.temperature,
        seed=model.seed,
        **({} if model.max_tokens is None else {"max_tokens": model.max_tokens}),
    )


def _hosted(model: Model) -> Expert:
    from consilience.experts.llm import LanguageModel

    return LanguageModel(
        model.alias or model.name,
        service(model.provider, model.base_url, model.key, allow_private=model.allow_private),
        model.model,
        examples=model.examples,
        persona=model.persona,
        temperature=model.temperature,
        seed=model.seed,
        typed=model.typed,
        **({} if model.max_tokens is None else {"max_tokens": model.max_tokens}),
    )


def _build(model: Model) -> Expert:
    if model.model and model.provider == "local":
        return _local(model)
    if model.model and model.provider in SERVICES:
        return _hosted(model)
    known = ", ".join(f"'{provider}:...'" for provider in ("local", *SERVICES))
    raise UnknownExpert(
        f"A model is named 'provider:model' and the providers are {known}; {model.name!r} came."
    )


def policies_of(experts: Sequence[Expert], given: Mapping[str, Policy]) -> dict[str, Policy]:
    """Return the policy under which each expert is asked, by name: the given one, its service's, or one of its own.

    Raises
    ------
    UnknownExpert
        A policy was given for somebody else.
    """
    unknown = sorted(set(given) - {expert.name for expert in experts})
    if unknown:
        raise UnknownExpert(f"policies name experts of the circle, {', '.join(unknown)} came.")
    return {expert.name: given.get(expert.name) or _usual_policy(expert) for expert in experts}


def _usual_policy(expert: Expert) -> Policy:
    if isinstance(expert, Shared):
        return expert.policy()
    return Policy(expert.name, timeout=None, deadline=None, registered=False)
