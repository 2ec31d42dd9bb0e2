"""Good answers, before anything goes wrong: plain JSON, or a chat completion in the form of OpenAI's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from consilience.testing.requests import Request

__all__ = ["Answer", "answer_to", "error_answer"]

_CHAT = "/chat/completions"
_CREATED = 1_767_225_600  # a fixed moment, so that equal requests have equal answers


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be sent.

    Parameters
    ----------
    status
        The HTTP status.
    parts
        The body: one part, or the events of a stream.
    kind
        Its media type.
    headers
        Further ones.
    streamed
        Whether it is sent in chunks.
    """

    status: int
    parts: tuple[bytes, ...]
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    streamed: bool = False

    @property
    def body(self) -> bytes:
        """All parts."""
        return b"".join(self.parts)


def answer_to(request: Request, say: Callable[[Request], str]) -> Answer:
    """Return the good answer to a request.

    A POST to a path that ends in ``/chat/completions`` is answered with a chat completion, as a stream of events if
    the request wants one; ``/models`` with a list of one model; everything else with what was asked.
    """
    if request.method == "POST" and request.path.endswith(_CHAT):
        return _chat(request, say(request))
    if request.path.endswith("/models"):
        return _json({"object": "list", "data": [{"id": "faulty", "object": "model"}]})
    return _json({"number": request.number, "method": request.method, "path": request.path})


def error_answer(status: int, *headers: tuple[str, str]) -> Answer:
    """Return an error in the form of OpenAI's."""
    said = {"error": {"message": f"The fault server answers {status}.", "type": "fault", "code": status}}
    return Answer(status, (json.dumps(said).encode(),), headers=headers)


def _json(value: Any) -> Answer:
    return Answer(200, (json.dumps(value).encode(),))


def _chat(request: Request, text: str) -> Answer:
    try:
        asked = request.json()
    except ValueError:
        return error_answer(400)
    if not isinstance(asked, dict):
        return error_answer(400)
    frame = {
        "id": f"chatcmpl-{request.number}",
        "created": _CREATED,
        "model": str(asked.get("model", "faulty")),
    }
    usage = _usage(asked, text)
    if not asked.get("stream"):
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole: dict[str, Any] = {"object": "chat.completion", "choices": [choice], "usage": usage}
        return _json(frame | whole)
    options = asked.get("stream_options")
    counted = isinstance(options, dict) and bool(options.get("include_usage"))
    return _stream(frame | {"object": "chat.completion.chunk"}, text, usage if counted else None)


def _stream(frame: dict[str, Any], text: str, usage: dict[str, int] | None) -> Answer:
    words = text.split(" ")
    deltas: list[dict[str, str]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word if n == 0 else f" {word}"} for n, word in enumerate(words)]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    chunks = [frame | {"choices": [choice]} for choice in choices]
    if usage is not None:
        chunks.append(frame | {"choices": [], "usage": usage})
    events = [*(json.dumps(chunk) for chunk in chunks), "[DONE]"]
    parts = tuple(f"data: {event}\n\n".encode() for event in events)
    return Answer(200, parts, "text/event-stream", streamed=True)


def _usage(asked: dict[str, Any], text: str) -> dict[str, int]:
    """Count words, which is near enough to tokens for a limit to be tried."""
    sent = len(json.dumps(asked.get("messages", "")).split())
    said = len(text.split())
    return {"prompt_tokens": sent, "completion_tokens": said, "total_tokens": sent + said}
