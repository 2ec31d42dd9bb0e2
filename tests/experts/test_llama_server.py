"""The llama.cpp server of the local model, through the OpenAI and the Anthropic endpoint."""

import asyncio

import pytest

import consilience as cs
from consilience.experts.llm.discovery import discover
from consilience.experts.registry import as_expert
from consilience.models import ConfidenceSource, Outcome

pytestmark = pytest.mark.slow

FACTS = [("Is fire cold?", "no"), ("Is London in England?", "yes"), ("Can stones talk?", "no")]


@pytest.fixture
def local(llama):
    """Make a model at the local server, by the endpoint of a dialect."""

    def make(name, **options):
        url = llama.url if name.startswith("anthropic") else f"{llama.url}/v1"
        return cs.Model(name, base_url=url, key=llama.key, alias="it", **{"max_tokens": 80} | options)

    return make


@pytest.mark.parametrize("name", ["openai:smollm2", "anthropic:smollm2", "llamacpp:smollm2"])
def test_a_text_is_answered(local, ask, name):
    response = ask(local(name), "Say hello.")
    assert response.outcome is Outcome.ANSWERED
    assert response.usage.input_tokens > 0
    assert response.usage.output_tokens > 0


@pytest.mark.parametrize("name", ["openai:smollm2", "llamacpp:smollm2"])
def test_a_label_has_its_share_of_the_token_probabilities(local, ask, name):
    question = cs.Question("Is water wet?", cs.Label("yes", "no"), examples=FACTS)
    response = ask(local(name), question)
    assert response.answer in ("yes", "no")
    assert response.confidence_source is ConfidenceSource.TOKENS
    assert response.confidence == dict(response.probabilities)[response.answer]
    assert sum(p for _, p in response.probabilities) == pytest.approx(1)


@pytest.mark.parametrize("kind", [cs.Score(0, 10), cs.Ranking("cost", "speed")])
def test_a_grammar_holds_the_form_and_the_bounds_are_looked_at(local, ask, kind):
    response = ask(local("llamacpp:smollm2"), "How important is it?", kind)
    assert response.outcome in (Outcome.ANSWERED, Outcome.ABSTAINED, Outcome.UNPARSEABLE)
    assert response.outcome is not Outcome.ANSWERED or kind.parse(response.answer) == response.answer
    assert "JSON" not in (response.reason or "")


def test_the_anthropic_endpoint_is_asked_for_the_form_in_words(local, ask):
    question = cs.Question("Is water wet?", cs.Label("yes", "no"), examples=FACTS)
    response = ask(local("anthropic:smollm2"), question)
    assert response.outcome in (
        Outcome.ANSWERED,
        Outcome.UNPARSEABLE,
    )  # a model of this size keeps to it, or not
    assert response.confidence_source in (None, ConfidenceSource.SELF_REPORTED)
    assert response.usage.output_tokens > 0


@pytest.mark.parametrize("name", ["openai:smollm2", "anthropic:smollm2"])
def test_an_answer_that_reaches_the_limit_is_truncated(local, ask, name):
    response = ask(local(name, max_tokens=5), "Tell me a long story about a king.")
    assert response.outcome is Outcome.UNPARSEABLE
    assert "was cut off after 5 tokens" in response.reason
    assert response.usage.output_tokens == 5


@pytest.mark.parametrize("name", ["openai:smollm2", "anthropic:smollm2"])
def test_a_question_longer_than_the_context_says_so(local, ask, name):
    response = ask(local(name), "word " * 20_000)
    assert response.outcome is Outcome.FAILED
    assert "does not fit into the context" in response.reason


@pytest.mark.parametrize("name", ["openai:smollm2", "anthropic:smollm2"])
def test_a_wrong_key_is_rejected_once(local, ask, name, monkeypatch):
    given = local(name)
    monkeypatch.setenv("LLAMA_KEY", "wrong-key-0123456789")
    response = ask(given)
    assert "does not accept the key from LLAMA_KEY" in response.reason


@pytest.mark.parametrize("name", ["openai:smollm2", "anthropic:smollm2"])
def test_a_text_streams(local, name):
    async def streamed():
        return [part async for part in as_expert(local(name)).stream(cs.Question("Say hello."))]

    *pieces, reply = asyncio.run(streamed())
    assert "".join(pieces) == reply.raw


def test_a_local_server_costs_nothing_by_its_own_name_only(local, ask):
    assert ask(local("llamacpp:smollm2"), "Say hi.").usage.cost_usd == 0.0
    assert ask(local("openai:smollm2"), "Say hi.").usage.cost_usd is None


def test_servers_are_discovered_where_they_are(llama):
    address, nobody = llama.url, "http://127.0.0.1:9/v1"
    (found,) = asyncio.run(discover({f"{address}/v1": ("llamacpp",), nobody: ("ollama",)}))
    assert found.address == f"{address}/v1"
    assert found.models or found.locked


def test_a_server_that_is_discovered_names_what_to_write(llmock):
    (found,) = asyncio.run(discover({llmock.base_url("openai"): ("vllm",)}))
    assert found.models
    assert found.names[0] == f"vllm:{found.models[0]}"


def test_doctor_looks_for_servers_only_when_asked(monkeypatch, llmock):
    from typer.testing import CliRunner

    from consilience.cli import app
    from consilience.experts.llm import discovery

    monkeypatch.setattr(discovery, "usual", lambda: {llmock.base_url("openai"): ("vllm",)})
    monkeypatch.setenv("COLUMNS", "200")
    assert "vllm:" not in CliRunner().invoke(app, ["doctor"]).stdout
    assert not llmock.requests
    assert "vllm:" in CliRunner().invoke(app, ["doctor", "--local"]).stdout


def test_the_endpoint_shows_no_key_and_takes_it_back(llama):
    import os

    from consilience.experts.local import serve_local

    other = asyncio.run(serve_local("SECOND_KEY"))
    assert other.url == llama.url  # one server for all
    assert os.environ["SECOND_KEY"] not in repr(other)
    asyncio.run(other.aclose())
    assert "SECOND_KEY" not in os.environ
