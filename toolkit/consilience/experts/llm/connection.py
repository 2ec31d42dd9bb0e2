"""One model of one service, asked over HTTP: messages out, a completion back, with this package's errors."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from consilience.errors import ConsilienceError, ProviderError, ProviderExtraMissing
from consilience.experts.llm.chances import Token
from consilience.experts.llm.keys import Key
from consilience.experts.llm.prompts import Turn
from consilience.experts.llm.services import Service, Typed
from consilience.loop import call_in_thread
from consilience.models import Usage
from consilience.urls import checked_server

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.models import Model

    from consilience.pools.http import HttpPool


@dataclass(frozen=True, slots=True)
class Request:
    """How one completion is asked for.

    Parameters
    ----------
    temperature, seed, max_tokens
        The sampling. A model that takes no temperature or seed gets none.
    schema
        JSON schema of the answer; ``None`` for text.
    typed
        How the answer is held to the schema; ``None`` asks the model's profile.
    probabilities
        Whether the likeliest tokens at each place are wanted.
    """

    temperature: float
    seed: int
    max_tokens: int
    schema: dict[str, Any] | None = None
    typed: Typed | None = None
    probabilities: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back.

    Parameters
    ----------
    text
        What the model wrote; for a tool call, its arguments.
    finish
        Why it ended: ``stop``, ``length``, ``content_filter`` or another reason of the service. It is never missing: a
        completion without one raises instead.
    usage
        Tokens and cost.
    tokens
        Token probabilities, where asked for and told.
    """

    text: str
    finish: str
    usage: Usage
    tokens: tuple[Token, ...] = ()


_ABOUT_THE_REQUEST = (400, 422)


class Connection:
    """A service's client for one model, on the running loop.

    Parameters
    ----------
    service, model
        Who is asked.
    key
        Goes into the client, and out of every message.
    """

    def __init__(self, service: Service, model: str, key: Key) -> None:
        self.service, self.model, self.key = service, model, key
        self._asked: Model | None = None
        self._tells = True  # token probabilities, until it says that it does not

    def __repr__(self) -> str:
        return f"Connection({self.service.name!r}, {self.model!r}, {self.key!r})"

    async def open(self) -> None:
        """Make the client; its import takes a second and happens in a thread.

        Raises
        ------
        ProviderExtraMissing
            The client is not installed.
        UnsafeUrl
            The service's address was given by a user and is not allowed.
        """
        if self._asked is None:
            self._asked = await call_in_thread(self._made)

    async def complete(self, turns: Sequence[Turn], request: Request) -> Completion:
        """Return the completion of a conversation.

        Raises
        ------
        ProviderError, KeyRejected, ContextExceeded, Refused
            There is none.
        """
        request = self._possible(request)
        try:
            return await self._completed(turns, request)
        except ProviderError as error:
            if not self._untold(error, request):
                raise
        return await self._completed(turns, replace(request, probabilities=False))

    async def _completed(self, turns: Sequence[Turn], request: Request) -> Completion:
        # Google tells probabilities only of what is not streamed
        if self.service.streamed and not (request.probabilities and self.service.dialect == "google"):
            async with aclosing(self._streamed(turns, request)) as parts:
                async for part in parts:
                    if isinstance(part, Completion):
                        return part
            raise AssertionError("a stream ends with a completion or an error")
        from consilience.experts.llm import dialects

        await self.open()
        assert self._asked is not None
        problem: ConsilienceError
        try:
            response = await self._asked.request(
                *dialects.arguments(self._asked, self.service, turns, request)
            )
            return self._completion(response)
        except ConsilienceError:
            raise
        except Exception as error:  # noqa: BLE001 - the edge of foreign clients, whose errors may hold the key
            problem = self._translated(error)
        raise problem  # outside the except block: the client's own error holds the request, and the request the key

    async def stream(self, turns: Sequence[Turn], request: Request) -> AsyncGenerator[str | Completion, None]:
        """Yield pieces of text as they come, then the completion; errors are those of `complete`."""
        if not self.service.streams:
            whole = await self.complete(turns, request)
            yield whole.text
            yield whole
            return
        request = self._possible(request)
        silent = True
        try:
            async with aclosing(self._streamed(turns, request)) as parts:
                async for part in parts:
                    silent = False
                    yield part
        except ProviderError as error:
            if not silent or not self._untold(error, request):
                raise
        else:
            return
        async with aclosing(self._streamed(turns, replace(request, probabilities=False))) as parts:
            async for part in parts:
                yield part

    def _possible(self, request: Request) -> Request:
        return request if self._tells else replace(request, probabilities=False)

    def _untold(self, error: ProviderError, request: Request) -> bool:
        """Whether the model only does not tell the probabilities that it was asked for; it is not asked for them again.

        Which models do changes from month to month, so they are asked.
        """
        about = error.status_code in _ABOUT_THE_REQUEST and "logprob" in str(error).lower()
        if request.probabilities and about:
            self._tells = False
            return True
        return False

    async def _streamed(
        self, turns: Sequence[Turn], request: Request
    ) -> AsyncGenerator[str | Completion, None]:
        from consilience.experts.llm import dialects

        await self.open()
        assert self._asked is not None
        problem: ConsilienceError
        try:
            arguments = dialects.arguments(self._asked, self.service, turns, request, streamed=True)
            async with self._asked.request_stream(*arguments) as events:
                async for event in events:
                    piece = dialects.piece(event)
                    if piece:
                        yield piece
                completion = self._completion(events.get())
            yield completion
        except ConsilienceError:
            raise
        except Exception as error:  # noqa: BLE001 - the edge of foreign clients, as in _completed
            problem = self._translated(error)
        else:
            return
        raise problem

    def _completion(self, response: ModelResponse) -> Completion:
        from consilience.experts.llm import dialects

        completion = dialects.completion(response, self.service, self.model)
        if completion is None:
            raise ProviderError(
                f"The answer of {self.model} at {self.service.name} has no end: the connection was cut without an "
                "error, and half an answer is none; ask again."
            )
        return completion

    def _translated(self, error: Exception) -> ConsilienceError:
        from consilience.experts.llm.failures import translated

        return translated(error, self.service, self.model, self.key)

    def _made(self) -> Model:
        require(self.service)
        if self.service.given and self.service.url:
            checked_server(self.service.url, allow_private=self.service.allow_private)
        from consilience.experts.llm import dialects

        return dialects.build(self.service, self.model, self.key, http_client())


_MODULES = {"openai": "openai", "anthropic": "anthropic", "google": "google.genai"}


def require(service: Service) -> None:
    """Raise `ProviderExtraMissing` when the client of a service is not installed."""
    for module in ("pydantic_ai", _MODULES[service.dialect]):
        if not _installed(module):
            raise ProviderExtraMissing(
                f"{service.name} is asked through the extra {service.dialect!r}, and {module} is not installed: run "
                f"pip install 'consilience[{service.dialect}]'."
            )


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@cache
def http_pool() -> HttpPool:
    """Return the pool of connections that all services share, made with the first question."""
    from consilience.pools.http import HttpPool

    return HttpPool("language models")


@cache
def http_client() -> httpx2.AsyncClient:
    """Return the HTTP client on that pool, which the providers' clients take."""
    return http_pool().httpx2()
