"""What the errors of the providers' clients mean, in this package's terms and in one sentence without a key."""

from __future__ import annotations

import json
from typing import Any

from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelQuotaExceededError,
    UnexpectedModelBehavior,
    UserError,
)

from consilience.errors import (
    ConsilienceError,
    ContextExceeded,
    KeyRejected,
    NotConfigured,
    ProviderError,
    Refused,
)
from consilience.experts.llm.keys import Key
from consilience.experts.llm.services import Service
from consilience.policies.judgement import retry_after

_LIMIT = 200
_UNAUTHORIZED, _PAYMENT, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 402, 403, 404, 429
_UNDECODED = "Failed to decode response"  # what pydantic-ai says of a body that is no JSON
_ABOUT_THE_REQUEST = (400, 413, 422)
_FILTERED = ("responsibleaipolicyviolation", "content_filter")  # as Azure refuses a question
_TOO_LONG = ("context_length_exceeded", "exceed_context_size_error", "prompt is too long", "context length")


def translated(error: Exception, service: Service, model: str, key: Key) -> ConsilienceError:
    """Return the error of this package for one of a client's.

    Parameters
    ----------
    error
        Whatever pydantic-ai, a provider's client or the HTTP client raised.
    service, model
        Who was asked.
    key
        Is taken out of the message.
    """
    who = f"{model} at {service.name}"
    said = key.scrub(_said(error))
    if isinstance(error, ContentFilterError):
        return Refused(f"{who} refused to answer: {said}")
    if isinstance(error, ModelHTTPError):
        return _of_status(error, who, said, service, key)
    if isinstance(error, UserError):
        return NotConfigured(f"{who} cannot be asked like this: {said}")
    if (
        isinstance(error, (UnexpectedModelBehavior, json.JSONDecodeError, UnicodeDecodeError))
        or "decode" in said
    ):
        return ProviderError(f"{who} sent an answer that cannot be read ({said}): ask again.")
    if isinstance(error, ModelAPIError):
        return ProviderError(
            f"The connection to {who} failed ({said}): see that {service.url or 'the network'} can be reached, then "
            "ask again."
        )
    return ProviderError(f"The client of {who} failed ({type(error).__name__}: {said}): ask again.")


def _of_status(error: ModelHTTPError, who: str, said: str, service: Service, key: Key) -> ConsilienceError:
    status, told = error.status_code, f"HTTP {error.status_code}: {said}"
    if isinstance(error, ModelContextWindowExceededError) or (
        status in _ABOUT_THE_REQUEST and _names(said, error.body, _TOO_LONG)
    ):
        return ContextExceeded(f"The question does not fit into the context of {who} ({told}): shorten it.")
    if status in _ABOUT_THE_REQUEST and _names(said, error.body, _FILTERED):
        return Refused(f"{who} refused to answer: {said}")
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        made: ProviderError = KeyRejected(
            f"{who} does not accept the key from {key.origin} ({told}): put a valid one there"
            + (
                f", in {' or '.join(service.key)}."
                if service.key
                else ", and name its variable with key='...'."
            )
        )
    elif isinstance(error, ModelQuotaExceededError):
        # some say 429 for it, and coming again does not help
        status = _PAYMENT
        made = ProviderError(f"The account has no credit left at {service.name} ({told}): add some.")
    elif status == _TOO_MANY:
        made = ProviderError(
            f"{who} gets too many requests ({told}): ask less often, or raise the limit there."
        )
    elif status == _NOT_FOUND:
        made = ProviderError(f"{who} was not found ({told}): see the name of the model and the address.")
    elif status < 500:
        made = ProviderError(f"{who} did not accept the request ({told}).")
    else:
        made = ProviderError(f"{who} is unwell ({told}): ask again later.")
    made.status_code, made.retry_after = status, retry_after(error)
    return made


def _names(said: str, body: object, marks: tuple[str, ...]) -> bool:
    text = f"{said} {body}".lower()
    return any(mark in text for mark in marks)


def _said(error: Exception) -> str:
    text = _message(getattr(error, "body", None)) or str(error) or type(error).__name__
    # a server's words are foreign data: no line breaks, and nothing that steers a terminal
    shown = "".join(character if character.isprintable() else " " for character in text)
    flat = " ".join(shown.split()).rstrip(".")
    return flat if len(flat) <= _LIMIT else flat[: _LIMIT - 1] + "\u2026"


def _message(body: Any) -> str:
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            return str(inner.get("message") or inner.get("type") or "")
        return str(inner)
    return body if isinstance(body, str) else ""
