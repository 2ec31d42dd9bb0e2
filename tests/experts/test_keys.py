"""Keys: where they come from, and that nothing shows or keeps them."""

import asyncio
import json
import logging
import pickle
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

import consilience as cs
from consilience.errors import KeyMissing, ProviderExtraMissing, SecretsExposed, UnsafeUrl
from consilience.experts.llm import keys
from consilience.experts.llm.keys import Key
from consilience.experts.registry import as_expert
from consilience.models import Outcome

PLANTED = "sk-planted-4c1d9b7e2f60a853"


@pytest.fixture
def secrets(tmp_path, monkeypatch):
    """A secrets file of the user's own."""
    path = tmp_path / "secrets.toml"
    monkeypatch.setenv("CONSILIENCE_SECRETS", str(path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def write(text, mode=0o600):
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


@pytest.fixture(scope="module")
def echo():
    """A server that sends back everything that it was told, as an error: the worst that a provider could do."""

    class Echo(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told = " ".join(f"{name}: {value}" for name, value in self.headers.items())
            said = f"Incorrect API key provided: {PLANTED[:9]}*****{PLANTED[-4:]}. You sent {told}"
            body = json.dumps({"error": {"message": said, "code": 401, "status": "UNAUTHENTICATED"}}).encode()
            self.send_response(401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def seen(text):
    """Return the parts of the planted key that a text shows."""
    return [
        PLANTED[start : start + 8] for start in range(len(PLANTED) - 7) if PLANTED[start : start + 8] in text
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["openai:gpt-4o-mini", "anthropic:claude-opus-4-8", "google:gemini-2.5-flash"]
)
@pytest.mark.parametrize("streamed", [True, False])
def test_a_planted_key_is_on_no_surface(name, streamed, echo, planted, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    expert = as_expert(cs.Model(name, base_url=echo, key="PLANTED_KEY", alias="it"))
    if not streamed:
        import dataclasses

        expert.service = dataclasses.replace(expert.service, streamed=False)
    store = tmp_path / "history.duckdb"
    with cs.Circle([expert], store=store) as circle:
        verdict = circle.ask_sync("Is water wet?", answer=cs.Label("yes", "no"))
        shown = [repr(circle), repr(circle.experts), repr(circle.policies), repr(expert._connection)]
    (response,) = verdict.responses
    assert response.outcome is Outcome.FAILED
    assert (
        "does not accept the key from PLANTED_KEY (HTTP 401: Incorrect API key provided: [key]"
        in response.reason
    )
    with pytest.raises(cs.errors.KeyRejected) as caught:
        asyncio.run(expert.answer(cs.Question("And now?")))
    shown += [
        repr(verdict),
        str(verdict),
        verdict._repr_html_(),
        repr(response),
        str(verdict.to_polars().to_dicts()),
    ]
    shown += ["".join(traceback.format_exception(caught.value)), repr(vars(caught.value)), caplog.text]
    shown += [*capfd.readouterr(), repr(vars(expert)), repr(cs.Model(name, key="PLANTED_KEY"))]
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    for surface in shown:
        assert not seen(surface), surface
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or planted.encode() not in file.read_bytes()


def test_a_key_shows_itself_to_nobody():
    key = Key(PLANTED, "OPENAI_API_KEY")
    assert not seen(f"{key} {key!r} {[key]}")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)


@given(st.text(max_size=20), st.integers(0, 20), st.integers(6, 27), st.text(max_size=20))
def test_scrubbing_leaves_no_part_of_a_key(before, start, length, after):
    part = PLANTED[start : start + max(6, length)]
    cleaned = Key(PLANTED, "X").scrub(f"{before} {part} {after}")
    assert not any(PLANTED[i : i + 6] in cleaned for i in range(len(PLANTED) - 5))


@given(st.lists(st.sampled_from(["the", "rate", "limit", "reached", "at", "10:15", "(3/min)"]), max_size=12))
def test_scrubbing_leaves_words_as_they_are(words):
    assert Key(PLANTED, "X").scrub(" ".join(words)) == " ".join(words)


def test_the_environment_goes_before_the_file(secrets, monkeypatch):
    secrets('OPENAI_API_KEY = "from-the-file"\nGEMINI_API_KEY = "second-name"\n')
    assert keys.find(["OPENAI_API_KEY"], "openai").reveal() == "from-the-file"
    assert (
        keys.find(["GOOGLE_API_KEY_", "GEMINI_API_KEY"], "google").origin == "GEMINI_API_KEY in secrets.toml"
    )
    monkeypatch.setenv("OPENAI_API_KEY", " from-outside \n")
    assert keys.find(["OPENAI_API_KEY"], "openai").reveal() == "from-outside"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_can_read_is_refused(secrets, mode):
    path = secrets(f'OPENAI_API_KEY = "{PLANTED}"', mode)
    with pytest.raises(SecretsExposed, match=f"mode {mode:o} and was not read: run chmod 600") as caught:
        keys.find(["OPENAI_API_KEY"], "openai")
    assert str(path) in str(caught.value)
    assert not seen(str(caught.value))


def test_a_file_that_is_no_toml_is_named_and_not_quoted(secrets):
    secrets(f"OPENAI_API_KEY = {PLANTED}")
    with pytest.raises(SecretsExposed, match="cannot be read as TOML") as caught:
        keys.find(["OPENAI_API_KEY"], "openai")
    assert not seen("".join(traceback.format_exception(caught.value)))


def test_a_missing_key_is_that_expert_s_outcome(secrets, tmp_path):
    with cs.Circle(["openai:gpt-4o-mini", cs.Scripted("ana", ["yes"])]) as circle:
        verdict = circle.ask_sync("Is it?", answer=cs.Label("yes", "no"))
    ana, openai = verdict.responses
    assert ana.answer == "yes"
    assert openai.outcome is Outcome.FAILED
    assert "openai wants a key, and OPENAI_API_KEY is not set" in openai.reason
    assert str(tmp_path / "secrets.toml") in openai.reason
    with pytest.raises(KeyMissing):
        asyncio.run(as_expert("google:gemini-2.5-flash").answer(cs.Question("Is it?")))


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("openai:x", "openai", "consilience[openai]"),
        ("anthropic:x", "anthropic", "consilience[anthropic]"),
        ("google:x", "google.genai", "consilience[google]"),
        ("groq:x", "pydantic_ai", "consilience[openai]"),
    ],
)
def test_a_missing_extra_is_named(name, module, extra, monkeypatch, planted):
    monkeypatch.setitem(sys.modules, module, None)
    expert = as_expert(cs.Model(name, key="PLANTED_KEY"))
    with pytest.raises(ProviderExtraMissing, match=module) as caught:
        asyncio.run(expert.answer(cs.Question("Is it?")))
    assert f"pip install '{extra}'" in str(caught.value)


def test_a_key_goes_only_where_it_is_told_to(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", PLANTED)
    elsewhere = as_expert(cs.Model("openai:x", base_url="https://elsewhere.example/v1"))
    assert elsewhere.service.key == ()
    assert as_expert("openai:x").service.key == ("OPENAI_API_KEY",)
    assert as_expert(cs.Model("groq:x", base_url="https://elsewhere.example/v1")).service.key == ()


@pytest.mark.parametrize("name", ["openai:x", "anthropic:x", "google:x", "ollama:x", "azure:x", "litellm:x"])
def test_an_address_inside_the_network_is_refused_unless_it_is_meant(name):
    for url in ("http://10.1.2.3:8000/v1", "http://[fd00::1]/v1"):
        with pytest.raises(UnsafeUrl, match="allow_private"):
            as_expert(cs.Model(name, base_url=url))
        assert as_expert(cs.Model(name, base_url=url, allow_private=True)).service.url == url
    with pytest.raises(UnsafeUrl, match="credentials"):
        as_expert(cs.Model(name, base_url="http://169.254.169.254/latest", allow_private=True))
    for url in ("http://localhost:1/v1", "http://127.0.0.1:1/v1", "http://[::1]:1/v1"):
        assert as_expert(cs.Model(name, base_url=url)).service.given


def test_a_name_that_leads_into_the_network_is_refused_before_anything_is_sent(monkeypatch):
    asked = []

    def look_up(host, port, **_):
        asked.append(host)
        return [(2, 1, 6, "", ("10.1.2.3", port))]

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    model = cs.Model("openai:x", base_url="https://models.example.org/v1", alias="it")
    response = cs.Circle([model]).ask_sync("Is it?").responses[0]
    assert asked == ["models.example.org"]
    assert response.outcome is cs.Outcome.FAILED
    assert "'models.example.org' is at 10.1.2.3" in response.reason
