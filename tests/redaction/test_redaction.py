"""Secrets and personal data are found, replaced by stable placeholders, and put back."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.errors import InvalidInput
from consilience.redaction import KINDS, Redactor, Span, spans

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


@pytest.mark.parametrize(
    ("kind", "value", "around"),
    [
        ("PRIVATE_KEY", KEY, "key:\n{}\nend"),
        ("PRIVATE_KEY", KEY[:45], "{}"),
        ("API_KEY", "sk-" + "a1B2" * 10, "key {}."),
        ("API_KEY", "sk-ant-api03-" + "a1-_" * 10, "{}"),
        ("API_KEY", "AIza" + "x" * 35, "({})"),
        ("API_KEY", "hf_" + "aB3" * 11, "{}"),
        ("API_KEY", "gsk_" + "aB3" * 11, "{}"),
        ("GITHUB_TOKEN", "ghp_" + "a" * 36, "token {}"),
        ("GITHUB_TOKEN", "github_pat_" + "a" * 30, "{}"),
        ("AWS_KEY", "AKIAIOSFODNN7EXAMPLE", "id={}"),
        ("JWT", JWT, "Bearer {}"),
        ("PASSWORD", "h!dden", "postgres://ana:{}@db.example.org/x"),
        ("PASSWORD", "correct horse".replace(" ", "-"), 'password = "{}"'),
        ("PASSWORD", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = {}"),
        ("PASSWORD", "s3cr3t-value", "export DB_PASSWORD={}"),
        ("EMAIL", "ana.b+c@mail.example.org", "<{}>,"),
        ("IBAN", "DE89 3704 0044 0532 0130 00", "to {}."),
        ("IBAN", "GB29NWBK60161331926819", "{}"),
        ("CARD", "4111 1111 1111 1111", "card {}."),
        ("CARD", "5500-0000-0000-0004", "{}"),
        ("PHONE", "+49 (89) 123 456 78", "call {}!"),
        ("PHONE", "(555) 123-4567", "{}"),
        ("IP", "192.0.2.1", "from {}."),
        ("IP", "2001:db8::8a2e:370:7334", "from {}"),
    ],
)
def test_each_kind_is_found_and_put_back(kind, value, around):
    text = around.format(value)
    redaction = Redactor().start()
    hidden = redaction.hide(text)
    assert hidden == around.format(f"[{kind}_1]")
    assert redaction.restore(hidden) == text


@pytest.mark.parametrize(
    "text",
    [
        "call get_token(user) and set token = get_token()",
        "4111 1111 1111 1112 is no card",
        "DE88 3704 0044 0532 0130 00 is no account",
        "version 300.1.2.999",
        "at 12:30:45 std::vector<int> a::b",
        "0000 0000 0000 0000",
        "see 10.1234/abc, 2026-11-24, 1,234,567.89",
        "user@localhost, @ana, https://example.org:8080/a",
        "sk-short",
    ],
)
def test_what_only_resembles_stays(text):
    assert list(spans(text)) == []


def test_one_value_has_one_placeholder_in_all_texts():
    redaction = Redactor().start()
    assert redaction.hide("a@example.org b@example.org") == "[EMAIL_1] [EMAIL_2]"
    assert redaction.hide("b@example.org again") == "[EMAIL_2] again"
    assert redaction.placeholders == ("[EMAIL_1]", "[EMAIL_2]")


def test_a_placeholder_that_a_text_brings_itself_is_not_taken_for_a_value():
    redaction = Redactor().start()
    text = "[EMAIL_1] is literal, a@example.org is not"
    hidden = redaction.hide(text)
    assert hidden == "[EMAIL_1] is literal, [EMAIL_2] is not"
    assert redaction.restore(hidden) == text


def test_values_do_not_stand_in_the_repr():
    redaction = Redactor().start()
    redaction.hide("a@example.org")
    assert "a@example.org" not in repr(redaction)
    assert "[EMAIL_1]" in repr(redaction)


def test_kinds_and_exceptions_are_chosen():
    text = "help@example.org ana@example.org 192.0.2.1"
    assert Redactor(["IP"]).start().hide(text) == "help@example.org ana@example.org [IP_1]"
    assert Redactor(keep=["help@example.org"]).start().hide(text) == "help@example.org [EMAIL_1] [IP_1]"


def test_a_finder_adds_to_what_is_found_and_overlaps_leave_nothing_visible():
    def names(text):
        return [Span("PERSON", match.start(), match.end()) for match in re.finditer("Ana Lima <ana", text)]

    hidden = Redactor(finder=names).start().hide("From Ana Lima <ana@example.org>")
    assert hidden == "From [PERSON_1][EMAIL_1]>"


@pytest.mark.parametrize("settings", [{"kinds": ["NAME"]}, {"kinds": "IP"}, {"keep": "x"}])
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(InvalidInput):
        Redactor(**settings)


def test_a_finder_with_a_kind_that_cannot_be_a_placeholder_is_refused():
    with pytest.raises(InvalidInput, match="PERSON_NAME"):
        Redactor(finder=lambda text: [Span("a kind", 0, 1)]).start().hide("x")


PARTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["a@example.org", "192.0.2.1", "[EMAIL_1]", "[IP_2]", "AKIAIOSFODNN7EXAMPLE", KEY, JWT, " ", "\n"]
        ),
        st.text(max_size=12),
    ),
    max_size=8,
).map(" ".join)


@given(st.lists(PARTS, max_size=4))
@settings(max_examples=150)
def test_what_was_hidden_comes_back_and_hiding_again_finds_nothing(texts):
    redaction = Redactor().start()
    redaction.reserve(*texts)
    hidden = [redaction.hide(text) for text in texts]
    assert [redaction.restore(text) for text in hidden] == texts
    for text in hidden:
        assert "a@example.org" not in text
        assert "AKIAIOSFODNN7EXAMPLE" not in text or re.search(r"\wAKIA|EXAMPLE\w", text)


def test_all_kinds_are_named():
    assert set(KINDS) >= {"API_KEY", "EMAIL", "CARD", "IBAN", "IP", "PHONE", "JWT"}
