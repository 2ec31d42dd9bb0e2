"""The guard: what it reads from a text, and what it keeps apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.contradiction import Claims, Relation, compare, content_words, read_claim
from consilience.contradiction.lexicon import _OTHERS, _VERBS, OPPOSITES, role
from consilience.contradiction.quantities import Quantity


def relation(left, right):
    return compare(read_claim(left), read_claim(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Shard the table", "Do not shard the table"),
        ("It is safe", "It isn\u2019t safe"),
        ("It is safe", "It isnt safe"),
        ("Deploy with tests", "Deploy without tests"),
        ("Deploy without tests", "Do not deploy without tests"),
        ("Use Redis instead of Memcached", "Use Memcached instead of Redis"),
        ("Add an index, but do not shard", "Do not add an index, but shard"),
        ("The answer is yes", "The answer is no"),
        ("Yes", "No"),
        ("Do it", "Do not do it"),
        ("The results are reliable", "The results are unreliable"),
    ],
)
def test_a_negated_sentence_contradicts(left, right):
    assert relation(left, right) is Relation.CONTRADICTS


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Teilt die Tabelle", "Teilt die Tabelle nicht"),
        ("Nutzt einen Index", "Nutzt keinen Index"),
        ("Il faut activer le cache", "Il ne faut pas activer le cache"),
        ("Conviene dividir la tabla", "No conviene dividir la tabla"),
        ("Conviene dividere la tabella", "Non conviene dividere la tabella"),
        ("Convém dividir a tabela", "Não convém dividir a tabela"),
        ("Splits de tabel", "Splits de tabel niet"),
        ("Таблицу надо разделить", "Таблицу не надо разделить"),
        ("分割这张表", "不分割这张表"),
    ],
)
def test_a_negation_is_read_in_nine_languages(left, right):
    assert relation(left, right) is Relation.CONTRADICTS


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Add a view", "Remove the view"),
        ("Enabling TLS", "disables TLS"),
        ("Increase the pool", "Lower the pool"),
        ("Turn on logging", "Turn off logging"),
        ("At least 3 replicas", "no more than 3 replicas"),
        ("Enable A and disable B", "Disable A and enable B"),
        ("Move data from Oracle to Postgres", "Move data from Postgres to Oracle"),
        ("Test before the deployment", "Test after the deployment"),
        ("Test before the deployment", "The deployment before the test"),
    ],
)
def test_opposites_contradict(left, right):
    assert relation(left, right) is Relation.CONTRADICTS


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Use 4 shards", "Use 5 shards"),
        ("Wait 30 seconds", "Wait 30 minutes"),
        ("Expect -5 degrees", "Expect 5 degrees"),
        ("Hire two engineers", "Hire three engineers"),
        ("A rate of 1.5 percent", "A rate of 15 percent"),
        ("Track the p95 latency", "Track the p99 latency"),
        ("3 shards and 4 replicas", "4 shards and 3 replicas"),
        ("Python 3.11.4", "Python 3.11.5"),
        ("Pay $10", "Pay 10 euros"),
    ],
)
def test_a_changed_number_contradicts(left, right):
    assert relation(left, right) is Relation.CONTRADICTS


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Use 4 shards", "Use four shards"),
        ("Wait 500 ms", "Wait 0.5 seconds"),
        ("Allow 1,000 requests", "Allow 1000 requests"),
        ("Allow 10k requests", "Allow ten thousand requests"),
        ("Keep 2 million rows", "Keep two million rows"),
        ("Two hundred and five", "205"),
        ("A rate of 10%", "A rate of ten percent"),
        ("Pay $1,000", "Pay 1000 dollars"),
        ("Try twice", "Try 2 times"),
        ("3 shards and 4 replicas", "4 replicas and 3 shards"),
        ("1. Shard", "Shard"),
        ("Avoid global state", "Do not use global state"),
        ("Don't shard", "Do not shard"),
        ("Not only shard but cache", "Also shard but cache"),
    ],
)
def test_the_same_claim_in_other_words_is_compatible(left, right):
    assert relation(left, right) is Relation.COMPATIBLE


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Do not enable TLS", "Disable TLS"),
        ("Never disable TLS", "Enable TLS"),
        ("Use shards", "Use 4 shards"),
        ("Shard the table", "Shard the table without downtime"),
    ],
)
def test_what_is_neither_the_same_nor_opposed_differs(left, right):
    assert relation(left, right) is Relation.DIFFERS


def test_a_negation_ends_with_its_clause():
    claim = read_claim("Do not shard, but add an index")
    assert claim.negated == {"shard"}
    assert claim.affirmed == {"axis_add", "index"}


def test_quantities_have_value_unit_and_noun():
    assert read_claim("Keep 3 shards for 2 weeks").quantities == (
        Quantity(3.0, "", "shard"),
        Quantity(1_209_600.0, "s", ""),
    )


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("10-20 rows", [10, 20]),
        ("2026-11-24", [2026, 11, 24]),
        ("from -3 to +4", [-3, 4]),
        ("1,5 and 1,500", [1.5, 1500]),
    ],
)
def test_signs_ranges_and_separators(text, values):
    assert [each.value for each in read_claim(text).quantities] == values


def test_no_word_stands_at_two_ends():
    listed = f"{_VERBS} {_OTHERS}".replace("|", " ").split()
    assert sorted(word for word in set(listed) if listed.count(word) > 1) == []
    assert all(role(word).sign == sign for word, (_, sign) in OPPOSITES.items())


def test_claims_are_read_when_asked_for_and_sliced():
    claims = Claims(["Add an index", "Shard it", "Wait"])
    assert claims[1] is claims[1]
    assert [claim.text for claim in claims[1:]] == ["Shard it", "Wait"]


WORDS = (
    "do not never shard the table index 4 four ms without but , . enable disable from p95 -3 % turn on one"
)
PIECES = [*WORDS.split(), "five hundred", "n't", "\u4e0d", "_", "__", "a_b", "o'clock", "'", "\ud800", "\x00"]
texts = st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join) | st.text(max_size=40)


@given(texts, texts)
def test_the_relation_is_symmetric_and_a_text_is_compatible_with_itself(left, right):
    assert relation(left, right) is relation(right, left)
    assert relation(left, left) is Relation.COMPATIBLE


@given(texts | st.text("aT_ '\t.-1\u212a", max_size=12))
def test_content_words_alone_are_those_of_the_claim(text):
    assert content_words(text) == read_claim(text).words


@given(texts, texts)
def test_compatible_texts_share_their_key(left, right):
    if relation(left, right) is Relation.COMPATIBLE:
        assert read_claim(left).key == read_claim(right).key
