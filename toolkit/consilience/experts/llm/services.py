"""The services that a name can begin with: their address, their key, and what holds there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from consilience.errors import InvalidInput
from consilience.urls import as_address, checked_server

Dialect: TypeAlias = Literal["openai", "anthropic", "google"]
Typed: TypeAlias = Literal["native", "prompted", "tool"]


@dataclass(frozen=True, slots=True)
class Service:
    """Who serves a model.

    Parameters
    ----------
    name
        What stands before the colon.
    dialect
        Whose protocol it speaks; also the extra that has its client.
    url
        Its address; ``None`` for the one that its client knows, empty when each customer has another.
    key
        The environment variables, or entries of the secrets file, that may hold its key; none for a server that wants
        none.
    typed
        How it is held to a typed answer; ``None`` asks pydantic-ai's profile of the model.
    probabilities
        Whether it tells the probabilities of tokens; a model that does not is asked again without them, and remembered.
    alternatives
        Tokens at one place whose probabilities it tells, at most.
    seed
        What it calls the seed of the sampling.
    streams
        Whether its streams can be asked for by the client of its dialect: one that refuses ``stream_options`` cannot.
    streamed
        Whether answers are asked for as streams. A server on this machine notices only so that its caller left.
        OpenAI lets unverified organisations stream no newer model, so it is asked without.
    listed
        Its name in the price list; ``None`` for who is not in it, and for other addresses, which may charge otherwise.
    local
        Whether it runs on the user's own machine: then an answer costs nothing by contract.
    concurrency
        Calls at once by default.
    given
        Whether the address is one that a user gave, and so is checked before anything is sent there.
    allow_private
        Whether a given address may lie in a private range; this machine by its own name always may.
    """

    name: str
    dialect: Dialect
    url: str | None = None
    key: tuple[str, ...] = ()
    typed: Typed | None = None
    probabilities: bool = False
    alternatives: int = 20
    seed: str = "seed"
    streams: bool = True
    streamed: bool = True
    listed: str | None = None
    local: bool = False
    concurrency: int = 32
    given: bool = False
    allow_private: bool = False

    def at(self, url: str, *, allow_private: bool = False) -> Service:
        """Return what is known of the same protocol at another address: only that it speaks it.

        A key that was meant for the provider goes nowhere else, so its variable is not read.

        Raises
        ------
        InvalidInput
            It is no address, or it holds a password.
        UnsafeUrl
            It is an IP address that is not allowed; a name is looked up, and checked, with the first question.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(f"base_url is an address such as 'http://localhost:8000/v1', {url!r} came.")
        if parts.username or parts.password:
            raise InvalidInput(
                "base_url holds no password, since addresses are shown: put it into an environment variable and name "
                "that with key='...'."
            )
        if self.name == "azure" and not parts.path.strip("/"):
            raise InvalidInput(
                f"azure is asked at 'https://NAME.openai.azure.com/openai/v1/', {url!r} came: add the path. The model "
                "is the name of your deployment."
            )
        if as_address(parts.hostname) is not None:
            checked_server(url, allow_private=allow_private)
        if self.url == "" or (self.url and urlsplit(self.url).hostname == "localhost"):
            # the user's own anyway: another port or machine is the same service
            return replace(self, url=url, given=True, allow_private=allow_private)
        plain: Typed | None = "prompted" if self.dialect == "anthropic" else None
        return replace(
            self,
            name=f"{self.name} at {parts.netloc}",
            url=url,
            key=(),
            typed=plain,
            alternatives=20,
            seed="seed",
            streams=True,
            streamed=True,
            listed=None,
            concurrency=8,
            given=True,
            allow_private=allow_private,
        )


def _hosted(name: str, url: str, key: str, typed: Typed | None = None, **known: Any) -> Service:
    found = Service(name, "openai", url, (key,), typed, probabilities=True, listed=name)
    return replace(found, **known)


def _own(name: str, port: int) -> Service:
    # Each turns a JSON schema into a grammar, whatever the model. More than a few calls at once only wait inside.
    return Service(
        name,
        "openai",
        f"http://localhost:{port}/v1",
        typed="native",
        probabilities=True,
        local=True,
        concurrency=4,
    )


_ALL = (
    Service("openai", "openai", key=("OPENAI_API_KEY",), probabilities=True, streamed=False, listed="openai"),
    Service("anthropic", "anthropic", key=("ANTHROPIC_API_KEY",), listed="anthropic"),
    Service(
        "google", "google", key=("GOOGLE_API_KEY", "GEMINI_API_KEY"), probabilities=True, listed="google"
    ),
    Service("azure", "openai", "", ("AZURE_OPENAI_API_KEY",), probabilities=True, listed="azure"),
    _hosted("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    # it answers 400 to anybody who asks for probabilities
    _hosted("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "prompted", probabilities=False),
    _hosted("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", "prompted"),
    _hosted("grok", "https://api.x.ai/v1", "XAI_API_KEY", listed="x-ai", alternatives=8),
    # its logprobs is a number, and what it tells has another form
    _hosted("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", "prompted", probabilities=False),
    # it refuses every field that it does not know, stream_options, seed and logprobs among them
    _hosted(
        "mistral",
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        "prompted",
        probabilities=False,
        seed="random_seed",
        streams=False,
        streamed=False,
    ),
    _hosted("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN", "prompted", probabilities=False),
    Service("litellm", "openai", "http://localhost:4000/v1", ("LITELLM_API_KEY",), probabilities=True),
    _own("ollama", 11434),
    _own("lmstudio", 1234),
    _own("vllm", 8000),
    _own("llamacpp", 8080),
    _own("localai", 8080),
)

SERVICES: dict[str, Service] = {service.name: service for service in _ALL}


def service(
    name: str, url: str | None = None, key: str | None = None, *, allow_private: bool = False
) -> Service:
    """Return a service of the table, at another address or with the key of another variable if one is named.

    Examples
    --------
    >>> service("openai", "http://localhost:8000/v1").name
    'openai at localhost:8000'
    """
    found = SERVICES[name] if url is None else SERVICES[name].at(url, allow_private=allow_private)
    if found.url == "":
        raise InvalidInput(
            f"{name} has an address for each customer: give it with cs.Model(..., base_url='https://...')."
        )
    return found if key is None else replace(found, key=(key,))
