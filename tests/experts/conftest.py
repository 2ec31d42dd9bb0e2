"""Providers that nobody here wrote: llmock over real sockets, and the llama.cpp server of the local model."""

import pytest

import consilience as cs
from consilience.experts.local import serve_local, setup_local
from consilience.experts.registry import as_expert
from consilience.loop import background
from consilience.policies import Policy, RetrySettings, registry

PLANTED = "sk-planted-4c1d9b7e2f60a853"
DIALECTS = {"openai": "gpt-4o-mini", "anthropic": "claude-opus-4-8", "google": "gemini-2.5-flash"}
HOMES = {"openai": "openai", "anthropic": "anthropic", "google": "gemini"}


@pytest.fixture
def planted(monkeypatch):
    """A key that must not be seen anywhere."""
    monkeypatch.setenv("PLANTED_KEY", PLANTED)
    return PLANTED


@pytest.fixture
def model(llmock, planted):
    """Make a model of one of the dialects at the faulty provider."""

    def make(dialect, **options):
        return cs.Model(
            f"{dialect}:{DIALECTS[dialect]}",
            base_url=llmock.base_url(HOMES[dialect]),
            key="PLANTED_KEY",
            alias=dialect,
            **options,
        )

    yield make
    for policy in registry.policies():
        if "127.0.0.1" in policy.name:
            registry.forget(policy.name)


@pytest.fixture
def ask():
    """Ask one model, under a policy that retries twice and at once, and return its response."""

    def answer(given, question="Is water wet?", kind=None, *, retries=2, deadline=None):
        policy = Policy("test", retry=RetrySettings(retries=retries, first=0.001), registered=False)
        expert = as_expert(given)
        with cs.Circle([expert], policies={expert.name: policy}) as circle:
            return circle.ask_sync(question, answer=kind, deadline=deadline).responses[0]

    return answer


@pytest.fixture(scope="session")
def llama():
    """Start the llama.cpp server of the local model for other clients."""
    setup_local()
    endpoint = background.wait_sync(serve_local("LLAMA_KEY"))
    yield endpoint
    background.wait_sync(endpoint.aclose())


@pytest.fixture
def forget():
    """Forget a policy by name, before the test and after it."""
    names = []

    def drop(name):
        registry.forget(name)
        names.append(name)

    yield drop
    for name in names:
        registry.forget(name)
