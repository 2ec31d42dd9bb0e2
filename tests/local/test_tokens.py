"""Confidence from token probabilities, against a model small enough to enumerate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.experts.local.client import Completion, Position, Token
from consilience.experts.local.tokens import Listing, Tally, known_places


def listing(*pairs):
    return Listing(tuple(Token(i, text, math.log(p)) for i, (text, p) in enumerate(pairs)))


class Bytes:
    """A language model over single bytes and pairs whose next-token probabilities depend on what is written."""

    def __init__(self, weights):
        self.weights = weights

    def distribution(self, written):
        tokens = [bytes([a]) for a in b"ab "] + [bytes([a, b]) for a in b"ab " for b in b"ab "]
        masses = [
            self.weights[(i * 7 + len(written) * 3 + sum(written)) % len(self.weights)]
            for i in range(len(tokens))
        ]
        total = sum(masses)
        return [Token(i, t, math.log(m / total)) for i, (t, m) in enumerate(zip(tokens, masses, strict=True))]

    def mass(self, form, written=b""):
        if written == form:
            return 1.0
        return math.fsum(
            math.exp(t.logprob) * self.mass(form, written + t.bytes)
            for t in self.distribution(written)
            if form.startswith(written + t.bytes)
        )


weights = st.lists(st.floats(0.01, 1.0), min_size=5, max_size=12)
labels = st.lists(st.text("ab", min_size=1, max_size=4), min_size=2, max_size=4, unique=True).filter(
    lambda found: not any(a != b and b.startswith(a) for a in found for b in found)
)


def forms_of(names):
    return {name: (f" {name}".encode(),) for name in names}


@given(weights, labels)
def test_followed_to_the_end_the_probabilities_are_exact(weights, names):
    model, tally = Bytes(weights), Tally(forms_of(names))
    while (place := tally.heaviest()) is not None:
        tally.look(place, Listing(tuple(model.distribution(place.written))))
    masses = {name: model.mass(f" {name}".encode()) for name in names}
    assert tally.unseen == pytest.approx(0.0, abs=1e-9)
    assert dict(tally.probabilities()) == pytest.approx(
        {n: m / sum(masses.values()) for n, m in masses.items()}
    )


@given(weights, labels, st.integers(1, 12), st.integers(0, 6))
def test_cut_short_no_probability_is_wrong_by_more_than_unseen(weights, names, top, looks):
    model, tally = Bytes(weights), Tally(forms_of(names))
    for _ in range(looks):
        place = tally.heaviest()
        if place is None:
            break
        likeliest = sorted(model.distribution(place.written), key=lambda t: -t.logprob)[:top]
        tally.look(place, Listing(tuple(likeliest)))
    masses = {name: model.mass(f" {name}".encode()) for name in names}
    found = dict(tally.probabilities())
    assert 0.0 <= tally.unseen <= 1.0
    assert sum(found.values()) <= 1.0 + 1e-9
    for name, mass in masses.items():
        assert abs(found.get(name, 0.0) - mass / sum(masses.values())) <= tally.unseen + 1e-9


def test_labels_that_share_their_first_token_are_told_apart_by_the_next():
    tally = Tally(forms_of(["not spam", "not ham", "yes"]))
    tally.look(tally.heaviest(), listing((b" not", 0.6), (b" yes", 0.4)))
    assert tally.unseen == pytest.approx(0.6)
    tally.look(tally.heaviest(), listing((b" spam", 0.5), (b" ham", 0.25), (b"!", 0.25)))
    assert dict(tally.probabilities()) == pytest.approx(
        {"not spam": 0.3 / 0.85, "not ham": 0.15 / 0.85, "yes": 0.4 / 0.85}
    )


def test_a_label_that_begins_another_needs_its_end():
    forms = {name: (f" {name}\n".encode(), f" {name}\n\n".encode()) for name in ("no", "no idea")}
    tally = Tally(forms, {f" {name}".encode(): name for name in forms})
    tally.look(tally.heaviest(), listing((b" no", 1.0)))
    assert tally.probabilities() == ()
    tally.look(tally.heaviest(), listing((b"\n", 0.2), (b"\n\n", 0.1), (b"", 0.1), (b" idea", 0.6)))
    tally.look(tally.heaviest(), listing((b"\n", 1.0)))
    assert dict(tally.probabilities()) == pytest.approx({"no": 0.4, "no idea": 0.6})


def test_a_label_may_part_from_another_inside_a_character():
    tally = Tally({"\U0001f600": (" \U0001f600".encode(),), "\U0001f621": (" \U0001f621".encode(),)})
    tally.look(tally.heaviest(), listing((b" \xf0\x9f\x98", 1.0)))
    tally.look(tally.heaviest(), listing((b"\x80", 0.75), (b"\xa1", 0.25)))
    assert dict(tally.probabilities()) == pytest.approx({"\U0001f600": 0.75, "\U0001f621": 0.25})


def test_nothing_is_known_of_labels_that_no_token_leads_to():
    tally = Tally(forms_of(["a", "b"]))
    tally.look(tally.heaviest(), listing((b"x", 0.9)))
    assert tally.probabilities() == ()
    assert tally.unseen == 1.0


def test_tokens_that_end_inside_a_character_leave_a_gap_in_what_is_known():
    whole = Token(3, "\U0001f600".encode(), -1.0)
    completion = Completion(
        "x",
        cut=False,
        input_tokens=1,
        output_tokens=4,
        tokens=(1, 2, 3, 4),
        positions=(
            Position(whole, (Token(3, b"\x80", -1.0),)),
            Position(Token(4, b"!", -9.0), (Token(9, b"?", -0.1),)),
        ),
    )
    known = known_places(completion)
    assert known[1, 2] == Listing((Token(3, b"\x80", -1.0),))
    assert known[1, 2, 3] == Listing((Token(9, b"?", -0.1),), Token(4, b"!", -9.0))
    assert () not in known
