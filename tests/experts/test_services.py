"""Every service by its own settings, over real sockets: what it is sent, and what is read from its answer."""

import asyncio
import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import consilience as cs
from consilience.errors import InvalidInput
from consilience.experts.llm import LanguageModel
from consilience.experts.llm.services import SERVICES
from consilience.models import ConfidenceSource, Outcome
from consilience.policies import registry

pytestmark = pytest.mark.slow

LABEL = cs.Label("yes", "no")
YES = '{"answer": "yes", "confidence": 0.8}'
#: llmock has servers of these providers' own; the others speak OpenAI's protocol, and get its server.
HOMES = {
    "anthropic": "anthropic",
    "google": "gemini",
    "groq": "groq",
    "mistral": "mistral",
    "together": "together",
    "grok": "xai",
}
#: What a service is known to refuse, or to call otherwise.
REFUSED = {
    "groq": {"logprobs", "top_logprobs", "logit_bias"},
    "mistral": {"logprobs", "top_logprobs", "seed", "stream_options", "max_completion_tokens"},
    "together": {"logprobs", "top_logprobs"},
    "huggingface": {"logprobs", "top_logprobs"},
}


@pytest.fixture
def at(planted):
    """Make an expert of a service with all its settings, at another address."""
    made = []

    def make(name, url, model="a-model"):
        made.append(name)
        return LanguageModel(name, replace(SERVICES[name], url=url, key=("PLANTED_KEY",)), model)

    yield make
    for name in made:
        registry.forget(name)


@pytest.fixture
def answering():
    """Start a server that answers every request with a status and a body, and keeps what it was sent."""
    servers = []

    def start(*answers):
        sent, left = [], list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                status, body = left.pop(0) if len(left) > 1 else left[0]
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}", sent

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(expert, text="Is water wet?", kind=None):
    with cs.Circle([expert]) as circle:
        return circle.ask_sync(text, answer=kind).responses[0]


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "openrouter"])
def test_every_service_answers_texts_and_labels_and_is_sent_nothing_that_it_refuses(llmock, at, name):
    url = llmock.base_url(HOMES.get(name, "openai"))
    expert = at(name, url)
    llmock.reply("It is.")
    response = asked(expert, f"Is {name} wet?")
    assert (response.outcome, response.answer) == (Outcome.ANSWERED, "It is.")
    llmock.reply(YES)
    if name == "anthropic":
        llmock.call_tool("answer", {"answer": "yes", "confidence": 0.8})
    response = asked(expert, f"Is {name} dry?", LABEL)
    assert (response.outcome, response.answer) == (Outcome.ANSWERED, "yes"), response.reason
    for request in llmock.requests:
        assert request.status < 400
        assert not REFUSED.get(name, set()) & request.body.keys()
    body = llmock.last_request.body
    assert body.get("top_logprobs") == {"grok": 8}.get(name, body.get("top_logprobs"))
    if name == "mistral":
        assert body["random_seed"] == 1


@pytest.mark.parametrize("name", ["groq", "mistral", "together", "grok", "deepseek", "azure", "ollama"])
def test_every_service_of_openai_s_protocol_streams_or_gives_the_whole_at_once(llmock, at, name):
    expert = at(name, llmock.base_url(HOMES.get(name, "openai")))
    llmock.reply("Water is wet.")

    async def story():
        return [part async for part in expert.stream(cs.Question(f"Is {name} wet?"))]

    *pieces, reply = asyncio.run(story())
    assert "".join(pieces) == reply.raw == "Water is wet."
    assert not REFUSED.get(name, set()) & llmock.last_request.body.keys()


def test_a_model_that_tells_no_probabilities_is_asked_again_without_them_and_never_for_them_again(llmock, at):
    expert = at("deepseek", llmock.base_url("openai"), "deepseek-reasoner")
    llmock.fail(400, message="This model does not support logprobs")
    for _ in range(3):
        llmock.reply(YES)
    with cs.Circle([expert]) as circle:
        for number in range(2):
            (response,) = circle.ask_sync(f"Is it {number}?", answer=LABEL).responses
            assert (response.answer, response.confidence_source) == ("yes", ConfidenceSource.SELF_REPORTED)
    assert ["logprobs" in request.body for request in llmock.requests] == [True, False, False]


def test_another_complaint_about_a_request_is_no_reason_to_ask_again(llmock, at):
    expert = at("deepseek", llmock.base_url("openai"))
    llmock.fail(400, message="The model is retired", times=None)
    response = asked(expert, "Is it?", LABEL)
    assert response.outcome is Outcome.FAILED
    assert len(llmock.requests) == 1


GEMINI = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"text": '{"answer": "yes", "confidence": 0.99}'}]},
            "finishReason": "STOP",
            "avgLogprobs": -0.1,
            "logprobsResult": {
                "chosenCandidates": [
                    {"token": '{"answer": "', "tokenId": 1, "logProbability": -0.0001},
                    {"token": "yes", "tokenId": 2, "logProbability": -0.2231435},
                    {"token": '", "confidence": 0.99}', "tokenId": 3, "logProbability": -0.01},
                ],
                "topCandidates": [
                    {"candidates": [{"token": '{"answer": "', "tokenId": 1, "logProbability": -0.0001}]},
                    {
                        "candidates": [
                            {"token": "yes", "tokenId": 2, "logProbability": -0.2231435},
                            {"token": "no", "tokenId": 4, "logProbability": -1.6094379},
                        ]
                    },
                    {
                        "candidates": [
                            {"token": '", "confidence": 0.99}', "tokenId": 3, "logProbability": -0.01}
                        ]
                    },
                ],
            },
        }
    ],
    "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 9, "totalTokenCount": 29},
    "modelVersion": "gemini-2.0-flash",
}
NOT_ENABLED = {
    "error": {
        "code": 400,
        "message": "Logprobs is not enabled for models/gemini-2.5-pro",
        "status": "INVALID_ARGUMENT",
    }
}


def test_google_is_asked_for_probabilities_and_they_are_the_confidence(answering, at):
    url, sent = answering((200, GEMINI))
    response = asked(at("google", url, "gemini-2.0-flash"), kind=LABEL)
    assert sent[0]["generationConfig"]["responseLogprobs"] is True
    assert sent[0]["generationConfig"]["logprobs"] == 20
    assert response.confidence_source is ConfidenceSource.TOKENS
    assert dict(response.probabilities) == {"yes": pytest.approx(0.8), "no": pytest.approx(0.2)}


def test_a_model_of_google_without_probabilities_answers_with_its_own_word(answering, at):
    url, sent = answering((400, NOT_ENABLED), (200, GEMINI | {"candidates": [_untold(GEMINI)]}))
    response = asked(at("google", url, "gemini-2.5-pro"), kind=LABEL)
    assert (response.answer, response.confidence) == ("yes", 0.99)
    assert response.confidence_source is ConfidenceSource.SELF_REPORTED
    assert len(sent) == 2


def _untold(body):
    (candidate,) = body["candidates"]
    return {name: value for name, value in candidate.items() if "ogprobs" not in name}


ROUTED = {
    "id": "gen-1",
    "provider": "DeepInfra",
    "model": "meta-llama/llama-3.3-70b-instruct",
    "object": "chat.completion",
    "created": 1_760_000_000,
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "native_finish_reason": "stop",
            "message": {"role": "assistant", "content": "It is."},
        }
    ],
    "usage": {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23, "cost": 0.00042},
}


def test_openrouter_says_itself_what_a_call_cost(answering, at):
    url, sent = answering((200, ROUTED))
    expert = at("openrouter", url, "meta-llama/llama-3.3-70b-instruct")
    expert.service = replace(expert.service, streamed=False)
    response = asked(expert)
    assert (response.answer, response.usage) == ("It is.", cs.Usage(20, 3, 0.00042))
    assert sent[0]["usage"] == {"include": True}


def test_a_question_that_azure_s_filter_stops_is_refused(answering, at):
    said = {
        "error": {
            "message": "The response was filtered due to the prompt triggering content management policy.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation"},
        }
    }
    url, _ = answering((400, said))
    response = asked(at("azure", f"{url}/openai/v1/"))
    assert response.outcome is Outcome.REFUSED
    assert "content management policy" in response.reason


def test_azure_is_given_its_address_with_the_path():
    with pytest.raises(InvalidInput, match="an address for each customer"):
        cs.Circle(["azure:gpt-4o"])
    with pytest.raises(InvalidInput, match="/openai/v1/"):
        cs.Circle([cs.Model("azure:gpt-4o", base_url="https://mine.openai.azure.com")])
    model = cs.Model("azure:gpt-4o", base_url="https://mine.openai.azure.com/openai/v1/")
    assert cs.Circle([model]).experts[0].service.key == ("AZURE_OPENAI_API_KEY",)
