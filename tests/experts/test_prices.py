"""What calls cost: cached tokens counted right, the unknown unknown."""

import importlib.metadata

import pytest
from pydantic_ai.usage import RequestUsage

from consilience.experts import prices
from consilience.experts.llm.services import SERVICES, service


def test_cached_tokens_are_counted_once_and_at_their_own_price():
    plain = prices.cost(RequestUsage(input_tokens=1000, output_tokens=10), SERVICES["openai"], "gpt-4o")
    cached = prices.cost(
        RequestUsage(input_tokens=1000, cache_read_tokens=800, output_tokens=10), SERVICES["openai"], "gpt-4o"
    )
    # dollars a million tokens: 2.50 in, 1.25 from the cache, 10 out
    assert plain == pytest.approx((1000 * 2.5 + 10 * 10) / 1e6)
    assert cached == pytest.approx((200 * 2.5 + 800 * 1.25 + 10 * 10) / 1e6)


def test_writing_into_the_cache_costs_more():
    usage = {"input_tokens": 1000, "output_tokens": 10}
    plain = prices.cost(RequestUsage(**usage), SERVICES["anthropic"], "claude-sonnet-4-5")
    written = prices.cost(
        RequestUsage(**usage, cache_write_tokens=1000), SERVICES["anthropic"], "claude-sonnet-4-5"
    )
    assert written == pytest.approx(plain + 1000 * 3 * 0.25 / 1e6)


@pytest.mark.parametrize(
    ("where", "model"),
    [
        (SERVICES["openai"], "a-model-of-tomorrow"),
        (SERVICES["litellm"], "gpt-4o"),
        (service("openai", "http://localhost:4000/v1"), "gpt-4o"),
    ],
    ids=["unknown model", "proxy", "another address"],
)
def test_what_nobody_can_tell_is_unknown(where, model):
    assert prices.cost(RequestUsage(input_tokens=1000, output_tokens=10), where, model) is None


def test_counts_that_do_not_add_up_are_unknown():
    usage = RequestUsage(input_tokens=10, cache_read_tokens=800, output_tokens=10)
    assert prices.cost(usage, SERVICES["openai"], "gpt-4o") is None


def test_a_server_of_one_s_own_costs_nothing():
    usage = RequestUsage(input_tokens=1000, output_tokens=10)
    assert prices.cost(usage, SERVICES["ollama"], "gpt-4o") == 0.0


def test_the_list_is_named_with_its_version():
    version = importlib.metadata.version("genai-prices")
    assert str(prices.snapshot()) == f"genai-prices {version}"


@pytest.mark.parametrize("name", ["azure", "openrouter", "groq", "deepseek", "grok", "together", "mistral"])
def test_every_listed_service_is_in_the_list(name):
    from genai_prices.data_snapshot import get_snapshot

    assert SERVICES[name].listed in {provider.id for provider in get_snapshot().providers}
