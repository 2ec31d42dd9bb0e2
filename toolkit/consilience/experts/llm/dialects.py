"""Between this package's messages and pydantic-ai's: loaded with the first question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    SystemPromptPart,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from consilience.experts import prices
from consilience.experts.llm.chances import Token
from consilience.experts.llm.connection import Completion, Request
from consilience.experts.llm.keys import Key
from consilience.experts.llm.prompts import Turn
from consilience.experts.llm.services import Service, Typed
from consilience.models import Usage

if TYPE_CHECKING:
    import httpx2

_NAME = "answer"


def build(service: Service, model: str, key: Key, http: httpx2.AsyncClient) -> Model:
    """Return pydantic-ai's model over the provider's client, which itself retries nothing."""
    if service.dialect == "anthropic":
        return _anthropic(service, model, key, http)
    if service.dialect == "google":
        return _google(service, model, key, http)
    return _openai(service, model, key, http)


def arguments(
    asked: Model, service: Service, turns: Sequence[Turn], request: Request, *, streamed: bool = False
) -> tuple[list[ModelMessage], ModelSettings, ModelRequestParameters]:
    """Return what pydantic-ai's ``request`` and ``request_stream`` take."""
    settings: dict[str, Any] = {"max_tokens": request.max_tokens}
    samples = _samples(asked)
    if samples:
        seed = {"seed": request.seed}
        settings |= seed if service.seed == "seed" else {"extra_body": {service.seed: request.seed}}
        settings |= {"temperature": request.temperature}
    parameters = _parameters(asked, service, request)
    if request.probabilities and samples and not parameters.output_tools:
        settings |= _probabilities(service, streamed)
    if service.name == "openrouter":
        settings |= {"openrouter_usage": {"include": True}}
    return [_message(turn) for turn in turns], cast("ModelSettings", settings), parameters


def _probabilities(service: Service, streamed: bool) -> dict[str, Any]:
    if service.dialect == "google":
        # only what is not streamed tells them
        asked = {"google_logprobs": True, "google_top_logprobs": service.alternatives}
        return {} if streamed else asked
    if service.dialect == "openai":
        return {"openai_logprobs": True, "openai_top_logprobs": service.alternatives}
    return {}


def piece(event: object) -> str:
    """Return the text that an event of a stream brings."""
    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
        return event.part.content
    if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
        return event.delta.content_delta
    return ""


def completion(response: ModelResponse, service: Service, model: str) -> Completion | None:
    """Return what a response says; ``None`` when it does not say why it ended, that is, when it was cut off.

    pydantic-ai fills in ``stop`` for a reason that never came, so the service's own word is looked at.
    """
    details = response.provider_details or {}
    refused = details.get("refusal") or response.finish_reason == "content_filter"
    if not refused and not details.get("finish_reason"):
        return None
    return Completion(
        text=_text(response) or str(details.get("refusal") or ""),
        finish="content_filter" if refused else response.finish_reason or str(details["finish_reason"]),
        usage=_usage(response, service, model),
        tokens=_tokens(details.get("logprobs")),
    )


def _openai(service: Service, model: str, key: Key, http: httpx2.AsyncClient) -> Model:
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    client = AsyncOpenAI(
        api_key=key.reveal() or "none", base_url=service.url, max_retries=0, http_client=http
    )
    if service.url is None or service.name == "azure":
        return OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client))
    if service.name == "openrouter":
        from pydantic_ai.models.openrouter import OpenRouterModel
        from pydantic_ai.providers.openrouter import OpenRouterProvider

        return OpenRouterModel(model, provider=OpenRouterProvider(openai_client=client))
    # Only OpenAI itself has left max_tokens behind; every other server knows it.
    profile = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
    provider = OpenAICompatibleProvider(service.name, openai_client=client)
    return OpenAIChatModel(model, provider=provider, profile=profile)


def _anthropic(service: Service, model: str, key: Key, http: httpx2.AsyncClient) -> Model:
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(
        api_key=key.reveal() or "none", base_url=service.url, max_retries=0, http_client=http
    )
    return AnthropicModel(model, provider=AnthropicProvider(anthropic_client=client))


def _google(service: Service, model: str, key: Key, http: httpx2.AsyncClient) -> Model:
    from google.genai import Client
    from google.genai.types import HttpOptions
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    options = HttpOptions(base_url=service.url, httpx_async_client=http)
    client = Client(vertexai=False, api_key=key.reveal() or "none", http_options=options)
    return GoogleModel(model, provider=GoogleProvider(client=client))


def _message(turn: Turn) -> ModelMessage:
    if turn.role == "model":
        return ModelResponse(parts=[TextPart(turn.text)])
    part = SystemPromptPart(turn.text) if turn.role == "system" else UserPromptPart(turn.text)
    return ModelRequest(parts=[part])


def _parameters(asked: Model, service: Service, request: Request) -> ModelRequestParameters:
    if request.schema is None:
        return ModelRequestParameters(output_mode="text", allow_text_output=True)
    how = request.typed or _typed(asked, service)
    if how == "native":
        held = OutputObjectDefinition(json_schema=request.schema, name=_NAME, strict=True)
        return ModelRequestParameters(output_mode="native", output_object=held, allow_text_output=True)
    if how == "tool":
        tool = ToolDefinition(
            name=_NAME, description="Give the answer.", parameters_json_schema=request.schema, kind="output"
        )
        return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)
    return ModelRequestParameters(output_mode="text", allow_text_output=True)


def _samples(asked: Model) -> bool:
    """Say whether a model takes a temperature: pydantic-ai leaves it out too, but warns each time."""
    profile: Mapping[str, Any] = asked.profile
    if profile.get("openai_supports_reasoning", False):
        efforts = profile.get("openai_reasoning_efforts")
        can_rest = (
            profile.get("openai_supports_reasoning_effort_none", False)
            if efforts is None
            else "none" in efforts
        )
        thinks = profile.get("thinking_always_enabled") or profile.get("thinking_enabled_by_default")
        return bool(can_rest and not thinks)
    return not profile.get("anthropic_disallows_sampling_settings", False)


def _typed(asked: Model, service: Service) -> Typed:
    if asked.profile.get("supports_json_schema_output", False):
        return "native"
    # An older Claude calls the tool that it is told to call; elsewhere the choice of a tool is often not enforced.
    return "tool" if service.dialect == "anthropic" else "prompted"


def _text(response: ModelResponse) -> str:
    called = [part.args_as_json_str() for part in response.parts if isinstance(part, ToolCallPart)]
    return called[0] if called else "".join(p.content for p in response.parts if isinstance(p, TextPart))


def _usage(response: ModelResponse, service: Service, model: str) -> Usage:
    told = response.usage
    if told.unmeasured_requests or not (told.input_tokens or told.output_tokens):
        return Usage(cost_usd=0.0 if service.local else None)
    charged = (response.provider_details or {}).get("cost")  # OpenRouter says what it took
    if isinstance(charged, int | float) and service.listed == "openrouter":
        return Usage(told.input_tokens, told.output_tokens, float(charged))
    price = prices.cost(told, service, response.model_name or model)
    return Usage(told.input_tokens, told.output_tokens, price)


def _tokens(told: object) -> tuple[Token, ...]:
    if isinstance(told, dict):
        return _google_tokens(told)
    if not isinstance(told, list):
        return ()
    return tuple(
        Token(_bytes(entry), tuple((_bytes(top), float(top["logprob"])) for top in entry["top_logprobs"]))
        for entry in told
    )


def _google_tokens(told: dict[str, Any]) -> tuple[Token, ...]:
    """Return Google's tokens: the chosen ones in one list, their alternatives in another beside it."""
    chosen, beside = told.get("chosen_candidates") or [], told.get("top_candidates") or []
    if len(chosen) != len(beside):
        return ()
    return tuple(
        Token(
            str(one["token"]).encode(errors="replace"),
            tuple(
                (str(top["token"]).encode(errors="replace"), float(top["log_probability"]))
                for top in tops.get("candidates") or []
                if top.get("log_probability") is not None
            ),
        )
        for one, tops in zip(chosen, beside, strict=True)
    )


def _bytes(entry: dict[str, Any]) -> bytes:
    given = entry.get("bytes")
    return bytes(given) if given is not None else str(entry["token"]).encode(errors="replace")
