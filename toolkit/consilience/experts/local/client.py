"""Calls to the child's HTTP server, with typed results."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from consilience.errors import ContextExceeded, LocalModelError

_PADDING = "Text:" + " word" * 8
# Without it a model of this size writes the same line until its limit.
_REPEAT_PENALTY = 1.15
_TOO_LONG = "exceed_context_size_error"


class ConnectionLost(Exception):
    """The server closed the connection, or is not there any more."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that the model could have chosen.

    Parameters
    ----------
    id
        Its number in the model's vocabulary.
    bytes
        Its text, which may be a part of a character; empty for a control token.
    logprob
        Its natural logarithmic probability at temperature 1, before the grammar.
    """

    id: int
    bytes: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class Position:
    """One generated token, and the likeliest tokens at its place."""

    chosen: Token
    top: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """What one call gave.

    Parameters
    ----------
    text
        What was generated.
    cut
        Whether the generation was stopped by its limit.
    input_tokens, output_tokens
        By the server's count.
    tokens
        The numbers of the generated tokens.
    positions
        Probabilities, where asked for. llama.cpp gives none for a token that ends inside a character.
    """

    text: str
    cut: bool
    input_tokens: int
    output_tokens: int
    tokens: tuple[int, ...] = ()
    positions: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen."""

    temperature: float
    seed: int
    max_tokens: int


class Client:
    """HTTP calls to one server.

    Parameters
    ----------
    address
        ``http://127.0.0.1:port``.
    token
        The bearer token that the server wants; it is kept out of the ``repr``.
    slots
        How many prompts the server keeps.
    """

    def __init__(self, address: str, token: str, slots: int) -> None:
        self.address = address
        self.token = token
        self._fronts: dict[str, None] = {}  # the latest last
        self._most_fronts = slots
        # A connection serves one call: on the loopback interface a new one costs little beside it, and none can go
        # stale or be left half read by a cancellation. The environment's proxies are not asked: the address is this
        # machine's own.
        self._http = httpx2.AsyncClient(
            base_url=address,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx2.Timeout(None, connect=10.0),
            limits=httpx2.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    async def complete(
        self, prompt: str, tokens: Sequence[int], grammar: str, sampling: Sampling, top: int
    ) -> Completion:
        """Continue a prompt, and the tokens after it, under a grammar."""
        body = await self._post(
            "/completion",
            {
                "prompt": [prompt, *tokens] if tokens else prompt,
                "grammar": grammar,
                "n_predict": sampling.max_tokens,
                "temperature": sampling.temperature,
                "seed": sampling.seed,
                "n_probs": top,
                "return_tokens": True,
                "cache_prompt": True,
            },
        )
        positions = tuple(_position(entry) for entry in body.get("completion_probabilities", ()))
        return Completion(
            text=body["content"],
            cut=body["stop_type"] == "limit",
            input_tokens=body["tokens_evaluated"],
            output_tokens=body["tokens_predicted"],
            tokens=tuple(body["tokens"]),
            positions=positions,
        )

    async def read(self, front: str) -> None:
        """Let the server read what a prompt begins with, unless it has lately.

        llama.cpp computes 64 tokens or more in another way than fewer, and the last digits of its results differ:
        enough to turn a near tie. A question gets the same answer whether its examples are in the cache or not when
        these are always read first and always in one way. The padding stands for a first question: the recorded
        answers of panel60 were made with one beside the examples.
        """
        if front and front not in self._fronts:
            await self._post(
                "/completion", {"prompt": front + _PADDING, "n_predict": 0, "cache_prompt": True}
            )
        self._fronts.pop(front, None)
        self._fronts[front] = None
        while len(self._fronts) > self._most_fronts:
            self._fronts.pop(next(iter(self._fronts)))

    async def look(self, prompt: str, tokens: Sequence[int], top: int) -> Completion:
        """Return the likeliest tokens after a prompt and the tokens after it, as the one position.

        The grammar makes the model write ``a``, a token that ends no character half way: llama.cpp tells the
        probabilities before the grammar, and tells them for such tokens only.
        """
        return await self.complete(prompt, tokens, 'root ::= "a"', Sampling(0.0, 1, 1), top)

    async def chat(
        self, messages: Sequence[dict[str, str]], grammar: str | None, sampling: Sampling
    ) -> Completion:
        """Answer a conversation; a cancellation ends the generation within a second.

        The answer is streamed, since llama.cpp notices a caller who left only when it writes to him.
        """
        payload: dict[str, Any] = {
            "messages": list(messages),
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "seed": sampling.seed,
            "repeat_penalty": _REPEAT_PENALTY,
            "cache_prompt": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if grammar is not None:
            payload["grammar"] = grammar
        try:
            async with self._http.stream("POST", "/v1/chat/completions", json=payload) as response:
                if response.status_code != httpx2.codes.OK:
                    await response.aread()
                    raise _refusal(response)
                return await _joined(response)
        except httpx2.TransportError as error:
            raise ConnectionLost(type(error).__name__) from error

    async def busy(self) -> int:
        """Return how many of the server's slots are generating."""
        response = await self._http.get("/slots")
        return sum(bool(slot["is_processing"]) for slot in response.json())

    async def aclose(self) -> None:
        """Close what is open."""
        await self._http.aclose()

    async def _post(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a request that takes a fraction of a second, and stay until its end even when cancelled.

        llama.cpp goes on with it in any case; leaving would let the next call run beside it.
        """
        request = asyncio.ensure_future(self._http.post(path, json=payload))
        try:
            response = await asyncio.shield(request)
        except asyncio.CancelledError:
            await asyncio.wait([request])
            if not request.cancelled():
                request.exception()  # nobody wants it any more
            raise
        except httpx2.TransportError as error:
            raise ConnectionLost(type(error).__name__) from error
        if response.status_code == httpx2.codes.OK:
            body: dict[str, Any] = response.json()
            return body
        raise _refusal(response)


async def _joined(response: httpx2.Response) -> Completion:
    """Put the events of a stream together; one without an end is a lost connection, not a short answer."""
    text, reason, usage = [], None, None
    async for line in response.aiter_lines():
        if not line.startswith("data: {"):
            continue
        event = json.loads(line.removeprefix("data: "))
        if "error" in event:
            raise LocalModelError(
                f"The local model's server broke off: {str(event['error'].get('message'))[:300]}"
            )
        for choice in event["choices"]:
            text.append(choice["delta"].get("content") or "")
            reason = choice["finish_reason"] or reason
        usage = event.get("usage") or usage
    if reason is None or usage is None:
        raise ConnectionLost("the stream has no end")
    return Completion("".join(text), reason == "length", usage["prompt_tokens"], usage["completion_tokens"])


def _position(entry: dict[str, Any]) -> Position:
    return Position(_token(entry), tuple(_token(other) for other in entry["top_logprobs"]))


def _token(entry: dict[str, Any]) -> Token:
    return Token(entry["id"], bytes(entry["bytes"]), entry["logprob"])


def _refusal(response: httpx2.Response) -> ContextExceeded | LocalModelError:
    try:
        error = response.json()["error"]
        kind, message = error["type"], str(error["message"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return LocalModelError(f"The local model was to answer, its server said HTTP {response.status_code}.")
    if kind == _TOO_LONG:
        return too_long(error["n_prompt_tokens"], error["n_ctx"])
    return LocalModelError(
        f"The local model was to answer, its server said HTTP {response.status_code}: {message[:300]}"
    )


def too_long(needed: int, context: int) -> ContextExceeded:
    """Return the error for a prompt of ``needed`` tokens in a context of ``context`` tokens."""
    return ContextExceeded(
        f"The local model reads at most {context:,} tokens, examples, context and answer included; this question "
        f"has {needed:,}: shorten it, give fewer examples, or ask a model with a larger context."
    )
